"""Work over many files into one folder: a failure is reported and does not end the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from spel.atomic import remove_leftovers
from spel.cli.messages import ExitCode, exit_code, format_error, plural, printable, say
from spel.cli.options import Settings
from spel.cli.progress import Progress
from spel.errors import ParameterError, SpelError, WriteError
from spel.jobs.pictures import picture_names


def ensure_folder(folder: Path) -> Path:
    """The folder, created if need be; refused at once if nothing can be written there.

    Raises
    ------
    ParameterError
        If it is a file, or cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ParameterError(f"{folder}: this is a file; give a folder with --out") from None
    except OSError as error:
        raise ParameterError(
            f"{folder}: cannot create this folder ({error.strerror}); give another one with --out"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"{folder}: no permission to write here; give another one with --out")
    return folder


class Outputs(Collection[str]):
    """Names of all files that begin with the name of an image and a dot.

    Examples
    --------
    >>> [name in Outputs(["a", "b.1"]) for name in ("a.png", "b.1.steps.png", "c.a.png")]
    [True, True, False]
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def __contains__(self, name: object) -> bool:
        text = str(name)
        dots = [i for i, character in enumerate(text) if character == "."]
        return any(text[:i] in self.names for i in dots)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def for_each_file(
    paths: Sequence[Path], save: Callable[[Path, str], None], settings: Settings, folder: Path
) -> ExitCode:
    """Call `save` with every path and its name in the folder; the exit code."""
    names = picture_names(paths)
    remove_leftovers(folder, Outputs(names))
    failed = 0
    with Progress(len(paths), settings.progress) as progress:
        for path, name in zip(paths, names, strict=True):
            problem = None
            try:
                save(path, name)
            except (WriteError, KeyboardInterrupt) as error:  # the next one could not be written
                finished = plural(progress.done - failed, "file")
                error.add_note(f"{finished} of {len(paths)} are complete in {folder}")
                raise
            except SpelError as error:
                problem = format_error(error)
                named = printable(str(path)) in printable(problem)
                say(problem if named else f"{path}: {problem}")
            failed += problem is not None
            progress.step(str(path), failed=problem is not None)
    if failed:
        settings.say(f"{failed} of {len(paths)} files failed")
    return exit_code(failed, len(paths))
