"""``python -m spel`` is the command ``spel``."""

from spel.cli.entry import main

if __name__ == "__main__":
    main()
