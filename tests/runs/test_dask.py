"""The same job on a Dask cluster of processes, and what is refused."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

import spel
from spel import zoo
from spel.data import street
from spel.errors import BackendMissingError, ParameterError, TaskError
from spel.jobs import DetectJob
from spel.jobs.network_job import cached_network
from spel.runs import dask_, run
from spel.runs.dask_ import checked_address, executor


@pytest.mark.slow
def test_a_cluster_of_processes_gives_the_same_bytes(tmp_path: Path):
    pytest.importorskip("distributed", reason="needs the extra dask")
    images = tmp_path / "images"
    images.mkdir()
    for seed in range(12):
        spel.write(images / f"{seed:02d}.png", street(seed, size=(120, 160)).image)
    (images / "05-broken.png").write_bytes(b"no image")
    zoo.plate_lecture().save(tmp_path / "net.safetensors")
    paths = sorted(images.glob("*.png"))
    run(DetectJob(zoo.plate_lecture()), paths, tmp_path / "alone")
    command = [sys.executable, "-m", "spel", "detect", str(tmp_path / "net.safetensors")]
    command += [str(images), "--out", str(tmp_path / "dask"), "--dask", "local", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 4, done.stderr
    for name in ("results.jsonl", "failures.jsonl"):
        assert (tmp_path / "dask" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.parametrize("address", ["", "here", "tcp://x", "http://a:1", "tcp://:5", "tcp://a:b"])
def test_addresses_that_are_none_are_refused(address):
    with pytest.raises(ParameterError, match="expected 'local'"):
        checked_address(address)


def test_plain_tcp_elsewhere_needs_the_users_word():
    with pytest.raises(ParameterError, match="--i-trust-this-network"):
        checked_address("tcp://10.0.0.5:8786")
    assert checked_address("tcp://10.0.0.5:8786", trust=True)
    assert checked_address("tls://10.0.0.5:8786")
    assert checked_address("tcp://localhost:8786")


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BackendMissingError, match=r'pip install "spel\[dask\]"'), executor():
        pass


def test_networks_travel_by_path_and_hash(tmp_path):
    net = zoo.plate_lecture()
    path = tmp_path / "net.safetensors"
    net.save(path)
    job = DetectJob(net, place=str(path))
    carried = pickle.dumps(job)
    assert len(carried) < len(pickle.dumps(DetectJob(net)))
    again = pickle.loads(carried)
    assert again.network == net
    assert again.network is pickle.loads(carried).network
    zoo.plate_lecture(2).save(path)
    cached_network.cache_clear()
    with pytest.raises(TaskError, match="another network"):
        pickle.loads(carried)
    path.unlink()
    with pytest.raises(TaskError, match="cannot read the network"):
        pickle.loads(carried)


class Nobody:
    """A client and a local cluster without workers."""

    status = "running"
    workers: ClassVar[dict[str, object]] = {}

    @property
    def scheduler(self):
        return self

    def get_executor(self, pure):
        return ThreadPoolExecutor(1)


def test_a_local_cluster_without_workers_is_lost(monkeypatch):
    monkeypatch.setattr(dask_, "NO_WORKER_SECONDS", 0.05)
    local = Nobody()
    cluster = dask_.Cluster(local, local)
    assert not cluster.lost
    time.sleep(0.1)
    assert cluster.lost
    local.workers["one"] = 1
    assert not cluster.lost
    local.workers.clear()
    assert not dask_.Cluster(local).lost  # others may be started elsewhere


def test_a_cluster_that_does_not_start_is_one_message(monkeypatch):
    import distributed

    def killed(**options):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", killed)
    with pytest.raises(TaskError, match="the cluster did not start"), executor("local"):
        pass
