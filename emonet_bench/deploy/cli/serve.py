"""``emonet-predict serve``: exported models over HTTP and WebSocket, with a page to try them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emonet_bench.console.paths import PathParam
from emonet_bench.deploy.cli import options
from emonet_bench.deploy.serving import Limits, Settings, read_keys

if TYPE_CHECKING:
    from emonet_bench.deploy.providers import Providers

_LIMITS = {
    "--max-body": ("body_bytes", "BYTES", "Largest body of a request."),
    "--max-seconds": ("audio_seconds", "S", "Longest audio of a request."),
    "--max-requests": ("requests", "N", "Requests at once; one more gets 503."),
    "--max-streams": ("streams", "N", "Streams at once."),
    "--max-stream-seconds": ("stream_seconds", "S", "Longest audio of a stream."),
    "--max-batch": ("batch", "N", "Most stretches in one call of onnxruntime."),
    "--timeout": ("request_seconds", "S", "Longest time of a request."),
    "--idle": ("idle_seconds", "S", "Longest silence of a stream's client."),
}
"""Options, each with the field of ``Limits`` that it sets, whose default and type are the option's."""

Command = TypeVar("Command", bound=Callable[..., Any])


def limits(command: Command) -> Command:
    """Give a command the options of ``Limits``."""
    for flag, (name, metavar, told) in reversed(_LIMITS.items()):
        default = getattr(Limits, name)
        kind = click.IntRange(1) if isinstance(default, int) else click.FLOAT
        option = click.option(flag, name, type=kind, default=default, show_default=True, metavar=metavar, help=told)
        command = option(command)
    return command


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", type=PathParam())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0: any free one.")
@click.option(
    "--api-key-file",
    type=PathParam(),
    metavar="FILE",
    help="Keys, one a line; each request must bring one.",
)
@click.option(
    "--cors-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web origin whose pages may call the server. Repeatable.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name the server goes by; others are refused [on loopback: localhost]. Repeatable.",
)
@options.jobs
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes; limits, jobs and metrics count for each.",
)
@options.providers
@limits
@options.abstain
def serve(
    models: tuple[Path, ...],
    host: str,
    port: int,
    api_key_file: Path | None,
    origins: tuple[str, ...],
    hosts: tuple[str, ...],
    jobs: int | None,
    workers: int,
    providers: Providers,
    *,
    abstain: bool,
    **given: Any,
) -> None:
    """Serve MODELs, files that `emonet-bench export` wrote, over HTTP and WebSocket, with a page at /.

    The server listens on this machine alone unless --host says otherwise; then give it an --api-key-file, and put a
    proxy with TLS before it. Nothing of a request is written to the disk. SIGTERM lets it finish what runs.
    """
    from emonet_bench.deploy.serving import serve as run  # noqa: PLC0415 - needs the extra
    from emonet_bench.deploy.serving.server import LOOPBACK, is_loopback  # noqa: PLC0415

    keys = () if api_key_file is None else read_keys(api_key_file)
    local = is_loopback(host)
    if not local:
        told = "each must bring a key" if keys else "anybody who reaches it may use it; add --api-key-file"
        click.echo(f"Warning: --host {host}: requests come from other machines, unencrypted, and {told}", err=True)
    names = (*hosts, *LOOPBACK) if local or hosts else ()
    run(
        Settings(models, providers, jobs, Limits(**given), keys, origins, names, abstain),
        host,
        port,
        workers=workers,
        started=lambda address: click.echo(f"Serving {', '.join(path.name for path in models)} at {address}", err=True),
    )
