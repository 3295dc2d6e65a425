"""Autosave: nothing is lost by crashes, full disks, damaged lines, or many changes."""

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spel.errors import FormatError, ParameterError
from spel.studio import journal
from spel.studio.document import Document
from spel.studio.history import DEPTH
from spel.studio.journal import Change, coalesce
from spel.studio.records import format_line, parse_line
from spel.studio.session import Session
from spel.studio.views.document import document_view

from .conftest import add, sources, stroke

FILES = Path(__file__).parent / "files"


def strokes_of(session, image="image0"):
    return [s.id for s in session.document.strokes.get(image, ())]


def reopen(folder):
    return Session(sources(), folder)


def test_a_session_of_version_0_1_opens_with_undo_and_is_saved_in_the_present_form(tmp_path):
    folder = tmp_path / "session"
    shutil.copytree(FILES / "session-0.1", folder)
    for _ in range(2):  # the second time from the file that the first one wrote
        session = reopen(folder)
        assert strokes_of(session) == ["o", "b"]
        assert list(session.document.networks) == ["plate", "from strokes"]
        edges = session.document.entry("plate").network["edges"]
        assert edges.bank.bias.tolist() == [-0.25]
        assert session.document.pins == ("image1",)
        assert session.problem == ""
        assert session.redoable == "rename_network"
        assert session.undoable == "set_pins"
        session.close()
    first = (folder / "journal.jsonl").read_bytes().splitlines()[0]
    assert parse_line(first)["journal"] == 2


def test_what_came_of_an_upload_before_a_crash_is_removed(tmp_path):
    session = reopen(tmp_path)
    half = session.uploads / "0123.part"
    session.close()
    half.write_bytes(b"half of an image")
    reopen(tmp_path).close()
    assert not half.exists()


def test_every_line_has_a_checksum():
    line = format_line({"do": "x", "set": {}})
    assert parse_line(line.strip()) == {"do": "x", "set": {}}
    for place in range(len(line) - 1):
        damaged = bytearray(line.strip())
        damaged[place] ^= 4
        assert parse_line(bytes(damaged)) != {"do": "x", "set": {}}


def test_a_damaged_line_costs_one_change_and_says_so(session, folder):
    for name in "abcde":
        session.do(add("image0", stroke(name, 1, [[5, 5]])))
    session.close()
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"brush", b"brusk")
    path.write_bytes(b"".join(lines))
    again = reopen(folder)
    assert strokes_of(again) == ["a", "b", "d", "e"]
    assert "1 damaged" in again.problem
    assert (folder / "journal-damaged.jsonl").exists()
    for _ in range(5):
        assert again.undo()
    assert not again.undo()
    again.close()


def test_a_torn_line_of_version_0_1_loses_no_later_stroke(tmp_path):
    folder = tmp_path / "session"
    shutil.copytree(FILES / "session-0.1", folder)
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    # The disk was full while the second stroke was saved: its beginning precedes the next line.
    path.write_bytes(lines[0] + lines[1][:40] + b"".join(lines[2:]))
    session = reopen(folder)
    assert strokes_of(session) == ["o"]
    assert session.document.entry("plate").network["edges"].bank.bias.tolist() == [-0.25]
    session.close()


def test_a_disk_that_was_full_for_a_while_loses_nothing(session, folder, monkeypatch):
    session.do(add("image0", stroke("a", 1, [[5, 5]])))
    session.flush()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(journal.os, "fsync", full)
        session.do(add("image0", stroke("b", 1, [[6, 6]])))
        session.do({"do": "set_decision", "network": "plate", "decision": {"threshold": 0.25}})
        session.flush()
        assert "No space left" in session.problem
    session.undo()
    session.do(add("image0", stroke("c", 1, [[7, 7]])))
    session.close()
    assert session.problem == ""
    lines = (folder / "journal.jsonl").read_bytes().splitlines()
    assert all(parse_line(line) for line in lines)
    again = reopen(folder)
    assert strokes_of(again) == ["a", "b", "c"]
    assert again.undo()
    assert strokes_of(again) == ["a", "b"]
    again.close()


def test_what_was_answered_is_on_the_disk(session, folder):
    """A process that is killed right after its answer has lost nothing."""
    from spel.studio.web import changes

    for number in range(5):
        command = add("image0", stroke(f"s{number}", 1, [[number, 1], [9, 9]]))
        changes.do(session, {"command": command})
        saved = (folder / "journal.jsonl").read_bytes()
        assert saved.endswith(b"\n")
        assert saved.count(b"\n") == number + 2
    changes.undo(session, {})
    assert (folder / "journal.jsonl").read_bytes().count(b"\n") == 7


def test_nobody_waits_for_a_journal_that_has_ended(folder):
    session = Session(sources(), folder)
    session.close()
    session.flush()


