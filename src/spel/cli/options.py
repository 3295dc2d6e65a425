"""Options that every command has, and their effect."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from spel.cli.messages import printable
from spel.core.threads import MAX_THREADS

PROGRESS = ("auto", "bar", "plain", "json", "none")
F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[Any], Any]
"""A decorator that adds an option to a command."""


@dataclass
class Settings:
    """Values of the shared options; those after the command win over those before it."""

    threads: int | None = None
    progress: str = "auto"
    verbosity: int = 0

    def scope(self) -> AbstractContextManager[Any]:
        """A context in which the engine uses `threads`."""
        if self.threads is None:
            return nullcontext()
        import spel

        return spel.threads(self.threads)

    def threads_of_each(self, workers: int) -> int:
        """Threads of each of so many processes."""
        from spel.core.threads import thread_count

        return self.threads or max(1, thread_count() // workers)

    def say(self, text: str, level: int = 0) -> None:
        """Write a message, unless -q forbids it; level 1 needs -v."""
        if self.verbosity >= level:
            click.echo(printable(text), err=True)


def shared(function: F) -> F:
    """Add --threads, --progress, -v and -q to a command.

    A command with a parameter `settings` receives the `Settings`.
    """
    wants = "settings" in inspect.signature(function).parameters

    @click.option(
        "--threads",
        type=click.IntRange(1, MAX_THREADS),
        help="Threads of the engine. [default: all]",
    )
    @click.option(
        "--progress",
        type=click.Choice(PROGRESS),
        help="Form of progress on standard error. [default: auto]",
    )
    @click.option(
        "-v", "--verbose", is_flag=True, help="Print more, and tracebacks of unexpected errors."
    )
    @click.option("-q", "--quiet", is_flag=True, help="Print errors only, and no progress.")
    @functools.wraps(function)
    def wrapped(
        *args: Any, threads: int | None, progress: str | None, verbose: bool, quiet: bool, **kw: Any
    ) -> Any:
        context = click.get_current_context()
        settings = context.find_object(Settings)
        if settings is None:
            settings = context.obj = Settings()
        settings.threads = threads or settings.threads
        settings.progress = progress or ("none" if quiet else settings.progress)
        settings.verbosity += verbose - quiet
        if wants:
            kw["settings"] = settings
        with settings.scope():
            return function(*args, **kw)

    return wrapped  # type: ignore[return-value]


def gathered(make: Callable[..., Any], name: str, *options: Option) -> Option:
    """Add options to a command, which receives what `make` makes of their values, by one name."""
    parameters = inspect.signature(make).parameters

    def add(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def wrapped(*args: Any, **values: Any) -> Any:
            own = {key: values.pop(key) for key in parameters if key in values}
            return function(*args, **{name: make(**own)}, **values)

        return functools.reduce(lambda command, option: option(command), options[::-1], wrapped)

    return add


def refuse_options(names: tuple[str, ...], reason: str) -> None:
    """Refuse those of a command's options that are given; the reason ends the message."""
    from spel.errors import ParameterError

    context = click.get_current_context()
    flags = {option.name: option.opts[0] for option in context.command.params}
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise ParameterError(f"{flags[name]} {reason}")
