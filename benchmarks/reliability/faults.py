"""What goes wrong in each of the five jobs, seen from the command line.

    python -m benchmarks.reliability.faults [--job all] [--files 40]

Each of detect, segment, apply, classify and features runs over small streets while

- hung file: reading one of the files never ends (``--max-seconds 10``);
- crash: reading one of the files kills the process that reads it;
- full disk: the results lie on a disk of two megabytes that fills up (a mount, for root on Linux);
- no images: the folder of the images vanishes after the first results;
- no results: so does the folder of the results.

Prints a row for each: the exit code and what stands on standard error. Then the cause is removed
and the same command goes on (with ``--retry``), which must give the bytes of a run without a fault.
The exit status is 1 if it does not, or if a traceback was seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability.survival import OPTIONS, command, contents, entries, models, render

HOOK = """
import os, signal, sys, time

def fault(event, arguments):
    if event == "open" and "/00003.png" in str(arguments[0]) and os.getppid() != {parent}:
        time.sleep(600) if os.environ["FAULT"] == "hung file" else os.kill(os.getpid(), 9)

if "FAULT" in os.environ:
    sys.addaudithook(fault)
"""
"""The module ``sitecustomize`` of all processes: who opens the fourth image, but for the process
of the run, ends there."""

Answer = tuple[int, list[str]]


def answer(words: list[str], fault: str = "", act: Callable[[], object] | None = None) -> Answer:
    """Exit code and lines on standard error of a command."""
    env = {**os.environ, **({"FAULT": fault} if fault else {})}
    child = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if act is not None:
        out = Path(words[words.index("--out") + 1])
        while child.poll() is None and entries(out) < 3:
            time.sleep(0.002)
        act()
    _, said = child.communicate()
    return child.returncode, said.decode().strip().splitlines()


def broken_file(words: list[str], images: Path, out: Path, fault: str) -> Answer:
    """A file hangs, or crashes who reads it: a process with limits."""
    return answer([*words, "--max-seconds", "10"], fault)


def full_disk(words: list[str], images: Path, out: Path, fault: str) -> Answer:
    """The disk of the results has place for a few of them."""
    disk = out.parent / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    try:
        (disk / "ballast").write_bytes(bytes(2 * 1024**2 - 12 * 1024))
        small = [str(disk / "out") if word == str(out) else word for word in words]
        given = answer(small)
        shutil.copytree(disk / "out", out)
        return given
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


def no_images(words: list[str], images: Path, out: Path, fault: str) -> Answer:
    """The folder of the images is renamed, and comes back."""
    away = images.parent / "away"
    given = answer(words, act=lambda: images.rename(away))
    away.rename(images)
    return given


def no_results(words: list[str], images: Path, out: Path, fault: str) -> Answer:
    """The folder of the results is renamed, and comes back."""
    away = out.parent / "results-away"
    given = answer(words, act=lambda: out.rename(away))
    shutil.rmtree(out, ignore_errors=True)
    away.rename(out)
    return given


FAULTS = {
    "hung file": broken_file,
    "crash": broken_file,
    "full disk": full_disk,
    "no images": no_images,
    "no results": no_results,
}


def row(job: str, fault: str, words: list[str], images: Path, whole: Path, out: Path) -> bool:
    """One fault in one job: prints what was said, and tells whether nothing was lost."""
    code, lines = FAULTS[fault](words, images, out, fault)
    broken = "00049"  # a file of `render` that is no image
    text = " / ".join(line for line in lines if broken not in line)
    answer([*words, "--retry"])
    same = contents(whole) == contents(out)
    text = text.replace(str(images.parent), "").replace("|", "")
    print(f"| {job} | {fault} | {code} | {text} | {'yes' if same else 'NO'} |", flush=True)
    return same and code not in (0, -9) and "Traceback" not in text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", choices=[*OPTIONS, "all"], default="all")
    parser.add_argument("--fault", choices=[*FAULTS, "all"], default="all")
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    given, good = parser.parse_args(), True
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "sitecustomize.py").write_text(HOOK.format(parent=os.getpid()))
        os.environ["PYTHONPATH"] = f"{place}:{os.environ.get('PYTHONPATH', '')}"
        images = place / "images"
        images.mkdir()
        render(images, given.files)
        named = models(place)
        print("| job | fault | exit code | said | same bytes afterwards |\n|---|---|---|---|---|")
        for job in OPTIONS if given.job == "all" else [given.job]:
            whole = place / f"{job}-whole"
            answer(command(job, named[job], images, whole, 1))
            for fault in FAULTS if given.fault == "all" else [given.fault]:
                out = place / f"{job}-{fault.replace(' ', '-')}"
                words = command(job, named[job], images, out, given.workers)
                good &= row(job, fault, words, images, whole, out)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
