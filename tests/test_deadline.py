"""The longest time of a call: sleeping processes are ended, those that wait for a turn are not."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from spel import deadline
from spel.deadline import processor_use
from spel.worker import Worker, WorkerTimeout


def test_a_process_that_sleeps_is_ended():
    with Worker() as worker:
        with pytest.raises(WorkerTimeout, match=r"more than 0\.2 seconds"):
            worker.call(time.sleep, (60,), seconds=0.2)
        assert worker.call(divmod, (7, 2), seconds=60) == (3, 1)


def test_what_a_process_waits_for_a_processor_does_not_count(monkeypatch):
    monkeypatch.setattr(deadline, "processor_use", lambda process: (True, 0.0))
    with Worker() as worker:
        worker.call(time.sleep, (0,))  # it has started
        assert worker.call(time.sleep, (1.5,), seconds=1) is None
        with pytest.raises(WorkerTimeout):  # but not for ever
            worker.call(time.sleep, (60,), seconds=0.1)


def test_a_process_that_has_computed_so_long_is_ended(monkeypatch):
    answers = iter([(True, 7.0), (True, 7.15), (True, 7.25)])
    monkeypatch.setattr(deadline, "processor_use", lambda process: next(answers))
    with Worker() as worker, pytest.raises(WorkerTimeout):
        worker.call(time.sleep, (60,), seconds=0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it")
def test_a_process_that_computes_is_told_from_one_that_sleeps():
    with (
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as idle,
    ):
        try:
            began = time.monotonic()
            while processor_use(busy.pid)[1] < 0.1 and time.monotonic() - began < 60:
                time.sleep(0.05)
            while processor_use(idle.pid)[0] and time.monotonic() - began < 60:
                time.sleep(0.05)
            assert processor_use(busy.pid)[0]
            assert not processor_use(idle.pid)[0]
        finally:
            busy.kill()
            idle.kill()
    assert processor_use(-1) == (False, 0.0)
