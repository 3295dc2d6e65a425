"""Work that takes longer than a click: it runs in a thread, says how far it is, and can stop."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import SpelError
from spel.studio.refusals import Refusal, sentence

MAX_TASKS = 20
"""Tasks that are remembered; the oldest ones that have ended are forgotten."""

State = Literal["running", "done", "stopped", "failed"]


class StoppedError(Exception):
    """The user has stopped the task."""


@dataclass
class Task:
    """One piece of work.

    Attributes
    ----------
    kind : str
        Such as "learn_boxes".
    message : str
        What it does now, or why it has failed.
    done, total : int
        How far it is; a total of 0 is unknown.
    result : dict
        What came of it, so far.
    refusal : dict, optional
        Code and values of the refusal that it failed with, for the language of the page.
    picture : array, optional
        An image that it has made; the next task of the session takes it away.
    """

    kind: str
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    state: State = "running"
    message: str = ""
    done: int = 0
    total: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    refusal: dict[str, Any] | None = None
    picture: npt.NDArray[np.uint8] | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def say(self, message: str) -> None:
        """Say what it does now.

        Raises
        ------
        StoppedError
            If the user wants it to stop.
        """
        self.message = message
        self.check()

    def check(self) -> None:
        """Raise `StoppedError` if the user wants it to stop."""
        if self._stop.is_set():
            raise StoppedError

    def stop(self) -> None:
        """Let it stop soon."""
        self._stop.set()

    def to_dict(self) -> dict[str, Any]:
        """The task as JSON."""
        names = ("id", "kind", "state", "message", "done", "total", "result", "refusal")
        return {name: getattr(self, name) for name in names}


Work = Callable[[Task], None]


class Tasks:
    """The tasks of a session; one runs at a time."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, kind: str, work: Work) -> Task:
        """Begin a task.

        Raises
        ------
        Refusal
            If another one is running.
        """
        with self._lock:
            if any(task.state == "running" for task in self._tasks.values()):
                raise Refusal("busy", "another task is running; wait for its end, or stop it")
            for earlier in self._tasks.values():
                earlier.picture = None
            task = Task(kind)
            self._tasks[task.id] = task
            while len(self._tasks) > MAX_TASKS:
                self._tasks.popitem(last=False)
            self._thread = threading.Thread(
                target=_work, args=(task, work), name=f"spel-{kind}", daemon=True
            )
            self._thread.start()
            return task

    def get(self, id: str) -> Task:
        """A task by its id.

        Raises
        ------
        Refusal
            If there is none.
        """
        with self._lock:
            task = self._tasks.get(id)
        if task is None:
            raise Refusal("no_task", "there is no such task any more")
        return task

    def all(self) -> list[Task]:
        """The tasks, the newest one last."""
        with self._lock:
            return list(self._tasks.values())

    def close(self) -> None:
        """Stop what is running, and wait for it."""
        for task in self.all():
            task.stop()
        if self._thread is not None:
            self._thread.join(timeout=30)


def _work(task: Task, work: Work) -> None:
    try:
        work(task)
    except StoppedError:
        task.state = "stopped"
    except Refusal as error:
        task.refusal = {"code": error.code, "values": error.values}
        task.message, task.state = str(error), "failed"
    except (SpelError, OSError, ValueError) as error:
        task.message, task.state = sentence(error), "failed"
    except MemoryError:
        task.message, task.state = "there is not enough memory for this", "failed"
    except BaseException as error:
        task.message, task.state = f"{type(error).__name__}: {error}", "failed"
        raise
    else:
        task.state = "done"
