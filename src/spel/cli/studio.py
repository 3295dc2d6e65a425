"""``spel studio``: the page where every number can be touched."""

from __future__ import annotations

from pathlib import Path

import click

from spel.cli.options import Settings, shared

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command("studio")
@click.argument("paths", metavar="[FILES|FOLDER]...", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="[default: any free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--root",
    "roots",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder that images must lie in; may be repeated.",
)
@click.option(
    "--session",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder where all work is saved. [default: in the user's state folder]",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
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
    """Open images in the studio: inspect, draw strokes, learn, detect, ask why.

    One process on this machine alone; the address that it prints holds a token, and whoever has it
    may do what you may. Without images it shows samples. Everything is saved at once and is there
    again next time.
    """
    from spel.errors import BackendMissingError

    try:
        from spel.studio.web.server import Server
    except ImportError:
        raise BackendMissingError(
            "the studio needs a web framework; try: pip install 'spel[studio]'"
        ) from None
    from spel.studio.images import files
    from spel.studio.session import Session, default_folder

    address = "127.0.0.1" if host == "localhost" else host
    if host not in LOOPBACK:
        settings.say(
            f"warning: {host} can be reached from other machines, unencrypted; whoever reads the "
            "address with its token may see and change this session. To use the studio from "
            "elsewhere, keep 127.0.0.1 and forward the port: ssh -L PORT:127.0.0.1:PORT MACHINE"
        )
    session = Session(files(paths, roots), folder or default_folder(paths))
    server = Server(session, host=address, port=port)

    def ready() -> None:
        click.echo(server.url)
        settings.say(f"{len(session.images)} images; everything is saved in {session.folder}")
        if not no_browser and not _opened(server.url):
            settings.say("no browser opened; open the address above")
        settings.say("Press Ctrl-C to stop.")

    try:
        server.run(ready)
    finally:
        server.stop()


def _opened(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
