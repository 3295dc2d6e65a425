"""Work over many files into one folder: a failure is told and does not end the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from spel.cli.options import Settings
from spel.errors import ParameterError, SpelError, WriteError


def made(folder: Path) -> Path:
    """The folder, created if need be; refuses at once where nothing can be written.

    Raises
    ------
    ParameterError
        If it is a file, or cannot be made or written.
    """
    import os

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ParameterError(f"{folder}: it is a file; give a folder with --out") from None
    except OSError as error:
        raise ParameterError(
            f"{folder}: cannot make this folder ({error.strerror}); give another one with --out"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(f"{folder}: it may not be written; give another one with --out")
    return folder


def each(
    paths: Sequence[Path], save: Callable[[Path, str], None], settings: Settings, folder: Path
) -> int:
    """Call `save` with every path and its name in the folder; the exit code."""
    from spel.cli.main import BAD_INPUT, GOOD, SOME_FAILED, printable, say, told
    from spel.cli.progress import Progress
    from spel.jobs.pictures import names

    failed = 0
    with Progress(len(paths), settings.progress) as progress:
        for path, name in zip(paths, names(paths)):
            problem = None
            try:
                save(path, name)
            except WriteError as error:  # the next one could not be written either
                done = progress.done - failed
                error.add_note(f"{done} of {len(paths)} files are whole in {folder}")
                raise
            except SpelError as error:
                problem = told(error)
                named = printable(str(path)) in printable(problem)
                say(problem if named else f"{path}: {problem}")
            except KeyboardInterrupt as stop:
                stop.add_note(
                    f"{progress.done - failed} of {len(paths)} files are whole in {folder}"
                )
                raise
            failed += problem is not None
            progress.step(str(path), failed=problem is not None)
    if failed:
        settings.say(f"{failed} of {len(paths)} files failed")
    return GOOD if not failed else (BAD_INPUT if failed == len(paths) else SOME_FAILED)
