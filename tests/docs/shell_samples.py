"""The folders that the commands of the pages speak of, rendered: small, and quick to learn from."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np

import spel
from spel.cli.main import run
from spel.data import cells, street, volume
from spel.io import Annotations, ImageBoxes, write_labels
from spel.io.annotation.markers import write_markers

from .samples import egg

ROOT = Path(__file__).parents[2]
ARCH = ROOT / "docs" / "how-to" / "arch.json"
DEEP = {
    "nlayers": 1,
    "layer1": {
        "conv": {"kernel_size": [3, 3, 3], "nkernels_per_marker": 1, "noutput_channels": 4},
        "pooling": {"type": "avg_pool", "size": [3, 3, 3], "stride": 1},
    },
}


def called(line: str) -> int:
    """The exit code of a command, whose patterns are those of a shell."""
    words = shlex.split(line)[1:]
    files = (sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words)
    try:
        return run([*chain.from_iterable(files)])
    except SystemExit as left:
        return int(left.code or 0)


def folders(*names: str) -> list[Path]:
    """Empty folders of the working directory."""
    for name in names:
        Path(name).mkdir(parents=True)
    return [Path(name) for name in names]


def eggs() -> None:
    """Eight marked fields, and two that are not, with their masks."""
    images, markers, new, truth = folders("images", "markers", "new-images", "true-masks")
    shutil.copy(ARCH, "arch.json")
    for seed in range(10):
        image, strokes = egg(seed)
        marked = seed < 8
        spel.write((images if marked else new) / f"egg{seed}.png", image)
        if marked:
            write_markers(markers / f"egg{seed}.json", strokes)
        else:
            object_ = (image[..., 0] > 150).astype(np.uint8) * 255
            spel.write(truth / f"egg{seed}.png", object_)


def answered() -> None:
    """The same, and what `plates` finds there."""
    photos()
    assert called("spel detect plates photos --out run") == 0


def two_kinds() -> None:
    """Cells of two kinds, with a label image of strokes for each of two images."""
    images, strokes, new, objects = folders("images", "strokes", "new-images", "true-objects")
    shutil.copy(ARCH, "arch.json")
    for seed in (1, 2, 3):
        scene = cells(seed, size=(96, 96), count=10, kinds=2, radius=9)
        if seed == 3:
            spel.write(new / "c.png", scene.image)
            spel.write(objects / "c.png", scene.labels.astype(np.uint8))
            continue
        spel.write(images / f"c{seed}.png", scene.image)
        drawn = np.full(scene.labels.shape, -1, np.int16)
        for number, kind in enumerate(scene.kinds, 1):
            row, col = np.argwhere(scene.labels == number).mean(axis=0).astype(int)
            drawn[row, max(col - 3, 0) : col + 4] = kind
        drawn[::12] = np.where(scene.labels[::12] == 0, 0, drawn[::12])
        spel.write(strokes / f"c{seed}.tif", drawn)


def stacks() -> None:
    """A marked volume, its mask, and a larger one."""
    volumes, strokes, truth = folders("volumes", "strokes", "true-masks")
    Path("arch3d.json").write_text(json.dumps(DEEP))
    scene = volume(1, size=(14, 40, 40), count=6)
    drawn = np.full(scene.labels.shape, -1)
    drawn[3:12:4, ::6] = scene.labels[3:12:4, ::6] > 0
    spel.write(volumes / "v.tif", scene.image)
    write_markers(strokes / "v-seeds.txt", spel.Markers.from_image(drawn))
    spel.write(truth / "v.tif", (scene.labels > 0).astype(np.uint8)[..., None])
    spel.write("large.ome.tif", scene.image)


def photos() -> None:
    """Streets with plates, and their boxes."""
    (folder,) = folders("photos")
    shown = []
    for seed in (1, 2, 3):
        scene = street(seed)
        spel.write(folder / f"{seed}.png", scene.image)
        shown.append(ImageBoxes(f"{seed}.png", scene.image.shape[:2], scene.boxes))
    truth = Annotations(tuple(shown), ("object",))
    for place, form in (("truth.coco.json", "coco"), ("voc", "voc"), ("annotations", "geojson")):
        write_labels(place, truth, form=form)
    write_labels("export.json", truth, form="label-studio")
    Path("data.yaml").write_text("names: [object]\n")
    spel.load("parasite-eggs").save("cells.safetensors")
    shutil.copytree("photos", "slides")


def worksheet() -> None:
    """A worksheet that was handed in."""
    assert called("spel lesson export convolution --out handed-in") == 0


def network() -> None:
    """A network, and a field."""
    (folder,) = folders("photos")
    spel.write(folder / "a.png", egg(1)[0])
    spel.write("plate.png", street(1, size=(120, 160)).image)
    kernels = spel.KernelBank.random(spel.Adjacency.box(3), kernels=4, channels=3, seed=0)
    color = spel.Color("labnorm2")
    spel.chain(color=color, conv=spel.Convolution(kernels)).save("net.safetensors")


def clip() -> None:
    """A video of six frames."""
    from spel.io.video import write_video

    frames = [(street(seed=seed).image, 1) for seed in (3, 4)]
    write_video(Path("gate.mp4"), frames * 3, size=frames[0][0].shape[:2], rate=1.0)


def scenes() -> None:
    """A street, a field and another one, small; a network with a node `conv2`."""
    (fields,) = folders("fields")
    spel.write("car.jpg", street(3, size=(120, 160)).image)
    spel.write("field.png", cells(3, size=(32, 32), count=3).image)
    spel.write(fields / "other.png", cells(4, size=(32, 32), count=3).image)
    first = spel.KernelBank.random(spel.Adjacency.box(3), kernels=4, channels=3, seed=0)
    second = spel.KernelBank.random(spel.Adjacency.box(3), kernels=3, channels=4, seed=1)
    net = spel.chain(conv1=spel.Convolution(first), conv2=spel.Convolution(second))
    net.save("net.safetensors")


def gravel() -> None:
    """A sample of a texture."""
    spel.write("gravel.png", cells(5, size=(32, 32)).image[..., :1])


def pictures() -> None:
    """Two pictures to learn from, and a small one."""
    (folder,) = folders("photos")
    for seed in (1, 2):
        spel.write(folder / f"{seed}.png", street(seed, size=(120, 160)).image)
    spel.write("small.png", street(3, size=(120, 160)).image[::3, ::3].copy())


def class_folders() -> None:
    """Two classes of small images, and images of none."""
    for number, name in enumerate(("data/dark", "data/bright", "photos")):
        (folder,) = folders(name)
        for seed in range(4):
            noise = np.random.default_rng(seed).integers(0, 120, (16, 16, 1))
            spel.write(folder / f"{seed}.png", (noise + 130 * (number % 2)).astype(np.uint8))


def learned_classes() -> None:
    """What is learned on the page already, from other photos."""
    photos()
    spel.load("plates").save("objects.safetensors")
    shutil.copytree("photos", "more-photos")
    shutil.copy("truth.coco.json", "more.coco.json")


SAMPLES: dict[str, Callable[[], None]] = {
    "annotations.md": answered,
    "classes-and-instances.md": two_kinds,
    "detect-many-classes.md": learned_classes,
    "detect-plates.md": photos,
    "export.md": network,
    "flim.md": eggs,
    "invert.md": scenes,
    "methods-section.md": eggs,
    "model-cards.md": network,
    "restore.md": pictures,
    "scikit-learn.md": class_folders,
    "texture.md": gravel,
    "video.md": clip,
    "volumes.md": stacks,
    "worksheets.md": worksheet,
}
"""The pages whose commands are run, and what makes the files that they name.

Those of serve.md go on until they are stopped, on ports that it states; tests/serve asks a server.
"""
