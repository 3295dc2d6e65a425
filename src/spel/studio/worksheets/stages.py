"""The steps of lessons without a page: the network and the image of each, and what it asks for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.trace import trace
from spel.studio.lessons import lessons
from spel.studio.session import Session
from spel.studio.sources import samples

Json = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Stage:
    """What a step of a lesson shows.

    Attributes
    ----------
    network : Network
    image : array
        As the network takes it.
    values : array
        The same image with the numbers of its file.
    node : str
        The node that the step is about, or "input".
    at : tuple of int, optional
        The marked spel.
    """

    network: Network
    image: npt.NDArray[Any]
    values: npt.NDArray[Any]
    node: str
    at: tuple[int, int] | None

    def answer(self, of: str) -> float:
        """The number that a question is about, from the engine."""
        if of == "input" and self.at is not None:
            return float(self.values[self.at].ravel()[0])
        if of == "parameters":
            return self.network.node(self.node).layer.parameters
        if of in ("count", "rows"):
            array = self._activations()[self.node]
            return array.size if of == "count" else len(array)
        terms = trace(self.network, self.image, at=self.at or (0, 0), node=self.node, channel=0)[
            self.node
        ].terms
        if of == "neighbours":
            return len(terms["displacements"])
        if of == "distance":
            return float((terms["sum"] + terms["bias"]) / terms["norm"])
        return float(terms[of])

    def _activations(self) -> dict[str, npt.NDArray[Any]]:
        if self.node == INPUT:
            return {INPUT: self.image}
        return self.network.activations(self.image, upto=self.node)


def find_lesson(name: str) -> dict[str, Any]:
    """The lesson of an id.

    Raises
    ------
    ParameterError
        If there is no such lesson.

    Examples
    --------
    >>> find_lesson("stride")["title"]["pt"]
    'Stride e tamanho'
    """
    by_name = {lesson["id"]: lesson for lesson in lessons()}
    if name not in by_name:
        raise ParameterError(
            f"there is no lesson {name!r:.60}; expected one of {', '.join(by_name)}"
        )
    return by_name[name]


@contextmanager
def staging() -> Iterator[Session]:
    """A session of the samples for lessons, which leaves nothing on the disk."""
    sources = [replace(source, truth=None) for source in samples()]
    with tempfile.TemporaryDirectory() as folder:
        session = Session(sources, Path(folder))
        try:
            yield session
        finally:
            session.close()


def staged(session: Session, lesson: Json, step: Json) -> Stage:
    """A step of a lesson in a session."""
    network = str(lesson.get("network", "lesson"))
    commands = step.get("commands", [])
    session.do(
        {
            "do": "stage_lesson",
            "template": step.get("template", lesson["template"]),
            "commands": commands,
            "network": network,
        }
    )
    image = str(step.get("image", lesson["image"]))
    run = session.run(network, image)
    values = np.asarray(run.image.values)
    at = tuple(step["at"]) if step.get("at") else None
    return Stage(run.network, run.input, values, str(step["node"]), at)


def lesson_step(lesson: str, step: int) -> tuple[Network, npt.NDArray[Any]]:
    """The network and the image of a step of a lesson, so that its numbers can be looked up.

    Parameters
    ----------
    lesson : str
        Its id, such as "convolution".
    step : int
        Its number, from 1 on.

    Raises
    ------
    ParameterError
        If there is no such step.

    Examples
    --------
    >>> network, image = lesson_step("activation", 1)
    >>> network.names, image[0, :, 0].tolist()
    (('relu',), [6.0, 1.0, 7.0, -9.0])
    """
    content = find_lesson(lesson)
    if not 1 <= step <= len(content["steps"]):
        raise ParameterError(
            f"lesson {lesson!r} has no step {step}; expected 1 to {len(content['steps'])}"
        )
    with staging() as session:
        stage = staged(session, content, content["steps"][step - 1])
    return stage.network, stage.image
