"""``spel demo``: a first look at spel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.types import PATH


@click.command("demo")
@click.option("--out", type=PATH, help="Folder for the files. [default: demo]")
@click.option("--fast", is_flag=True, help="Numbers only, no pictures.")
@click.option("--no-browser", is_flag=True, help="Do not open the studio at the end.")
@shared
def command(out: Path | None, fast: bool, no_browser: bool, settings: Settings) -> None:
    """Show what spel does, in seconds, without any data and without internet.

    The network of the lecture finds the plate in a rendered street, every step is drawn, the
    arithmetic behind one pixel is printed, and the same network reads a real picture.
    """
    import platform

    from spel import __version__, kernels
    from spel.core.threads import thread_count
    from spel.demo import show

    settings.say(
        f"spel {__version__} · Python {platform.python_version()} · {kernels.choice} kernels "
        f"({kernels.native_info()['isa']}) · {thread_count()} threads · no data, no internet"
    )
    done = show(out, fast=fast, say=settings.say)
    settings.say(
        "\nThe files follow. See steps.png; demo.py does the same in Python. For your picture:\n"
        "  spel apply plate-lecture PICTURE --save all --out steps\n"
        "  spel trace plate-lecture PICTURE --at ROW,COL"
        if not fast
        else "\nThe files follow."
    )
    for path in done.files:
        click.echo(path)
    if not (fast or no_browser) and sys.stderr.isatty() and sys.stdout.isatty() and has_browser():
        settings.say("\nThe same network in the studio, where you can change every number:")
        from spel.cli.studio import command as studio

        click.get_current_context().invoke(studio)


def has_browser() -> bool:
    """Whether this machine has a browser with a window, which a login by SSH usually has not."""
    screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not screen:
        return False
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