def test_a_disk_that_is_full_is_said_in_the_answer(session, monkeypatch):
    from spel.studio.web import changes

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "fsync", full)
    answer = changes.do(session, {"command": add("image0", stroke("s", 1, [[1, 1], [9, 9]]))})
    assert "No space left" in answer["document"]["problem"]
    monkeypatch.undo()
    assert changes.undo(session, {})["document"]["problem"] == ""


def test_a_decision_is_saved(session, folder):
    session.do({"do": "set_decision", "network": "plate", "decision": {"threshold": 0.25}})
    session.close()
    again = reopen(folder)
    assert again.document.entry("plate").decision.threshold == 0.25
    again.close()


def test_more_than_twenty_thousand_changes_open_again(session, folder):
    session.do(add("image0", stroke("a", 1, [[5, 5]])))
    session.close()
    path = folder / "journal.jsonl"
    pins = [format_line({"do": "set_pins", "set": {"pins": [f"p{i}"]}}) for i in range(21_000)]
    path.write_bytes(path.read_bytes() + b"".join(pins))
    again = reopen(folder)
    assert strokes_of(again) == ["a"]
    assert again.document.pins == ("p20999",)
    assert again.undo()
    assert again.document.pins == ("p20998",)
    again.close()
    assert len(path.read_bytes().splitlines()) < DEPTH + 10
    third = reopen(folder)
    assert third.document.pins == ("p20998",)
    assert third.redo()
    third.close()


def test_a_folder_belongs_to_one_session_at_a_time(session, folder):
    with pytest.raises(ParameterError, match="another studio"):
        reopen(folder)
    code = (
        "import sys; from pathlib import Path; from spel.studio.folder_lock import FolderLock\n"
        "FolderLock(Path(sys.argv[1]))"
    )
    path = [str(Path(journal.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": path[0]},
    )
    assert "another studio has this session open" in done.stderr
    session.close()
    reopen(folder).close()


def test_a_journal_of_a_newer_version_is_refused(folder):
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(format_line({"journal": 3, "start": {}}))
    with pytest.raises(FormatError, match="newer"):
        reopen(folder)
    (folder / "journal.jsonl").unlink()
    reopen(folder).close()  # the refused session released the folder


def test_of_a_gesture_only_the_last_state_is_saved():
    states = [Document(pins=(str(i),)) for i in range(5)]
    kinds = ["do", "replace", "replace", "undo", "replace"]
    changes = [Change(kind, "x", state) for kind, state in zip(kinds, states)]
    merged = coalesce(changes)
    assert [(c.kind, c.document.pins) for c in merged] == [
        ("do", ("2",)),
        ("undo", ("3",)),
        ("replace", ("4",)),
    ]


def test_networks_lie_in_files_named_by_their_content(session, folder):
    session.do({"do": "add_network", "name": "copy", "copy": "plate"})
    session.do({"do": "set_decision", "network": "copy", "decision": {"threshold": 0.5}})
    session.flush()
    entries = json.loads(
        (folder / "journal.jsonl").read_bytes().splitlines()[-1].split(b" ", 1)[1]
    )["set"]["networks"]
    plate = session.file_of(session.document.entry("plate").network)
    assert list(entries) == ["copy"]
    assert entries["copy"]["file"] != plate.stem
    assert (folder / "networks" / f"{entries['copy']['file']}.safetensors").exists()


def test_a_network_that_cannot_be_read_costs_that_network_only(session, folder):
    session.do({"do": "add_network", "name": "good", "template": "edges"})
    session.do({"do": "add_network", "name": "bad", "template": "grey"})
    session.do({"do": "set_decision", "network": "bad", "decision": {"threshold": 0.125}})
    path = session.file_of(session.document.entry("bad").network)
    session.close()
    data = path.read_bytes()
    broken = data.replace(b"0.125", b'"odd"')  # as long as before
    assert broken != data
    for content in (broken, data[:50], None):
        path.unlink() if content is None else path.write_bytes(content)
        again = reopen(folder)
        assert "bad" in again.problem
        assert list(again.document.networks) == ["plate", "from strokes", "good"]
        assert document_view(again)["networks"]
        again.close()


def test_a_session_without_any_readable_network_starts_with_the_usual_ones(session, folder):
    session.do({"do": "set_pins", "images": []})
    session.close()
    for path in (folder / "networks").iterdir():
        path.unlink()
    again = reopen(folder)
    assert list(again.document.networks) == ["plate", "from strokes"]
    assert "left out" in again.problem
    again.do({"do": "set_pins", "images": ["image1"]})
    again.close()
    third = reopen(folder)
    assert third.problem == ""
    assert third.document.pins == ("image1",)
    third.close()
