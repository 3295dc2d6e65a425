"""A Dask cluster that others started: plain, with certificates, and one whose scheduler dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import spel
from spel import zoo
from spel.data import street
from spel.errors import ParameterError
from spel.jobs import DetectJob
from spel.runs import run
from spel.runs.dask_ import checked_address, executor

pytest.importorskip("distributed", reason="needs the extra dask")
FILES = ("results.jsonl", "failures.jsonl")
LIMIT = 120.0
"""Seconds that a loaded machine may take for anything."""


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    return {**os.environ, "PYTHONPATH": path, **more}


@contextmanager
def process(*words: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", *words], env=env, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextmanager
def cluster(
    place: Path, *, tls: bool = False, **env: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker as processes of their own: the address, and the scheduler."""
    file, known = place / "scheduler.json", environment(**env)
    scheme = "tls" if tls else "tcp"
    common = ("--no-dashboard", "--host", f"{scheme}://127.0.0.1")
    words = ("distributed.cli.dask_scheduler", "--port", "0", "--no-show", *common)
    words += ("--scheduler-file", str(file))
    with ExitStack() as stack:
        scheduler = stack.enter_context(process(*words, env=known, log=place / "scheduler.log"))
        begin = time.monotonic()
        while not file.exists() or not file.read_text().rstrip().endswith("}"):
            told = (place / "scheduler.log").read_text()
            assert scheduler.poll() is None, told
            assert time.monotonic() - begin < LIMIT, told
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        worker = ("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", *common)
        stack.enter_context(process(*worker, env=known, log=place / "worker.log"))
        yield address, scheduler


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("images")
    for i in range(200):
        path = place / f"{i:03d}.png"
        if i < 5:
            spel.write(path, street(i, size=(120, 160)).image)
        else:
            os.link(place / f"{i % 5:03d}.png", path)
    (place / "050-broken.png").write_bytes(b"no image")
    zoo.plate_lecture().save(place / "net.safetensors")
    run(DetectJob(zoo.plate_lecture()), sorted(place.glob("*.png")), place / "alone")
    return place


def command(images: Path, out: Path, address: str) -> list[str]:
    words = [sys.executable, "-m", "spel", "detect", str(images / "net.safetensors"), str(images)]
    return [*words, "--out", str(out), "--dask", address, "-q", "--progress", "none"]


def detected(images: Path, out: Path, address: str, **env: str) -> tuple[int, str]:
    done = subprocess.run(
        command(images, out, address),
        capture_output=True,
        text=True,
        env=environment(**env),
        timeout=LIMIT,
    )
    return done.returncode, done.stderr


def same(images: Path, out: Path) -> bool:
    alone = images / "alone"
    return all((out / name).read_bytes() == (alone / name).read_bytes() for name in FILES)


@pytest.mark.slow
def test_a_cluster_of_others_gives_the_same_bytes(images, tmp_path):
    with cluster(tmp_path) as (address, _):
        assert address.startswith("tcp://127.0.0.1:")
        code, told = detected(images, tmp_path / "out", address)
    assert code == 4, told
    assert same(images, tmp_path / "out")


@pytest.mark.slow
def test_a_scheduler_that_dies_costs_only_what_was_under_way(images, tmp_path):
    out = tmp_path / "out"
    with cluster(tmp_path) as (address, scheduler):
        child = subprocess.Popen(
            command(images, out, address), stderr=subprocess.PIPE, env=environment(), text=True
        )
        begin, results = time.monotonic(), out / "results.jsonl"
        while not (results.exists() and results.read_bytes().count(b"\n") >= 5):
            assert time.monotonic() - begin < LIMIT
            assert child.poll() is None, child.communicate()
            time.sleep(0.002)
        scheduler.kill()
        _, told = child.communicate(timeout=LIMIT)
    kept = results.read_bytes().count(b"\n")
    if child.returncode != 4:  # else it was done before the kill arrived
        assert child.returncode == 3, told
        *_, last = told.splitlines()
        assert "run it again to go on" in last
        assert "Traceback" not in told
        assert 5 <= kept < 200
    begun = run(DetectJob(zoo.plate_lecture()), sorted(images.glob("*.png")), out)
    assert begun.resumed >= kept
    assert same(images, out)


