"""The program ``spel``: commands by name, errors as one line, exit codes.

Nothing heavier than click is imported here, so that help and completion answer at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from spel import __version__
from spel.allocator import keep_freed_memory
from spel.cli.messages import ExitCode, format_error, say
from spel.cli.options import shared
from spel.cli.signals import stop_on_signals
from spel.errors import BackendMissingError, SpelError

COMMANDS = {
    "demo": "Show what spel does, in seconds and without any data.",
    "see": "Describe an image, network, result or annotation file.",
    "apply": "Run a network over images and save any or all of its steps.",
    "trace": "Print the arithmetic behind one pixel of a result.",
    "invert": "Write the picture that explains an activation: what a step still knows.",
    "learn": "Learn a network from strokes drawn on a few images.",
    "learn-boxes": "Learn to detect an object from photos with boxes.",
    "learn-restore": "Learn to denoise, enlarge or deblur from your own pictures.",
    "restore": "Denoise, enlarge or deblur a picture.",
    "texture": "Make a picture of any size from a sample of a texture.",
    "segment": "Write one mask per image.",
    "cut": "Cut objects out of images, each along strokes on it; nothing is learned.",
    "detect": "Find objects in images, folders and lists of files.",
    "studio": "Open images in the studio: inspect, draw, learn, detect, explain.",
    "lesson": "List the lessons, export them as worksheets, and mark answers.",
    "serve": "Serve a network on a port: images in, boxes, masks or features out.",
    "fit": "Learn to classify images.",
    "classify": "Classify images.",
    "features": "Write a table of feature vectors of images.",
    "export": "Write a network for ONNX, PyTorch, libift, or as a script.",
    "eval": "Compare results with the truth: recall, precision, AP; masks by Dice.",
    "compare": "Compare networks on the same images and masks, in one table.",
    "reproduce": "Measure a table of the documents again, with intervals.",
    "convert": "Convert markers, architectures and models between formats.",
    "doctor": "Check the installation, and say how to add what is missing.",
}


class _ReaderGoneError(Exception):
    """The reader of standard output has closed it; of a BrokenPipeError click would make code 1."""


class LazyGroup(click.Group):
    """A group that imports the file of a command when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"spel.cli.{cmd_name.replace('-', '_')}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of a name; an unknown name is refused with the nearest one."""
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "SPEL",
        "show_default": True,
    },
    epilog="A network NET is a file or the name of one that ships with spel (plate-lecture). "
    "Exit codes: 0 good, 1 unexpected error, 2 wrong usage, 3 bad input, 4 some files failed, "
    "5 an extra is missing, 6 a quality gate failed, 130 interrupted, 143 ended by SIGTERM.",
)
@click.version_option(__version__, prog_name="spel", message="%(prog)s %(version)s")
@shared
def cli() -> None:
    """Detect and segment objects with small networks, written by hand or learned from strokes.

    A spel (space element) is a pixel of an image or a voxel of a volume. A network applies neuronal
    layers to each spel and its neighbours; it can be learned in seconds from a few strokes, without
    backpropagation.

    Data go to standard output, and messages for people to standard error.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code."""
    stop_on_signals()
    keep_freed_memory()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        # They are this program's messages, whatever Python was asked to do with warnings.
        warnings.simplefilter("default", UserWarning)
        return _run(words)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning of the library as a message, without the place in the code."""
    say(str(message))


_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""A command without its arguments; before click 8.2 its help is no error."""


def _run(words: list[str]) -> int:
    try:
        code = cli.main(words, prog_name="spel", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else ExitCode.GOOD
    except _NO_ARGUMENTS as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        return ExitCode.USAGE
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt) as error:
        return _interrupted(error)
    except (_ReaderGoneError, BrokenPipeError):
        return _closed_pipe()
    except SpelError as error:
        say(format_error(error))
        missing = isinstance(error, BackendMissingError)
        return ExitCode.MISSING_EXTRA if missing else ExitCode.BAD_INPUT
    except Exception as error:
        return _unexpected(error, words)


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "spel"
    say(f"{error.format_message().rstrip('.?')}; try '{path} --help'")
    return ExitCode.USAGE


def _interrupted(error: BaseException) -> int:
    cause = error.__cause__ if isinstance(error, click.Abort) else error
    notes = [*getattr(error, "__notes__", ()), *getattr(cause, "__notes__", ())]
    say("interrupted; " + ("; ".join(map(str, notes)) or "no incomplete file was left behind"))
    return 128 + int(getattr(cause, "signal", ExitCode.INTERRUPTED - 128))


def _closed_pipe() -> int:
    """The reader of our output has closed it: that is no error, here or at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return ExitCode.GOOD


def _unexpected(error: Exception, words: Sequence[str]) -> int:
    if {"-v", "--verbose"} & set(words):
        import traceback

        traceback.print_exception(error)
    kind = type(error).__name__
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror or reason or kind}; check the place and try again")
        return ExitCode.BAD_INPUT
    if isinstance(error, MemoryError):
        say("out of memory; use a smaller image, fewer workers or tiles")
        return ExitCode.UNEXPECTED
    say(f"unexpected {kind}: {reason}; add -v to see where, and please report it")
    return ExitCode.UNEXPECTED
