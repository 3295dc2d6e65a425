"""Seconds and peak memory of a command with all its processes (Linux).

What `getrusage` says of a child begins with the memory of the process that started it, so a large
parent would hide a small child. Here the resident memory of the command and of all processes that
it starts is added up every 20 ms; pages that they share count in each.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.02


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    seconds, megabytes : float
    """

    seconds: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.megabytes:.0f} MB at most"


def measured(command: Sequence[str]) -> Measured:
    """Run a command to its end; it ends this program if it fails."""
    began = time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = 0
    while running.poll() is None:
        most = max(most, sum(map(_resident, _family(running.pid))))
        time.sleep(INTERVAL)
    assert running.stderr is not None
    message = running.stderr.read().decode()
    if running.returncode:
        sys.exit(message)
    return Measured(time.perf_counter() - began, most / 1024)


def spel(*arguments: object) -> Measured:
    """Run a command of spel quietly."""
    return measured([sys.executable, "-m", "spel", *map(str, arguments), "-q"])


def _family(pid: int) -> Iterator[int]:
    """A process and those that it started, and so on."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _text(children).split():
            yield from _family(int(child))


def _resident(pid: int) -> int:
    """Resident kilobytes of a process; 0 if it has ended."""
    for line in _text(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
