"""Runs that are asked to stop, and executors that are lost under way."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spel.errors import TaskError, WriteError
from spel.runs import Interrupted, Stop, run_tasks, scheduler
from spel.runs.pool import Pool


@pytest.fixture(autouse=True)
def workers_know_these_tests(monkeypatch):
    """Tasks of this file travel by name; a worker looks where this process does."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


@dataclass(frozen=True)
class Sleeper:
    """A task that takes its time."""

    image: str
    seconds: float = 0.0

    def __call__(self) -> str:
        time.sleep(self.seconds)
        return self.image


def tasks(count: int, seconds: float = 0.0) -> list[Sleeper]:
    return [Sleeper(f"none-{i}", seconds) for i in range(count)]


@dataclass(frozen=True)
class Raising:
    image: str
    error: Exception

    def __call__(self) -> str:
        raise self.error


class Given(Executor):
    """Gives one future for all tasks."""

    def __init__(self, future: Future[Any] | Exception, lost: bool = False) -> None:
        self.future, self.lost = future, lost

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if isinstance(self.future, Exception):
            raise self.future
        return self.future


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number):
    before = signal.getsignal(number)
    with Stop() as stop:
        stop.raise_if_requested()
        assert (stop.requested, stop.elapsed) == (False, 0.0)
        os.kill(os.getpid(), number)
        time.sleep(0.01)
        assert stop.requested
        assert stop.elapsed > 0
        with pytest.raises(Interrupted) as caught:
            stop.raise_if_requested()
        assert caught.value.signal == number
        with pytest.raises(KeyboardInterrupt):
            stop._handle(number, None)
    assert signal.getsignal(number) == before


def test_signals_are_heard_in_the_main_thread_only():
    before, seen = signal.getsignal(signal.SIGINT), []

    def other() -> None:
        with Stop() as stop:
            stop.request(signal.SIGTERM)
            stop.request(signal.SIGINT)  # the first one counts
            seen.append(stop.number)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("how", ["here", "threads", "processes"])
def test_nothing_is_begun_after_the_asking(how):
    stop = Stop()
    stop.request()
    with ThreadPoolExecutor(2) as threads:
        given: dict[str, Any] = {"executor": threads} if how == "threads" else {}
        given |= {"workers": 2} if how == "processes" else {}
        assert list(run_tasks(tasks(5), stop=stop, **given)) == []


@pytest.mark.parametrize("how", ["here", "threads", "processes"])
def test_what_is_under_way_is_answered_in_order(how):
    stop, seen = Stop(), []
    with ThreadPoolExecutor(2) as threads:
        given: dict[str, Any] = {"executor": threads} if how == "threads" else {}
        given |= {"workers": 2} if how == "processes" else {}
        for outcome in run_tasks(tasks(400, 0.001), stop=stop, **given):
            seen.append(outcome.result)
            if len(seen) == 3:
                stop.request()
    assert seen == [f"none-{i}" for i in range(len(seen))]
    assert 3 <= len(seen) < 100


def test_what_hangs_is_left_after_a_while(monkeypatch):
    monkeypatch.setattr(scheduler, "GRACE", 0.1)
    stop = Stop()
    stop.request()
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    found = scheduler.wait_for(scheduler.TimedTask(Sleeper("a")), future, stop, lambda: False)
    assert found is None


def test_a_lost_executor_ends_the_run_in_words():
    cancelled: Future[Any] = Future()
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()
    for executor in (
        Given(cancelled),
        Given(RuntimeError("closed")),
        Given(Future(), lost=True),
    ):
        with pytest.raises(TaskError, match="it again to go on"):
            list(run_tasks(tasks(3), executor=executor))


def test_what_a_future_raises_is_that_tasks_failure():
    for error in (TimeoutError("slow"), ValueError("odd")):
        future: Future[Any] = Future()
        future.set_exception(error)
        (outcome,) = run_tasks(tasks(1), executor=Given(future))
        assert outcome.failed
        assert outcome.result.error == type(error).__name__


@pytest.mark.parametrize("workers", [1, 2])
def test_a_write_that_fails_ends_the_run(workers):
    work = [Sleeper("a"), Raising("b", WriteError("the disk is full")), Sleeper("c")]
    found = run_tasks(work, workers=workers)
    assert next(found).result == "a"
    with pytest.raises(WriteError, match="full"):
        next(found)


def test_a_pool_that_is_shut_takes_no_more():
    pool = Pool(1)
    assert pool.submit(divmod, 7, 2).result() == (3, 1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(divmod, 7, 2)
