"""Messages for people on standard error, and the exit codes of all commands."""

from __future__ import annotations

from enum import IntEnum

import click

from spel import errors


class ExitCode(IntEnum):
    """Exit codes of the program, as its help states them."""

    GOOD = 0
    UNEXPECTED = 1
    USAGE = 2
    BAD_INPUT = 3
    SOME_FAILED = 4
    MISSING_EXTRA = 5
    QUALITY_GATE = 6
    INTERRUPTED = 130


def exit_code(failed: int, total: int) -> ExitCode:
    """The exit code of a command over many files.

    Examples
    --------
    >>> exit_code(0, 3).name, exit_code(1, 3).name, exit_code(3, 3).name
    ('GOOD', 'SOME_FAILED', 'BAD_INPUT')
    """
    if not failed:
        return ExitCode.GOOD
    return ExitCode.BAD_INPUT if failed == total else ExitCode.SOME_FAILED


def say(text: str) -> None:
    """Write one message: ``spel: what, where, what to do``."""
    click.echo(f"spel: {printable(text)}", err=True)


def printable(text: str) -> str:
    """The text with its line feeds, but without other control characters and lone surrogates."""
    return "\n".join(map(errors.printable, text.split("\n")))


def format_error(error: BaseException) -> str:
    """An error in one line (a list of problems in several), with the notes that it collected."""
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    text = str(error) or type(error).__name__
    return f"{text} ({'; '.join(notes)})" if notes else text
