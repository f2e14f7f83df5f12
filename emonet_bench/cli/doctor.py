"""``emonet-bench doctor``: what this machine has, what is wrong with it, and what to do about it."""

from __future__ import annotations

import importlib
import platform
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import rich_click as click

from emonet_bench import __version__
from emonet_bench.console.streams import say
from emonet_bench.directories import cache_directory
from emonet_bench.errors import EmonetBenchError
from emonet_bench.plugins.loading import Plugins, Selection, corpora_config

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-rocm", "onnxruntime-openvino")
_MINIMUM_FREE = 1 << 30
"""Bytes that should be free for the audio of the corpora."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        what: What it is.
        state: What it is like.
        remedy: What to do about it where it is wrong, else None.
    """

    what: str
    state: str
    remedy: str | None = None


@click.command()
@click.pass_context
def doctor(ctx: click.RichContext, /) -> None:
    """Check versions, devices, plugins, corpora and the cache; the exit status is 1 where something is wrong."""
    wrong = 0
    for finding in examine(ctx.obj or Selection()):
        mark = click.style("x", fg="red", bold=True) if finding.remedy else click.style("✓", fg="green")
        say(f"{finding.what}: {finding.state}", before=mark)
        if finding.remedy:
            wrong += 1
            say(f"    {finding.remedy}")
    if wrong:
        say(f"\n{wrong} of these {'needs' if wrong == 1 else 'need'} attention.")
        ctx.exit(1)


def examine(selection: Selection) -> Iterator[Diagnosis]:
    """Look at everything, one finding at a time.

    Args:
        selection: Which plugins to load, and where corpora lie.
    """
    yield Diagnosis("emonet-bench", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield from _survived("torch", _torch)
    yield from _survived("onnxruntime", _onnxruntime)
    yield from _survived("plugins", lambda: _plugins(selection))
    yield from _survived("cache", _cache)


def _survived(what: str, look: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    """Go on to what is looked at next, whatever is raised here: odd machines are what the command is for."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - see above
        yield Diagnosis(what, _one_line(error), "Mend this first; the rest of it could not be looked at.")


def _torch() -> Iterator[Diagnosis]:
    for name in ("torch", "torchaudio"):
        try:
            yield Diagnosis(name, importlib.import_module(name).__version__)
        except (ImportError, OSError) as error:
            remedy = "Reinstall the pair that emonet-bench asks for: pip install --force-reinstall emonet-bench"
            yield Diagnosis(name, _one_line(error), remedy)
            return
    import torch  # noqa: PLC0415 - only this command needs it

    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            yield Diagnosis(f"cuda:{index}", f"{device.name}, {device.total_memory / 2**30:.0f} GiB")
    elif shutil.which("nvidia-smi"):
        remedy = f"Update the NVIDIA driver: this torch was built for CUDA {torch.version.cuda}."
        yield Diagnosis("cuda", "there is a driver, but torch sees no device", remedy)
    else:
        yield Diagnosis("cuda", f"no device; cells run on the CPU, {torch.get_num_threads()} cores")


def _onnxruntime() -> Iterator[Diagnosis]:
    installed = [f"{name} {found}" for name in _RUNTIMES if (found := _version(name))]
    if len(installed) > 1:
        names = " ".join(line.split()[0] for line in installed)
        remedy = f"They overwrite each other. pip uninstall {names}; then pip install one of them."
        yield Diagnosis("onnxruntime", " and ".join(installed), remedy)
        return
    try:
        providers = importlib.import_module("onnxruntime").get_available_providers()
    except (ImportError, AttributeError) as error:
        yield Diagnosis("onnxruntime", _one_line(error), "pip install --force-reinstall emonet-bench")
        return
    offered = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    yield Diagnosis("onnxruntime", f"{' '.join(installed)}, offers {offered}")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _plugins(selection: Selection) -> Iterator[Diagnosis]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            plugins = Plugins(replace(selection, strict=False))
        except EmonetBenchError as error:
            yield Diagnosis("plugins", str(error), "No command works until this is mended.")
            return
    yield Diagnosis("plugins", ", ".join(origin.name for origin in plugins.working) or "none")
    for origin in plugins.origins:
        if origin.broken:
            yield Diagnosis(f"plugin {origin}", origin.broken, "Mend or uninstall it; the others work without it.")
    yield from _corpora(plugins)


def _corpora(plugins: Plugins) -> Iterator[Diagnosis]:
    directory = corpora_config(plugins.selection).directory
    if directory is not None and not directory.is_dir():
        remedy = "Name an existing directory with --corpora-dir or EMONET_BENCH_CORPORA_DIR."
        yield Diagnosis("corpora", f"{directory} is no directory", remedy)
        return
    found = [corpus.name for corpus in plugins.corpora.values() if corpus.synthetic or _loads(corpus.load)]
    where = directory or "no directory named; --corpora-dir or EMONET_BENCH_CORPORA_DIR names one"
    yield Diagnosis("corpora", f"{len(found)} of {len(plugins.corpora)} at hand: {', '.join(found)} ({where})")


def _loads(load: Callable[[], object]) -> bool:
    try:
        load()
    except Exception:  # noqa: BLE001 - 'corpora list' tells more; here it is not at hand
        return False
    return True


def _cache() -> Iterator[Diagnosis]:
    directory = cache_directory()
    remedy = "Name a directory on a disk with space that you may write to with EMONET_BENCH_CACHE_DIR."
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            free = shutil.disk_usage(directory).free
    except OSError as error:
        yield Diagnosis("cache", f"{directory} cannot be written ({error.strerror})", remedy)
        return
    state = f"{directory}, {free / 2**30:.0f} GiB free"
    yield Diagnosis("cache", state, remedy if free < _MINIMUM_FREE else None)
    from emonet_bench.audio import damaged_stores  # noqa: PLC0415 - NumPy for this check only

    for store in damaged_stores(directory):
        yield Diagnosis("cache", f"{store.name} is damaged", "It is built again when it is next used; check the disk.")


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
