"""What a step still knows of an image, computed as a task that can be watched and stopped."""

from __future__ import annotations

from collections.abc import Iterator

from spel.core.intensity import white_of
from spel.errors import SpelError, UnsupportedLayerError
from spel.nn import expected_white
from spel.nn.intensity import match_white
from spel.nn.layer import Image
from spel.studio.cache import Run
from spel.studio.images import source_id
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.tasks import Task
from spel.synthesis import invert, learn_guess, likeness, shown
from spel.synthesis.guess import TRUST

ROUNDS = 2
"""Of the search. Tried on one picture of 120 x 180: two more double the time and help little."""

MOST_OTHERS = 8
"""Other images from which is guessed what a step has lost."""

LARGEST = 4
"""Others have at most this many times the spels of the image; more would take too long."""


def invert_step(
    session: Session, network: str, image: str, step: str, task: Task, *, guess: bool = False
) -> None:
    """Invert the activation of a step, as `spel invert` does; the picture is the task's.

    With `guess`, what the step has lost is guessed from the other images of the session.

    Raises
    ------
    Refusal
        If there is no such activation, a layer at or before the step has no adjoint, or there is
        nothing to guess from.
    """
    run = session.run(network, image)
    result = run.result(step)
    if result is None or result.activation is None:
        raise Refusal(
            "no_activation", "step {step} gives no activation; correct it", step=step[:60]
        )
    white = expected_white(run.network) or white_of(run.input) or float(run.input.max())
    task.total = ROUNDS
    wanted = result.activation.array
    start = _guessed(session, run, image, step, wanted, task) if guess else None

    def on_round() -> None:
        task.done = min(task.done + 1, ROUNDS)
        task.check()

    try:
        picture = invert(
            run.network,
            wanted,
            step,
            shape=run.input.shape,
            bounds=(0.0, white),
            start=None if start is None else start.clip(0, white),
            trust=0.0 if start is None else TRUST,
            rounds=ROUNDS,
            on_round=on_round,
        )
    except UnsupportedLayerError:
        raise Refusal(
            "not_inverted",
            "step {step} cannot be inverted: a layer at or before it has no adjoint; choose an "
            "earlier step",
            step=step,
        ) from None
    task.picture = shown(picture, white)
    about = {"network": network, "image": image, "step": step}
    says = picture.max() > picture.min()
    task.result = {**about, "likeness": likeness(run.input, picture) if says else None}


def _guessed(session: Session, run: Run, image: str, step: str, wanted: Image, task: Task) -> Image:
    """What images of the session with this activation usually look like."""
    others = list(_others(session, run, image, task))
    if not others:
        raise Refusal(
            "no_others",
            "no other image is of this kind and size; add images of the same kind, or invert "
            "without a guess",
        )
    try:
        return learn_guess(run.network, others, step)(wanted, run.input.shape)
    except UnsupportedLayerError:
        raise Refusal(
            "not_guessed",
            "what step {step} has lost cannot be guessed: its activation has no place in the "
            "image; choose an earlier step, or invert without a guess",
            step=step,
        ) from None


def _others(session: Session, run: Run, image: str, task: Task) -> Iterator[Image]:
    """A few other images that the network takes, evenly over the session."""
    ids = [id for id in session.image_ids() if id != source_id(image)]
    for id in ids[:: max(1, -(-len(ids) // MOST_OTHERS))]:
        task.check()
        try:
            loaded = session.load(id)
            run.network.shape(loaded.values.shape)
        except SpelError:
            continue  # it cannot be read, or is too small
        rows, cols, channels = loaded.values.shape
        if channels == run.input.shape[-1] and rows * cols <= LARGEST * run.input[..., 0].size:
            yield match_white(run.network, loaded.values, loaded.white)
