"""The journal: torn, damaged, locked, of another run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spel.errors import FormatError, ParameterError
from spel.runs import Entry, Identity, Manifest, Shard
from spel.runs.manifest import checksum

CONFIG = {"job": "detect", "model": "abc"}


def written(path: Path, count: int = 5) -> bytes:
    with Manifest(path, CONFIG) as manifest:
        for i in range(count):
            manifest.add(Entry(f"{i}.png", i % 2 == 1, checksum(str(i)), Identity(i, 7, "ff"), 0.5))
    return path.read_bytes()


def entries(path: Path) -> dict[str, Entry]:
    with Manifest(path, CONFIG) as manifest:
        return dict(manifest.entries)


def test_entries_come_back(tmp_path):
    written(tmp_path / "m")
    found = entries(tmp_path / "m")
    assert list(found) == [f"{i}.png" for i in range(5)]
    assert found["3.png"] == Entry("3.png", True, checksum("3"), Identity(3, 7, "ff"), 0.5)


def test_every_line_is_json_with_its_checksum(tmp_path):
    import json

    for line in written(tmp_path / "m").splitlines():
        parsed = json.loads(line)
        assert set(parsed) == {"crc", "entry"}
        assert len(parsed["crc"]) == 8


def test_cut_at_every_byte_it_is_never_wrong(tmp_path):
    path = tmp_path / "m"
    whole = written(path, 2)
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        found = entries(path)
        complete = sum(end < cut for end in ends)
        assert list(found) == [f"{i}.png" for i in range(max(0, complete - 1))]


def test_flipped_bits_are_refused_or_harmless(tmp_path):
    path = tmp_path / "m"
    whole = written(path)
    expected = entries(path)
    random = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(damaged))
        try:
            found = entries(path)
        except (FormatError, ParameterError):
            continue
        assert found.items() <= expected.items()


def test_one_run_at_a_time(tmp_path):
    with (
        Manifest(tmp_path / "m", CONFIG),
        pytest.raises(ParameterError, match="another run"),
    ):
        Manifest(tmp_path / "m", CONFIG)
    Manifest(tmp_path / "m", CONFIG).close()


def test_another_run_is_refused_unless_fresh(tmp_path):
    written(tmp_path / "m")
    with pytest.raises(ParameterError, match=r"its model was 'abc', now 'xyz'.*--fresh"):
        Manifest(tmp_path / "m", {**CONFIG, "model": "xyz"})
    with Manifest(tmp_path / "m", {**CONFIG, "model": "xyz"}, fresh=True) as manifest:
        assert not manifest.entries


def test_what_is_no_manifest_is_refused(tmp_path):
    (tmp_path / "m").write_text('{"crc":"00000000","entry":{}}\n')
    with pytest.raises(FormatError, match="checksum"):
        Manifest(tmp_path / "m", CONFIG)
    body = '{"format":"other"}'
    (tmp_path / "m").write_text(f'{{"crc":"{checksum(body)}","entry":{body}}}\n')
    with pytest.raises(FormatError, match="not a manifest"):
        Manifest(tmp_path / "m", CONFIG)


def test_a_file_is_the_same_by_time_or_contents(tmp_path):
    import os

    path = tmp_path / "a"
    path.write_bytes(b"one")
    known = Identity.of(path)
    assert known is not None
    assert known.matches(path)
    os.utime(path, ns=(1, 1))
    assert known.matches(path)
    path.write_bytes(b"two")
    assert not known.matches(path)
    path.unlink()
    assert not known.matches(path)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_share_everything_once(count):
    items = list(range(20))
    parts = [Shard(i + 1, count).select(items) for i in range(count)]
    assert sorted(item for part in parts for item in part) == items


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/0", "-1/2"])
def test_wrong_shards_are_refused(text):
    with pytest.raises(ParameterError, match="i/n"):
        Shard.parse(text)
