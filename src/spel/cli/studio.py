"""``spel studio``: the local web page."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.options import Settings, shared
from spel.cli.types import PATH
from spel.errors import plural


@click.command("studio")
@click.argument("paths", metavar="[FILES|FOLDER]...", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="any free one")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--root",
    "roots",
    type=PATH,
    multiple=True,
    help="Folder that images must be in; may be repeated.",
)
@click.option(
    "--session",
    "folder",
    type=PATH,
    help="Folder where all work is saved. [default: in the user's state folder]",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@shared
def command(
    paths: tuple[str, ...],
    port: int,
    host: str,
    roots: tuple[Path, ...],
    folder: Path | None,
    no_browser: bool,
    settings: Settings,
) -> None:
    """Open images in the studio: inspect, draw strokes, learn, detect, explain.

    The studio runs on this machine only. The address that it prints holds a token; anyone who has
    the token can use the studio as you can. Without images it shows samples. All work is saved
    immediately and restored the next time.
    """
    from spel.http.connections import is_this_machine
    from spel.studio.session import Session, default_folder
    from spel.studio.sources import files
    from spel.studio.web.server import Server

    if not is_this_machine(host):
        settings.say(
            f"warning: {host} can be reached from other machines, without encryption; anyone who "
            "reads the address with its token can see and change this session. To use the studio "
            "from elsewhere, keep 127.0.0.1 and forward the port: "
            "ssh -L PORT:127.0.0.1:PORT MACHINE"
        )
    readable = roots or tuple(Path(path) for path in paths if Path(path).is_dir())
    session = Session(files(paths, roots), folder or default_folder(paths), roots=readable)
    server = Server(session, host=host, port=port)

    def ready() -> None:
        click.echo(server.url)
        settings.say(
            f"{plural(len(session.images), 'image')}; all work is saved in {session.folder}"
        )
        if not no_browser and not _open_browser(server.url):
            settings.say("no browser was found; open the address above")
        settings.say("Press Ctrl-C to stop.")

    try:
        server.run(ready)
    finally:
        server.stop()


def _open_browser(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
