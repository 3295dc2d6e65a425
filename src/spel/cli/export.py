"""``spel export``: a network for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.image_options import Reading, image_options
from spel.cli.options import Settings, shared
from spel.cli.types import PATH
from spel.errors import plural

if TYPE_CHECKING:
    from spel.cli.ranges import ImageReader
    from spel.nn import Network


@click.command("export")
@click.argument("net", metavar="NET")
@click.option(
    "--to",
    type=click.Choice(["onnx", "torch", "libift", "script", "html", "bioimageio", "card"]),
    required=True,
    help="ONNX file, PyTorch state file, libift folder, Python script, a page to hand out, a "
    "package of the BioImage Model Zoo, or a model card (Markdown).",
)
@click.option("--image", metavar="IMAGE", help="The image of the page, for html.")
@click.option("--out", type=PATH, required=True, help="File (or folder).")
@click.option(
    "--check",
    "check",
    metavar="IMAGE",
    multiple=True,
    help="Images, folders or lists to compare on; onnx and bioimageio need at least one.",
)
@click.option(
    "--most", type=click.IntRange(1), default=20, help="Largest number of images to compare on."
)
@click.option(
    "--input",
    "dtype",
    type=click.Choice(["float32", "uint8", "uint16"]),
    default="float32",
    help="Type of the input of the ONNX file.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=1e-4,
    help="Largest difference, relative to the engine's largest value.",
)
@click.option(
    "--author",
    "authors",
    metavar="NAME",
    multiple=True,
    help="Who made the network, for bioimageio.",
)
@click.option("--license", metavar="SPDX", default="", help="Such as CC-BY-4.0, for bioimageio.")
@image_options
@shared
def command(
    net: str,
    to: str,
    out: Path,
    image: str | None,
    check: tuple[str, ...],
    most: int,
    reading: Reading,
    settings: Settings,
    **options: Any,
) -> None:
    """Write a network for another program.

    With --check its results are compared with those of the engine first; nothing is written if they
    differ by more than the tolerance.
    """
    from dataclasses import asdict

    import spel
    from spel.cli.networks import network
    from spel.cli.ranges import ImageReader
    from spel.io.sources import expand

    if to == "html" and image is None:
        raise click.UsageError("--to html shows the network on an image; name it with --image")
    if to != "html" and image is not None:
        raise click.UsageError("--image is for --to html only; leave it out")
    if check and to in ("libift", "script", "html", "card"):
        raise click.UsageError(f"--check compares ONNX and PyTorch results; leave it out of {to}")
    if options["dtype"] != "float32" and to != "onnx":
        raise click.UsageError(f"--input is for --to onnx only; leave it out of {to}")
    if (options["authors"] or options["license"]) and to != "bioimageio":
        raise click.UsageError(
            f"--author and --license are for --to bioimageio only; leave them out of {to}"
        )
    chain = network(net)
    in_units = ImageReader(chain, settings, reading)
    paths = expand(check)[:most] if check else []
    if options["dtype"] == "float32":
        images = [in_units(path) for path in paths]
    else:  # the exported file converts its input itself
        images = [spel.read(path, **asdict(reading)) for path in paths]
    if to in ("onnx", "bioimageio"):
        settings.say(_onnx(chain, to, out, images, options))
    elif to == "torch":
        _check_images(chain, images)
        _torch(chain, out, images, options["tolerance"], settings)
    elif to == "libift":
        from spel.backends import to_libift

        to_libift(chain, out)
    else:
        from spel import atomic

        atomic.write_text(out, _text(chain, net, to, image, in_units))
    click.echo(out)


def _text(chain: Network, net: str, to: str, image: str | None, in_units: ImageReader) -> str:
    """The page that shows the network on an image, its card, or its script."""
    from spel.backends import to_html, to_script
    from spel.nn.card import model_card

    if image is not None:
        title = f"{Path(net).stem} · {Path(image).name}"
        return to_html(chain, in_units(image), title=title)
    return model_card(chain, net) if to == "card" else to_script(chain)


def _onnx(chain: Network, to: str, out: Path, images: list[Any], options: Mapping[str, Any]) -> str:
    """Write an ONNX file, alone or in a package, and say how exact it is."""
    from spel.backends import to_bioimageio, to_onnx
    from spel.errors import ParameterError

    _check_images(chain, images)
    if not images:
        raise ParameterError(
            f"export: --to {to} compares results before it writes; name images with --check"
        )
    if to == "onnx":
        shared_options = {name: options[name] for name in ("dtype", "tolerance")}
        report = str(to_onnx(chain, out, images=images, **shared_options))
        return report + _boxes_beside(chain, out)
    about = {name: options[name] for name in ("authors", "license", "tolerance")}
    return str(to_bioimageio(chain, out, images=images, **about))


def _boxes_beside(chain: Network, out: Path) -> str:
    """Write a script beside an ONNX file that makes boxes of its output, and say so."""
    from spel import atomic
    from spel.decide.boxes_script import boxes_script
    from spel.decide.decision import DECISION

    script = boxes_script(chain) if DECISION in chain.meta else None
    if script is None:
        return ""
    beside = out.with_suffix(".boxes.py")
    atomic.write_text(beside, script)
    return f"; {beside} makes boxes of its output, with NumPy alone"


def _check_images(chain: Network, images: list[Any]) -> None:
    """Refuse volumes for a network of planes, and numbers that both sides cannot hold."""
    from spel.core.intensity import count_non_finite
    from spel.errors import FormatError, ShapeError

    if any(count_non_finite(image) for image in images):
        raise FormatError(
            "export: --check holds an image with numbers that are NaN, infinite or too large for "
            "float32; choose other images"
        )
    axes = (chain.ndim or 2) + 1
    for image in images:
        if image.ndim != axes:
            raise ShapeError(
                f"export: --check holds an image of shape {image.shape}; the network takes images "
                f"of {axes} axes ({'planes, ' * (axes - 3)}rows, columns, channels)"
            )


def _torch(
    chain: Network, out: Path, images: list[Any], tolerance: float, settings: Settings
) -> None:
    """Compare with the engine, then write a PyTorch state file."""
    from spel.backends.torch_export import check, write_state

    if images:
        difference = check(chain, images, tolerance)
        settings.say(
            f"{plural(len(images), 'image')} compared, largest difference {difference:.1e}"
        )
    write_state(chain, out)
