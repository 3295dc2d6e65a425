"""``spel serve``: a network on a port, for programs on this machine or in a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spel.cli.image_options import max_pixels_option
from spel.cli.options import Settings, shared
from spel.cli.worker_options import workers_option


@click.command("serve")
@click.argument("net", metavar="NET")
@click.option("--port", type=click.IntRange(0, 65535), default=8000)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--token", help="Token that clients must send. [default on this machine only: none]")
@click.option("--no-token", is_flag=True, help="Serve other machines without a token.")
@workers_option
@click.option(
    "--queue",
    type=click.IntRange(0, 10_000),
    default=16,
    help="Images that may wait for a process; more are refused with 503.",
)
@click.option(
    "--max-upload",
    type=click.IntRange(1, 1 << 20),
    metavar="MB",
    default=200,
    help="Refuse larger files.",
)
@max_pixels_option
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, 1e6, min_open=True),
    default=30.0,
    help="Longest time for one image.",
)
@click.option(
    "--max-memory",
    type=click.IntRange(64, 1 << 23),
    metavar="MB",
    default=4096,
    help="Largest memory for one image.",
)
@shared
def command(net: str, settings: Settings, **options: Any) -> None:
    """Serve a network or a classifier: POST an image, get COCO JSON, a mask, features or a class.

    \b
      curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8000/

    What the model makes decides the answer; the paths /detect, /segment, /features and /classify,
    and the header Accept, choose among what it can. GET / describes the service, /health says
    whether it works, and /metrics gives figures for Prometheus. SIGTERM and Ctrl-C stop it when
    all accepted images are answered. Other machines are served only with --host, and then with a
    token, which clients send as "Authorization: Bearer TOKEN".
    """
    from spel.io.image.header import MAX_PIXELS
    from spel.serve.app import Limits, Service
    from spel.serve.server import Server
    from spel.serve.workers import MIB, Workers

    token = _token(options)
    model = _model(net)
    limits = Limits(
        options["max_upload"] * MIB,
        options["max_pixels"] or MAX_PIXELS,
        options["max_seconds"],
        options["max_memory"] * MIB,
    )
    workers = Workers(
        model, count=options["workers"], queue=options["queue"], seconds=limits.seconds,
        memory=limits.memory,
    )  # fmt: skip
    threads = settings.threads_of_each(options["workers"])
    service = Service(model, Path(net).name, limits, workers, threads)
    server = Server(
        service, host=options["host"], port=options["port"], token=token,
        log=lambda line: settings.say(line, level=1),
    )  # fmt: skip

    def ready() -> None:
        click.echo(server.address)
        paths = ", ".join(path for path in service.paths if path != "/")
        settings.say(f"POST an image to / ({paths}); stop with Ctrl-C or SIGTERM")

    try:
        server.run(ready)
    finally:
        server.close()


def _token(options: dict[str, Any]) -> str | None:
    from spel.http.connections import is_this_machine

    token: str | None = options["token"]
    host = options["host"]
    if token and options["no_token"]:
        raise click.UsageError("--token and --no-token exclude each other")
    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable()):
        raise click.UsageError("--token: expected at least 16 printable ASCII characters")
    if not is_this_machine(host) and token is None and not options["no_token"]:
        raise click.UsageError(
            f"{host} can be reached from other machines: give --token (or SPEL_SERVE_TOKEN), or "
            "--no-token if everyone who reaches it may use it"
        )
    return token


def _model(net: str) -> Any:
    """The network, or the classifier that `spel fit` wrote."""
    from spel.cli.networks import network
    from spel.errors import FormatError

    try:
        return network(net)
    except FormatError as error:
        from spel.sklearn import load

        try:
            return load(net)
        except FormatError:
            raise error from None
