"""Draw the gallery: python docs/gallery/make.py [--out FOLDER] [NAME ...]"""

import argparse
import runpy
from io import BytesIO
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent


def names():
    """The scripts of the gallery."""
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem != "make")


def picture(name):
    """The `picture` that a script ends with, as an RGB image; a matplotlib figure is rendered."""
    drawn = runpy.run_path(str(HERE / f"{name}.py"))["picture"]
    if isinstance(drawn, Image.Image):
        return drawn
    file = BytesIO()
    drawn.savefig(file, dpi=110)
    return Image.open(file).convert("RGB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--out", type=Path, default=HERE.parent / "pictures")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or names():
        path = arguments.out / f"{name}.webp"
        # WebP: every browser shows it, and it takes a tenth of a PNG.
        picture(name).save(path, quality=90, method=6)
        print(path)


if __name__ == "__main__":
    main()
