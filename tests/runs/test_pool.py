"""Workers that die, hang or grow cost one task each."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from concurrent.futures import wait

import pytest

from spel.errors import ParameterError, TaskError
from spel.runs import Pool


def test_results_and_errors_come_back():
    with Pool(2) as pool:
        futures = [pool.submit(divmod, i, 3) for i in range(20)]
        assert [f.result() for f in futures] == [divmod(i, 3) for i in range(20)]
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()


def test_a_dead_worker_is_one_failed_task():
    with Pool(1) as pool:
        first = pool.submit(os.getpid).result()
        with pytest.raises(TaskError, match="SIGKILL"):
            pool.submit(os.kill, first, signal.SIGKILL).result()
        with pytest.raises(TaskError, match="ended with code 7"):
            pool.submit(os._exit, 7).result()
        assert pool.submit(os.getpid).result() != first


def test_a_hung_task_is_stopped_and_the_next_goes_on():
    with Pool(1, seconds=0.5) as pool:
        begin = time.monotonic()
        with pytest.raises(TaskError, match=r"more than 0\.5 seconds"):
            pool.submit(time.sleep, 60).result()
        assert time.monotonic() - begin < 50
    with Pool(1, seconds=30) as pool:
        assert pool.submit(abs, -1).result() == 1


def test_what_a_new_process_imports_is_no_time_of_its_task(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text(
        "import sys, time\n"
        "if 'pytest' not in sys.modules:\n    time.sleep(2)\n"
        "def seven():\n    return 7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    function = importlib.import_module("slow_to_import").seven
    with Pool(1, seconds=1.5) as pool:
        assert pool.submit(function).result() == 7


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_a_task_that_grows_over_its_memory_fails():
    with Pool(1, memory=64 << 20) as pool:
        with pytest.raises(MemoryError):
            pool.submit(bytes, 1 << 30).result()
        assert len(pool.submit(bytes, 1 << 20).result()) == 1 << 20


def test_a_result_that_cannot_be_pickled_is_a_failed_task():
    with Pool(1) as pool, pytest.raises(TaskError, match="cannot be pickled"):
        pool.submit(memoryview, b"x").result()


def test_shutting_down_leaves_no_process():
    pool = Pool(2)
    wait([pool.submit(time.sleep, 0.05) for _ in range(4)])
    processes = pool.processes
    assert processes
    pool.shutdown()
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit(abs, 1)


def test_cancelled_tasks_never_run(tmp_path):
    pool = Pool(1)
    busy = pool.submit(time.sleep, 0.3)
    later = [pool.submit((tmp_path / str(i)).touch) for i in range(5)]
    while not busy.running():
        time.sleep(0.01)
    pool.shutdown(cancel_futures=True)
    assert all(f.cancelled() for f in later)
    assert not list(tmp_path.iterdir())


def test_killing_the_pool_ends_running_tasks():
    pool = Pool(1)
    busy = pool.submit(time.sleep, 60)
    while not pool.processes:
        time.sleep(0.01)
    pool.kill()
    assert isinstance(busy.exception(timeout=10), TaskError)
    pool.shutdown()


def test_workers_do_not_hear_ctrl_c():
    with Pool(1) as pool:
        process = pool.submit(os.getpid).result()
        os.kill(process, signal.SIGINT)
        assert pool.submit(os.getpid).result() == process


def test_a_worker_more_starts_with_each_task(monkeypatch):
    with Pool(1024) as pool:
        assert [pool.submit(divmod, n, 2).result()[1] for n in (4, 5)] == [0, 1]
        assert len(pool.processes) <= 2
        monkeypatch.setattr(threading.Thread, "start", full)
        with pytest.raises(TaskError, match=r"no more than 2 workers .*; use fewer workers"):
            pool.submit(divmod, 6, 2)


def full(thread):
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("seconds", [1e300, float("inf")])
def test_a_limit_beyond_the_system_s_numbers_is_none(seconds):
    with Pool(1, seconds=seconds, memory=10**30) as pool:
        assert pool.submit(divmod, 7, 2).result() == (3, 1)


@pytest.mark.parametrize("options", [{"workers": 0}, {"seconds": 0}, {"memory": 0}])
def test_wrong_limits_are_refused(options):
    with pytest.raises(ParameterError, match="expected"):
        Pool(**{"workers": 1, **options})
