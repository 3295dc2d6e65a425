"""What a step still knows of an image, computed as a task that can be watched and stopped."""

from __future__ import annotations

from spel.core.intensity import white_of
from spel.errors import UnsupportedLayerError
from spel.nn import expected_white
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.tasks import Task
from spel.synthesis import invert, likeness, shown

ROUNDS = 2
"""Of the search. Tried on one picture of 120 x 180: two more double the time and help little."""


def invert_step(session: Session, network: str, image: str, step: str, task: Task) -> None:
    """Invert the activation of a step, as `spel invert` does; the picture is the task's.

    Raises
    ------
    Refusal
        If there is no such activation, or a layer at or before the step has no adjoint.
    """
    run = session.run(network, image)
    result = run.result(step)
    if result is None or result.activation is None:
        raise Refusal(
            "no_activation", "step {step} gives no activation; correct it", step=step[:60]
        )
    white = expected_white(run.network) or white_of(run.input) or float(run.input.max())
    task.total = ROUNDS

    def on_round() -> None:
        task.done = min(task.done + 1, ROUNDS)
        task.check()

    try:
        picture = invert(
            run.network,
            result.activation.array,
            step,
            shape=run.input.shape,
            bounds=(0.0, white),
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
    task.result = {**about, "likeness": likeness(run.input, picture)}
