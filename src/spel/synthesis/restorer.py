"""Restoration by anchors, in stages that one by one start from what the stage before restored.

An anchor is a point of the space of patches, a centre of k-means. Each has one ridge solution from
spoiled patches to clean ones, so that every spel of the result is explained by hyperplanes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.fields import fits
from spel.nn.tensor_file import parse_header, read_tensor_file
from spel.ops.arrays import as_real
from spel.synthesis.anchored import Real, Stage
from spel.synthesis.degrade import Plane, Task
from spel.synthesis.groups import Groups
from spel.synthesis.layout import Layout
from spel.synthesis.reasons import Reason, reason

KIND = "restorer.v4"
KINDS = ("restorer.v2", KIND)
"""Forms of the file that are read; the older one has neither gates nor groups of like patches."""

MAX_STAGES = 8
MAX_GATES = 8


@dataclass(frozen=True, eq=False)
class Restorer:
    """Anchors and their hyperplanes, see `spel.synthesis.learn_restorer`.

    Attributes
    ----------
    task : Task
    stages : tuple of Stage
        Each sees the degraded picture, and all but the first what the stage before restored.

    Examples
    --------
    >>> import tempfile
    >>> layout = Layout(factor=1, source=3, before=0, compared=3, out=1, step=1)
    >>> zeros = np.zeros((1, 9, 1), np.float32)
    >>> mean_of_nine = Restorer(Task("denoise", 25), (Stage(layout, 1.0, zeros[..., 0], zeros),))
    >>> picture = np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]], np.float32)
    >>> float(mean_of_nine(picture)[1, 1, 0]), mean_of_nine.bands(picture.shape)
    (1.0, 1)
    >>> (why,) = mean_of_nine.explain(picture, (1, 1))
    >>> why.anchors.tolist(), round(why.value, 3), round(float(why.source_weights.sum()), 3)
    ([0], 1.0, 1.0)
    >>> path = tempfile.mkdtemp() + "/mean.safetensors"
    >>> mean_of_nine.save(path)
    >>> load_restorer(path).task
    Task(kind='denoise', amount=25.0)
    """

    task: Task
    stages: tuple[Stage, ...]

    def __call__(
        self,
        image: npt.ArrayLike,
        *,
        white: float = 1.0,
        on_band: Callable[[], object] = lambda: None,
    ) -> Real:
        """The restored picture, channel by channel.

        Parameters
        ----------
        image : (rows, cols[, C]) array
        white : float
            The value of full intensity.
        on_band : function, optional
            Called after every band of rows.

        Returns
        -------
        (rows * factor, cols * factor, C) array of float32
            In the units of the image; values may lie a little outside of 0 to `white`.

        Raises
        ------
        ShapeError
            For a volume or a batch.
        """
        array = as_real("restore", image)
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or not array.size:
            raise ShapeError(
                f"restore: an image of shape {array.shape}; expected one picture (rows, cols, "
                "channels); volumes are not restored"
            )
        f = self.task.factor
        out = np.empty((array.shape[0] * f, array.shape[1] * f, array.shape[2]), dtype=np.float32)
        for channel in range(array.shape[2]):  # one by one: Ctrl-C waits for no more than a plane
            plane = _in_units(array[..., channel], white)
            np.multiply(self.restored(plane, on_band)[-1], white, out=out[..., channel])
        return out

    def bands(self, shape: tuple[int, ...]) -> int:
        """Number of parts in which a picture of this shape is computed, all channels together."""
        rows, cols, channels = (*shape, 1)[:3]
        return channels * sum(stage.bands((rows, cols)) for stage in self.stages)

    def restored(self, plane: Plane, on_band: Callable[[], object] = lambda: None) -> list[Plane]:
        """What each stage makes of a degraded plane of numbers from 0 to 1."""
        done: list[Plane] = []
        for stage in self.stages:
            done.append(stage([plane, *done[-1:]], on_band))
        return done

    def explain(self, image: npt.ArrayLike, at: tuple[int, int]) -> list[Reason]:
        """The hyperplanes behind one spel of a restored picture of one channel, stage by stage.

        Parameters
        ----------
        image : (rows, cols) array, from 0 to 1
            The degraded picture.
        at : (row, col)
            In the restored picture.

        Returns
        -------
        list of Reason
            For each stage the anchors of the patches that cover the spel, and the mean of their
            hyperplanes: weights over the degraded picture and over what the stage before made of
            it. The value is the sum of the products, and the weights sum to 1.
        """
        plane = np.asarray(as_real("restore", image), dtype=np.float32)
        f = self.task.factor
        row, col = at
        if plane.ndim != 2 or not (0 <= row < f * plane.shape[0] and 0 <= col < f * plane.shape[1]):
            raise ShapeError(
                f"explain: spel {at} of an image of shape {plane.shape}; expected one plane, and a "
                "spel of its restored picture"
            )
        before: list[list[Plane]] = [[], *[[done] for done in self.restored(plane)]]
        return [reason(stage, [plane, *done], at) for stage, done in zip(self.stages, before)]

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file; `load_restorer` reads it."""
        from safetensors.numpy import save

        stages = [_about(stage) for stage in self.stages]
        about = {"kind": KIND, "task": str(self.task), "stages": stages}
        arrays = {f"anchors{i}": stage.anchors for i, stage in enumerate(self.stages)}
        arrays |= {f"weights{i}": stage.weights for i, stage in enumerate(self.stages)}
        data = save(arrays, metadata={"spel": json.dumps(about)})
        with replacing(path) as temporary:
            temporary.write_bytes(data)


