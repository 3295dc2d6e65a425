"""Draw the gallery: python docs/gallery/make.py [--out FOLDER] [NAME ...]"""

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def names():
    """The scripts of the gallery."""
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem != "make")


def picture(name):
    """The picture of a script as an RGB array; a matplotlib figure is rendered."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    drawn = importlib.import_module(name).picture()
    if isinstance(drawn, np.ndarray):
        return drawn
    drawn.set_dpi(110)
    return importlib.import_module("adjacency").rendered(drawn)


def save(path, rgb):
    """Write WebP, which every browser shows and which takes a tenth of a PNG."""
    from PIL import Image

    Image.fromarray(rgb).save(path, quality=90, method=6)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--out", type=Path, default=HERE.parent / "pictures")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or names():
        path = arguments.out / f"{name}.webp"
        save(path, picture(name))
        print(path)


if __name__ == "__main__":
    main()
