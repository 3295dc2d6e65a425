"""Options that every command has, and what they amount to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import click

PROGRESS = ("auto", "bar", "plain", "json", "none")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Settings:
    """What the shared options say; a command's own win over the program's."""

    threads: int | None = None
    progress: str = "auto"
    verbosity: int = 0

    def scope(self) -> AbstractContextManager[Any]:
        """Inside it, the engine uses the threads that were asked for."""
        if self.threads is None:
            return nullcontext()
        import spel

        return spel.threads(self.threads)

    def say(self, text: str, level: int = 0) -> None:
        """Tell people, unless they asked for quiet; level 1 only with -v."""
        if self.verbosity >= level:
            from spel.cli.main import printable

            click.echo(printable(text), err=True)


def shared(function: F) -> F:
    """Add --threads, --progress, -v and -q to a command, and run it in their scope.

    A command that has a parameter `settings` gets the `Settings`.
    """
    import inspect

    wants = "settings" in inspect.signature(function).parameters

    @click.option("--threads", type=click.IntRange(1), help="Threads of the engine. [default: all]")
    @click.option(
        "--progress",
        type=click.Choice(PROGRESS),
        help="How to show progress, on standard error. [default: auto]",
    )
    @click.option(
        "-v", "--verbose", is_flag=True, help="Say more; tracebacks of unexpected errors."
    )
    @click.option("-q", "--quiet", is_flag=True, help="Say only what went wrong.")
    @functools.wraps(function)
    def wrapped(
        *args: Any, threads: int | None, progress: str | None, verbose: bool, quiet: bool, **kw: Any
    ) -> Any:
        context = click.get_current_context()
        settings = context.find_object(Settings)
        if settings is None:
            settings = context.obj = Settings()
        settings.threads = threads or settings.threads
        settings.progress = progress or settings.progress
        settings.verbosity += verbose - quiet
        if wants:
            kw["settings"] = settings
        with settings.scope():
            return function(*args, **kw)

    return wrapped  # type: ignore[return-value]
