"""``spel demo``: the first run."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.options import Settings, shared


@click.command("demo")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the files. [default: demo]"
)
@click.option("--fast", is_flag=True, help="Numbers only, no pictures.")
@click.option("--no-browser", is_flag=True, help="Do not open the studio at the end.")
@shared
def command(out: Path | None, fast: bool, no_browser: bool, settings: Settings) -> None:
    """Show what spel does, in seconds, without any data and without internet.

    The lecture's chain finds the plate on a rendered street whose plate is known, every step is
    drawn, the arithmetic behind one spel is printed, and the same chain reads a real picture.
    """
    import platform

    from spel import __version__, kernels
    from spel.core.threads import thread_count
    from spel.demo import show

    settings.say(
        f"spel {__version__} · Python {platform.python_version()} · {kernels.choice} kernels "
        f"({kernels.native_info()['isa']}) · {thread_count()} threads · no data, no internet"
    )
    done = show(out, fast=fast, say=settings.say)
    settings.say(
        "\nThe files follow. Look at steps.png; the same in Python: demo.py. Your own picture:\n"
        "  spel apply plate-lecture PICTURE --step all --out steps\n"
        "  spel trace plate-lecture PICTURE --at ROW,COL"
        if not fast
        else "\nThe files follow."
    )
    for path in done.files:
        click.echo(path)
    if not (fast or no_browser) and _watched():
        settings.say("\nThe same chain, every number to be touched, in the studio:")
        from spel.cli.studio import command as studio

        click.get_current_context().invoke(studio)


def _watched() -> bool:
    """Whether a person sits in front of this, with what the studio needs."""
    import sys
    from importlib.util import find_spec

    return sys.stderr.isatty() and sys.stdout.isatty() and find_spec("uvicorn") is not None
