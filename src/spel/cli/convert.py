"""``spel convert``: markers, architectures, models and activations between formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import turn_option
from spel.cli.options import Settings, shared
from spel.cli.stroke_options import labels_option
from spel.cli.types import PATH
from spel.io.annotation.formats import FORMATS, format_by_suffix


@click.command("convert")
@click.argument("source", metavar="SRC", type=PATH)
@click.argument("target", metavar="DST", type=PATH)
@labels_option
@click.option("--arch", type=PATH, help="arch.json of a model folder.")
@click.option("--space", default="labnorm2", help="Colour space of the network's input.")
@click.option(
    "--from", "source_form", type=click.Choice(list(FORMATS)), help="Format of the boxes in SRC."
)
@click.option(
    "--to",
    "target_form",
    type=click.Choice(list(FORMATS)),
    help="Format of the boxes in DST. [default: by its name]",
)
@click.option(
    "--images",
    type=PATH,
    help="Folder of the images: their names are taken and their sizes compared.",
)
@click.option("--like", type=PATH, help="COCO data set of a list of results.")
@click.option(
    "--class-names",
    type=PATH,
    help="classes.txt or data.yaml that fixes the numbers of classes in DST.",
)
@turn_option
@click.option("--strict", is_flag=True, help="Refuse SRC if one of its boxes is malformed.")
@shared
def command(
    source: Path,
    target: Path,
    labels: str,
    arch: Path | None,
    space: str,
    settings: Settings,
    **boxes: Any,
) -> None:
    """Convert SRC to DST; the formats follow from both names and the content of SRC.

    \b
    markers       seeds .txt, strokes .json, label image  ->  .txt or .json
    architecture  arch.json, LIDS modules .json           ->  .safetensors (to be learned)
    model         folder of convL-kernels.npy             ->  .safetensors
    network       .safetensors                            ->  folder, or arch.json
    activation    .npy, image                            <->  .mimg
    boxes         COCO or Label Studio .json, .geojson, .csv, results .jsonl,
                  folder of Pascal VOC or YOLO            ->  any of these

    Boxes go to COCO if DST ends in .json, and by its name to .csv, .jsonl and .geojson; --to says
    which format a folder or another .json gets.
    """
    if boxes["target_form"] or boxes["source_form"] or _holds_boxes(source, target):
        settings.say(_convert_boxes(source, target, **boxes), 1)
    else:
        settings.say(_convert(source, target, labels, arch, space), 1)
    click.echo(target)


def _holds_boxes(source: Path, target: Path) -> bool:
    """Whether the source holds boxes of images and the target is a format of boxes."""
    from spel.errors import FormatError
    from spel.io.annotation.recognize import format_of, is_label_folder

    if target.suffix.lower() in (".safetensors", ".mimg", ".txt", ".npy", ".tif", ".tiff"):
        return False
    if source.is_dir():
        return is_label_folder(source)
    if source.suffix.lower() not in (".json", ".jsonl", ".csv", ".geojson", ".xml", ".yaml"):
        return False
    try:
        return bool(format_of(source))
    except FormatError:
        if target.suffix.lower() in (".csv", ".jsonl", ".geojson"):  # nothing else becomes these
            raise
        return False


def _convert_boxes(
    source: Path,
    target: Path,
    source_form: str | None,
    target_form: str | None,
    images: Path | None,
    like: Path | None,
    class_names: Path | None,
    turn: bool,
    strict: bool,
) -> str:
    from dataclasses import replace

    from spel.cli.messages import say
    from spel.errors import ParameterError, plural
    from spel.io.annotation.convert.yolo import class_names as names_of
    from spel.io.annotation.labels import lost_fields, read_labels, write_labels
    from spel.io.annotation.recognize import format_of

    form = source_form or format_of(source)
    to = target_form or format_by_suffix(target)
    if not to:
        raise ParameterError(
            f"convert {source} to {target}: the name does not say the format; give --to "
            f"{', '.join(FORMATS)}"
        )
    annotations = read_labels(
        source,
        form=form,
        images=images,
        like=None if like is None else read_labels(like, report=say),
        turn=turn,
        strict=strict,
        report=say,
    )
    if class_names is not None:
        names = names_of(class_names)
        annotations = replace(annotations, classes=tuple(names[key] for key in sorted(names)))
    for line in lost_fields(annotations, to):
        say(line)
    write_labels(target, annotations, form=to)
    count = sum(map(len, annotations))
    return f"{plural(count, 'box')} on {plural(len(annotations), 'image')}: {form} became {to}"


def _convert(source: Path, target: Path, labels: str, arch: Path | None, space: str) -> str:
    import spel
    from spel.errors import ParameterError
    from spel.io import write
    from spel.io.annotation import libift, libift_write, markers, mimg

    kinds = (source.suffix.lower(), target.suffix.lower())
    if source.is_dir() and kinds[1] == ".safetensors":
        libift.read_model(source, arch=arch, space=space).save(target)
        return "a model folder became a network"
    if kinds[0] == ".safetensors":
        network = spel.load(source)
        spaces = [n.layer.space for n in network.nodes if isinstance(n.layer, spel.Color)]
        colour = f"; its colour space, {spaces[0]}, is no part of the format" if spaces else ""
        if kinds[1] == ".json":
            libift_write.write_arch(target, network)
            return f"a network became an architecture{colour}"
        if not kinds[1]:
            libift_write.write_model(target, network)
            return f"a network became a model folder{colour}"
    if kinds == (".json", ".safetensors"):
        libift.read_arch(source, space=space).save(target)
        return "an architecture became a network to be learned"
    if kinds[0] == ".mimg" and kinds[1] in (".npy", ".tif", ".tiff"):
        write(target, mimg.read_mimg(source))
        return "a multi-band image was converted"
    if kinds[1] == ".mimg":
        mimg.write_mimg(target, spel.read(source))
        return "an image became a multi-band image"
    if kinds[1] in (".txt", ".json"):
        drawn = markers.read_markers(source, convention=labels)
        markers.write_markers(target, drawn)
        return markers.convention_of(drawn)
    raise ParameterError(
        f"convert {source} to {target}: there is no conversion from {kinds[0] or 'a folder'} to "
        f"{kinds[1] or 'a folder'}; see spel convert --help"
    )
