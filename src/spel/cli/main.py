"""The program ``spel``: commands by name, errors as one line, exit codes.

Nothing heavier than click is imported here, so that help and completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from spel import __version__
from spel.cli.options import shared
from spel.errors import BackendMissingError, SpelError

GOOD, UNEXPECTED, USAGE, BAD_INPUT, SOME_FAILED, MISSING_EXTRA, GATE, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    130,
)

COMMANDS = {
    "demo": "Show what spel does, in seconds and without any data.",
    "see": "Describe an image, network, result or annotation file.",
    "apply": "Run a network over images and save any or all of its steps.",
    "trace": "Print the arithmetic behind one spel.",
    "learn": "Learn a network from strokes drawn on a few images.",
    "learn-boxes": "Learn to detect an object from photos with boxes.",
    "segment": "Write one mask per image.",
    "detect": "Find objects in images, folders and lists of files.",
    "studio": "Open images in the studio: inspect, draw, learn, detect, ask why.",
    "fit": "Learn to tell classes of images apart.",
    "classify": "Tell the class of images.",
    "export": "Write a network for ONNX, PyTorch, libift, or as a script.",
    "eval": "Compare results with the truth: recall, precision, AP; masks by Dice.",
    "compare": "Several networks on the same images and masks, in one table.",
    "convert": "Markers, architectures and models between formats.",
    "doctor": "Say what is installed and what to do about what is not.",
}


class Lazy(click.Group):
    """A group whose commands live in files of their own, imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"spel.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SPEL"},
    epilog="A network NET is a file or the name of one that ships with spel (plate-lecture). "
    "Exit codes: 0 good, 1 unexpected, 2 usage, 3 bad input, 4 some files failed, 5 missing extra, "
    "6 quality gate, 130 interrupted.",
)
@click.version_option(__version__, prog_name="spel", message="%(prog)s %(version)s")
@shared
def cli() -> None:
    """Image analysis with neuronal layers over adjacency relations.

    Data goes to standard output, everything for people to standard error.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(given, prog_name="spel", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else GOOD
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error))
        return USAGE
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt) as error:
        return _interrupted(error)
    except BrokenPipeError:
        return _closed_pipe()
    except SpelError as error:
        say(told(error))
        return MISSING_EXTRA if isinstance(error, BackendMissingError) else BAD_INPUT
    except Exception as error:
        return _unexpected(error, given)


def say(text: str) -> None:
    """One message for people: ``spel: what, where, what to do``. No name can move the cursor."""
    click.echo(f"spel: {printable(text)}", err=True)


def printable(text: str) -> str:
    """`text` with its line feeds, but without control characters and lone surrogates."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def told(error: BaseException) -> str:
    """An error in one line (a list of problems in several), with the notes it collected."""
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    text = str(error) or type(error).__name__
    return f"{text} ({'; '.join(notes)})" if notes else text


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "spel"
    say(f"{error.format_message().rstrip('.?')}; try '{path} --help'")
    return USAGE


def _interrupted(error: BaseException) -> int:
    cause = error.__cause__ if isinstance(error, click.Abort) else error
    notes = [*getattr(error, "__notes__", ()), *getattr(cause, "__notes__", ())]
    say("interrupted; " + ("; ".join(map(str, notes)) or "nothing half-written was left behind"))
    return 128 + getattr(cause, "signal", INTERRUPTED - 128)


def _closed_pipe() -> int:
    """The reader of our output has seen enough: no complaint, and none at exit either."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return GOOD


def _unexpected(error: Exception, given: Sequence[str]) -> int:
    if {"-v", "--verbose"} & set(given):
        import traceback

        traceback.print_exception(error)
    kind = type(error).__name__
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror or reason or kind}; check the place and try again")
        return BAD_INPUT
    if isinstance(error, MemoryError):
        say("out of memory; use a smaller image, fewer workers or tiles")
        return UNEXPECTED
    say(f"unexpected {kind}: {reason}; add -v to see where, and report it please")
    return UNEXPECTED
