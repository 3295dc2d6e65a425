"""Workers for the images that come in, and a bounded queue before them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from spel.errors import ParameterError, printable
from spel.serve.answering import Question, answer, load_model
from spel.worker import Worker, WorkerDeath, WorkerTimeout

MIB = 1 << 20


class QueueFullError(Exception):
    """All workers are busy and the queue is full."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("all workers are busy and the queue is full; try again later")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """A status with an error, or 200, the open file that holds the body, and notes about it."""

    status: int
    error: str = ""
    body: BinaryIO | None = None
    notes: str = ""


class Workers:
    """Processes that hold the model, and the requests that wait for one.

    Parameters
    ----------
    model : Network or classifier
    count : int
        Number of processes.
    queue : int
        Requests that may wait.
    seconds : float
        Longest time for one image.
    memory : int
        Bytes that one image may take.
    """

    def __init__(
        self, model: Any, *, count: int = 1, queue: int = 16, seconds: float = 30.0,
        memory: int = 4096 * MIB,
    ) -> None:  # fmt: skip
        if count < 1 or queue < 0:
            raise ParameterError(f"serve: {count} workers and a queue of {queue}; expected 1 and 0")
        self._model = model
        self.count, self.queue, self.seconds, self.memory = count, queue, seconds, memory
        self.waiting = self.busy = self.deaths = 0
        self._mean_s = 1.0
        self._all = [Worker(prepare=partial(load_model, model), quiet=True) for _ in range(count)]
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="spel-serve")
        self._free: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in self._all:
            self._free.put_nowait(worker)

    def start(self) -> None:
        """Start all processes, so that the first request need not wait for one.

        Raises
        ------
        TaskError
            If the model cannot be loaded there.
        """
        list(self._threads.map(lambda worker: worker.call(load_model, (self._model,)), self._all))

    @property
    def is_full(self) -> bool:
        """Whether another request would be refused."""
        return self.busy + self.waiting >= self.count + self.queue

    def check_place(self) -> None:
        """Refuse a request for which there is no place.

        Raises
        ------
        QueueFullError
        """
        if self.is_full:
            seconds = self._mean_s * (self.waiting + 1) / self.count
            raise QueueFullError(max(1, min(600, round(seconds))))

    async def answer(
        self, file: BinaryIO, question: Question, is_wanted: Callable[[], Any]
    ) -> Answer | None:
        """The answer to a question about the image in `file`, which is closed afterwards.

        None if, when its turn came, the client was gone (`is_wanted` gave False).
        """
        try:
            worker = await self._next_worker()
        except BaseException:
            file.close()
            raise
        loop = asyncio.get_running_loop()
        free = partial(loop.call_soon_threadsafe, self._set_free, worker)
        if not await is_wanted():
            self._set_free(worker)
            file.close()
            return None
        return await loop.run_in_executor(self._threads, self._call, worker, file, question, free)

    async def _next_worker(self) -> Worker:
        self.check_place()
        self.waiting += 1
        try:
            worker = await self._free.get()
        finally:
            self.waiting -= 1
        self.busy += 1
        return worker

    def _set_free(self, worker: Worker) -> None:
        self.busy -= 1
        self._free.put_nowait(worker)

    def _call(
        self, worker: Worker, file: BinaryIO, question: Question, free: Callable[[], Any]
    ) -> Answer:
        """One call of a worker, in a thread."""
        began = time.monotonic()
        try:
            return worker.call_for_bytes(
                answer,
                (question,),
                _answer,
                file=file.fileno(),
                seconds=self.seconds,
                memory=self.memory,
            )
        except WorkerTimeout:
            self.deaths += 1
            reason = f"the image took more than {self.seconds:g} s and was given up"
            return Answer(504, f"{reason}; send a smaller one")
        except WorkerDeath as death:
            self.deaths += 1
            return Answer(422, f"the worker {death}; the image is damaged, hostile or too large")
        finally:
            file.close()
            self._mean_s += 0.1 * (time.monotonic() - began - self._mean_s)
            free()

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._all:
            worker.close()


def _answer(data: bytes, body: int | None) -> Answer:
    """What a worker sent, checked as anything from outside is."""
    file = None if body is None else os.fdopen(body, "rb")
    try:
        fields = json.loads(data)
        status, error, notes = (fields[name] for name in ("status", "error", "notes"))
        status, error, notes = int(status), str(error), str(notes)
    except (ValueError, TypeError, KeyError, RecursionError):
        status, error, notes = 500, "the worker sent no answer", ""
    if status == 200 and file is not None:
        file.seek(0)
        return Answer(200, body=file, notes=printable(notes)[:1000])
    if file is not None:
        file.close()
    return Answer(status if 400 <= status < 600 else 500, error or "the worker sent no answer")
