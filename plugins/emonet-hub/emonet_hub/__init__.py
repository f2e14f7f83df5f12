"""``emonet-bench hub``: exported models on the Hugging Face hub, pushed with their card and pulled by digest."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from emonet_bench import hookimpl
from emonet_bench.console.paths import PathParam


@hookimpl
def emonet_commands(cli: click.Group) -> None:
    """Add ``emonet-bench hub``."""
    cli.add_command(hub)


@click.group()
def hub() -> None:
    """Push exported models to the Hugging Face hub, and pull them.

    `hf auth login`, or the variable `HF_TOKEN`, says who you are; `HF_ENDPOINT` names another hub.
    """


@hub.command()
@click.argument("model", type=PathParam())
@click.argument("repo")
@click.option(
    "--card", type=PathParam(), metavar="DIR", help="What `emonet-bench card` measured [default: the model's .md]."
)
@click.option("--private", is_flag=True, help="Where the repository is new: only you, or your organisation, see it.")
@click.option("--revision", metavar="BRANCH", help="A branch that exists [default: main].")
@click.option("--allow-restricted", is_flag=True, help="Push although the corpus's licence restricts its use.")
def push(model: Path, repo: str, card: Path | None, revision: str | None, **flags: bool) -> None:
    """Push MODEL, an exported .onnx file, with its description and its card to the repository REPO, `OWNER/NAME`."""
    from emonet_hub.pushing import push as pushed  # noqa: PLC0415 - read when it is called

    private, restricted = flags["private"], flags["allow_restricted"]
    commit, digest = pushed(model, repo, card=card, private=private, revision=revision, restricted=restricted)
    click.echo(f"{model}: pushed to {repo}. Whoever wants this very file says:")
    click.echo(f"emonet-bench hub pull {repo}@{commit} --sha256 {digest}")


@hub.command()
@click.argument("repo")
@click.option(
    "-o", "--output", type=PathParam(), default=Path(), metavar="DIR", help="Where [default: this directory]."
)
@click.option("--sha256", metavar="DIGEST", help="Digest that the model must have.")
@click.option("--file", metavar="NAME", help="Which model, where the repository has several.")
def pull(repo: str, output: Path, sha256: str | None, file: str | None) -> None:
    """Pull an exported model from REPO, `OWNER/NAME` or `OWNER/NAME@REVISION`, and verify it.

    Nothing is left of one that is not the file that its description is of, or that says something else here than where
    it was exported.
    """
    from emonet_hub.pulling import pull as pulled  # noqa: PLC0415 - read when it is called

    package = pulled(repo, output, sha256, file)
    click.echo(f"{package.model}: SHA-256 {package.sha256}, says here what it said where it was exported")
    if package.restricted:
        terms = f"{package.corpus!r}, whose licence restricts its use: {package.licence!r}"
        click.echo(f"Note: the model was trained on {terms}", err=True)