def certificates(place: Path) -> dict[str, str]:
    """A self-signed certificate for both sides, as Dask's settings name it."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates")
    key, cert = place / "key.pem", place / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", str(key), "-out", str(cert)]
    made = subprocess.run(words, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    base = "DASK_DISTRIBUTED__COMM__"
    settings = {f"{base}TLS__CA_FILE": str(cert), f"{base}REQUIRE_ENCRYPTION": "true"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings |= {f"{base}TLS__{role}__KEY": str(key), f"{base}TLS__{role}__CERT": str(cert)}
    return settings


@pytest.mark.slow
def test_with_certificates_it_talks_and_without_it_is_refused(images, tmp_path):
    settings = certificates(tmp_path)
    with cluster(tmp_path, tls=True, **settings) as (address, _):
        assert address.startswith("tls://127.0.0.1:")
        code, told = detected(images, tmp_path / "out", address, **settings)
        assert code == 4, told
        assert same(images, tmp_path / "out")
        code, told = detected(images, tmp_path / "none", address)
        assert code == 3
        assert "no certificates given" in told
        assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in told
        (tmp_path / "other").mkdir()
        strangers = certificates(tmp_path / "other")
        code, told = detected(images, tmp_path / "none", address, **strangers)
        assert code == 3, told
        assert len(told.splitlines()) == 1, told
        plain = address.replace("tls://", "tcp://")
        assert detected(images, tmp_path / "none", plain)[0] == 3
    assert not (tmp_path / "none" / "results.jsonl").exists()


def test_a_certificate_that_is_not_there_is_named(monkeypatch):
    import dask

    settings = {"distributed.comm.tls.ca-file": "/nowhere/ca.pem"}
    with (
        dask.config.set(settings),
        pytest.raises(ParameterError, match=r"no file '/nowhere/ca\.pem'"),
        executor("tls://127.0.0.1:1"),
    ):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_this_machine_needs_no_trust(host):
    assert checked_address(f"tcp://{host}:8786")


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.5", "localhost.evil.example", "[fe80::1]"])
def test_any_other_does(host):
    with pytest.raises(ParameterError, match="--i-trust-this-network"):
        checked_address(f"tcp://{host}:8786")


def listening() -> set[str]:
    """Addresses, as the kernel writes them, at which this process and all it started listen."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                sockets[f"socket:[{words[9]}]"] = words[1]
    family, found = [os.getpid()], set()
    for one in family:
        with suppress(OSError):  # processes and their handles may end while they are looked at
            for task in Path(f"/proc/{one}/task").iterdir():
                family += [int(word) for word in (task / "children").read_text().split()]
            for handle in Path(f"/proc/{one}/fd").iterdir():
                with suppress(OSError):
                    found.add(sockets.get(os.readlink(handle), ""))
    return found - {""}


@pytest.mark.slow
def test_an_own_cluster_listens_on_this_machine_only_and_shows_nothing():
    with executor("local", workers=1) as pool:
        assert pool.submit(divmod, 7, 2).result(timeout=LIMIT) == (3, 1)
        told = pool._client.scheduler_info()
        if Path("/proc/net/tcp").exists():
            found = listening()
            assert found
            assert {address.partition(":")[0] for address in found} == {"0100007F"}
        for one in (told, *told["workers"].values()):
            port = one["services"]["dashboard"]
            for page in ("", "status", "health", "info/main/workers.html", "json/counts.json"):
                with pytest.raises(HTTPError, match="404"):
                    urlopen(f"http://127.0.0.1:{port}/{page}", timeout=LIMIT)
