"""Fixtures that every test may use, and what keeps tests off the user's own files."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before torch is imported by whichever test comes first; child processes inherit it.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_finish():
    """Take what was imported out of the collector's sight: it stays, and would be walked again and again."""
    gc.collect()
    gc.freeze()


def directory_from(variable: str) -> Path:
    """Return the directory that an environment variable names, or skip the test and say why."""
    if variable not in os.environ:
        pytest.skip(f"{variable} is not set")
    named = Path(os.environ[variable]).resolve()
    if not named.is_dir():
        pytest.skip(f"{variable}: {named} is no directory")
    return named


@pytest.fixture(scope="session")
def corpora_dir() -> Path:
    """The directory with one folder of real speech for each corpus."""
    return directory_from("EMONET_BENCH_CORPORA_DIR")


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The directory with inputs, weights and outputs of the original EmoNet network."""
    return directory_from("EMONET_BENCH_GOLDEN_DIR")


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the session's own, and an empty configuration."""
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("EMONET_BENCH_CACHE_DIR", str(cache))
        patch.setenv("EMONET_BENCH_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        yield cache
