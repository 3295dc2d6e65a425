"""The program: help at once, one line for every error, its exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import click
import pytest

from spel.cli import main
from spel.cli.main import COMMANDS, cli
from spel.cli.worker_options import Place
from spel.errors import BackendMissingError, ParameterError
from spel.runs import Interrupted

RUN = [sys.executable, "-m", "spel"]


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from spel.cli.main import run; run(['--help']); "
        "print([m for m in ('numpy', 'PIL', 'scipy', 'tqdm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "detect" in done.stdout


def test_help_is_quick():
    resource = pytest.importorskip("resource", reason="needs POSIX")
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*RUN, "--help"], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert (
        min(taken) < 0.4
    )  # processor time of a loaded machine; importing NumPy alone is half of it


def test_no_arguments_is_help_and_usage(program):
    code, out, _ = program()
    assert code == 2
    assert "Usage: spel" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(program, name):
    code, out, err = program(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: spel {name}")
    assert not err
    assert "] [default:" not in " ".join(out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_is_the_commands_own_tale(name):
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["dtect"], "did you mean 'detect'"),
        (["zzz"], "expected demo, see"),
        (["--nope"], "--nope"),
        (["apply", "plate-lecture", "a.png"], "--out"),
        (["detect", "plate-lecture"], "IMAGES"),
        (["detect", "plate-lecture", "a.png", "--area", "5"], "LOW:HIGH"),
        (["detect", "plate-lecture", "a.png", "--save", "overlay"], "--out"),
        (["detect", "plate-lecture", "a.png", "--size", "5"], "WIDTH,HEIGHT"),
        (["trace", "plate-lecture", "a.png", "--at", "5"], "ROW,COL"),
        (["see", "plate-lecture", "--size", "0,4"], "ROWS,COLS"),
        (["eval", "a", "b", "--fail-under", "recall"], "NAME=VALUE"),
        (["--threads", "0", "doctor"], "--threads"),
        (["--threads", "99999999999", "doctor"], "1<=x<=1024"),
        (["invert", "plate-lecture", "a.png", "--out", "b.png", "--rounds", "9999"], "x<=1000"),
    ],
)
def test_wrong_usage_is_one_line_and_2(program, given, words):
    code, out, err = program(*given)
    assert code == 2
    assert not out
    assert err.startswith("spel: ")
    assert words in err
    assert "--help'" in err
    assert err.count("\n") == 1


def test_shell_completion_is_there():
    done = subprocess.run(
        RUN[:1] + ["-c", "from spel.cli.main import main; main()"],
        env={**os.environ, "_SPEL_COMPLETE": "bash_source"},
        capture_output=True,
        text=True,
    )
    assert "_spel_completion" in done.stdout


def raising(error: BaseException):
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ParameterError("a: b; do c"), 3, "spel: a: b; do c\n"),
        (BackendMissingError("needs x; pip install x"), 5, "spel: needs x; pip install x\n"),
        (PermissionError(13, "Permission denied", "f"), 3, "spel: f: Permission denied"),
        (MemoryError(), 1, "out of memory"),
        (ZeroDivisionError("division\nby zero"), 1, "unexpected ZeroDivisionError: division by"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_one_line_and_their_code(monkeypatch, capsys, error, code, words):
    monkeypatch.setattr(cli, "get_command", lambda ctx, name: raising(error))
    assert main.run(["see"]) == code
    err = capsys.readouterr().err.lstrip("\n")
    assert words in err
    assert "Traceback" not in err


def test_verbose_shows_the_traceback_of_the_unexpected(monkeypatch, capsys):
    monkeypatch.setattr(cli, "get_command", lambda ctx, name: raising(ZeroDivisionError("x")))
    assert main.run(["-v", "see"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_notes_say_where(monkeypatch, capsys):
    error = ParameterError("no")
    error.add_note("in node 'edges'")
    monkeypatch.setattr(cli, "get_command", lambda ctx, name: raising(error))
    assert main.run(["see"]) == 3
    assert capsys.readouterr().err == "spel: no (in node 'edges')\n"


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_warnings_are_messages_whatever_python_does_with_them(monkeypatch, capsys, action):
    warn = click.Command("see", callback=lambda: warnings.warn("b.txt is left out", stacklevel=2))
    monkeypatch.setattr(cli, "get_command", lambda ctx, name: warn)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        assert main.run(["see"]) == 0
    assert capsys.readouterr().err == "spel: b.txt is left out\n"


def test_a_reader_that_stops_is_no_error(tmp_path: Path):
    done = subprocess.run(
        f"{sys.executable} -m spel see plate-lecture --json | head -c 3; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith('{"k')
    assert done.stdout.endswith("0\n")
    assert done.stderr == ""


def test_a_reader_that_is_gone_before_the_first_word_is_no_error():
    """click makes an exit code of 1 of it, if the pipe closes before the command ends."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "spel", "see", "plate-lecture"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export plate-lecture --to script --out a.py --input uint8", "--input is for --to onnx"),
        ("export plate-lecture --to card --out a.md --author A", "are for --to bioimageio only"),
        ("detect plate-lecture a.png --size 3,4", "--select closest looks for; give both"),
    ],
)
def test_options_that_would_do_nothing_are_refused(capsys, words, said):
    assert main.run(words.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_in_a_folder_keeps_whole_lines(tmp_path: Path, picture: Path, workers: str):
    import shutil

    from spel.io.annotation.results import read_results

    many = tmp_path / "many"
    many.mkdir()
    for i in range(300):
        shutil.copy(picture, many / f"{i}.png")
    out = tmp_path / "out"
    command = [*RUN, "detect", "plate-lecture", str(many), "--out", str(out), "--workers", workers]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    results = out / "results.jsonl"
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not (results.exists() and results.stat().st_size):
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert 0 < len(read_results(results)) < 300
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_work_between_the_tasks_of_workers_ends_at_the_first_signal(workers: int):
    def work() -> None:
        with Place(workers, None, False).open() as run:
            assert list(run([])) == []
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it went on")

    with pytest.raises(Interrupted):
        work()