def _about(stage: Stage) -> dict[str, Any]:
    """What the header of a file says about a stage."""
    groups = asdict(stage.groups) if stage.groups else None
    more = {"softness": stage.softness, "gates": stage.gates, "groups": groups}
    return {**asdict(stage.layout), **more}


def _in_units(channel: npt.NDArray[Any], white: float) -> Plane:
    """A channel from 0 to 1, or an error."""
    with np.errstate(over="ignore"):
        plane = np.ascontiguousarray(channel, dtype=np.float32) / np.float32(white)
    if not np.isfinite(plane).all():
        raise ParameterError(
            "restore: the picture holds NaN, infinity or numbers too large for float32; "
            "replace them"
        )
    return plane


def load_restorer(path: str | PathLike[str]) -> Restorer:
    """Read a restorer that `Restorer.save` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Restorer

    Raises
    ------
    FormatError
        If the file is no restorer, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/blank.safetensors"
    >>> layout = Layout(factor=1, source=3, before=0, compared=3, out=1, step=1)
    >>> zeros = np.zeros((1, 9, 1), np.float32)
    >>> Restorer(Task("deblur", 1.5), (Stage(layout, 0.5, zeros[..., 0], zeros),)).save(path)
    >>> load_restorer(path).stages[0].layout.source
    3
    """
    text, arrays = read_tensor_file(path, "restorer", "spel learn-restore")
    about: Any = parse_header(text, str(path))
    if not isinstance(about, dict) or about.get("kind") not in KINDS:
        raise FormatError(f"{path}: this is not a restorer, as spel learn-restore writes them")
    try:
        task = Task.parse(str(about.get("task")))
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None
    stages: Any = about.get("stages")
    if not isinstance(stages, list) or not 0 < len(stages) <= MAX_STAGES:
        raise FormatError(f"{path}: stages {stages!r:.60}; expected a list of 1 to {MAX_STAGES}")
    read = (_read_stage(str(path), task, i, stages[i], arrays) for i in range(len(stages)))
    return Restorer(task, tuple(read))


def _read_stage(
    path: str, task: Task, number: int, about: Any, arrays: Mapping[str, npt.NDArray[Any]]
) -> Stage:
    fields: dict[str, Any] = about if isinstance(about, dict) else {}
    softness: Any = fields.get("softness")
    if not fits(softness, float) or not 0 <= softness < 1e6:
        raise FormatError(f"{path}: softness {softness!r:.60}; expected a number of at least 0")
    try:
        layout, gates, groups = _read_parts(path, task, fields)
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None
    if bool(layout.before) != bool(number):
        raise FormatError(f"{path}: stages in an order that does not fit; learn the file again")
    anchors, weights = (
        arrays.get(f"{name}{number}", np.zeros(0)) for name in ("anchors", "weights")
    )
    count, length = len(anchors), layout.length * (1 + len(gates))
    shapes = (count, layout.key_side**2), (count, length, layout.out_side**2)
    if not count or (anchors.shape, weights.shape) != shapes:
        raise FormatError(f"{path}: arrays that do not fit one another; learn the file again")
    if not all(a.dtype == np.float32 and (abs(a) < 1e9).all() for a in (anchors, weights)):
        raise FormatError(f"{path}: arrays that are not float32 below 1e9; learn the file again")
    try:
        return Stage(layout, float(softness), anchors, weights, gates, groups)
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None


def _read_parts(
    path: str, task: Task, fields: Mapping[str, Any]
) -> tuple[Layout, tuple[float, ...], Groups | None]:
    lengths = ("source", "before", "compared", "out", "step")
    numbers: Any = [*(fields.get(name) for name in lengths), fields.get("alike", 0)]
    layout = Layout(task.factor, *numbers)
    gates: Any = fields.get("gates", [])
    if not isinstance(gates, list) or len(gates) > MAX_GATES:
        raise FormatError(f"{path}: gates {gates!r:.60}; expected a list of at most {MAX_GATES}")
    if not all(fits(gate, float) and 1e-6 <= gate < 1e6 for gate in gates):
        raise FormatError(f"{path}: gates {gates!r:.60}; expected numbers above 0")
    about: Any = fields.get("groups")
    if about is None:
        return layout, tuple(gates), None
    own = about if isinstance(about, dict) else {}
    values: Any = (own.get(name) for name in ("reach", "step", "count", "noise"))
    return layout, tuple(gates), Groups(*values)
