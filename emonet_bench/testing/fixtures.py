"""Pytest fixtures: the kits without an import."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emonet_bench import testing


@pytest.fixture
def check_corpus() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_corpus`` without an import."""
    return testing.check_corpus


@pytest.fixture
def check_architecture() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_architecture`` without an import."""
    return testing.check_architecture


@pytest.fixture
def check_strategy() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_strategy`` without an import."""
    return testing.check_strategy


@pytest.fixture
def check_executor() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_executor`` without an import."""
    return testing.check_executor


@pytest.fixture
def check_metric() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_metric`` without an import."""
    return testing.check_metric


@pytest.fixture
def check_hooks() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_hooks`` without an import."""
    return testing.check_hooks


@pytest.fixture
def check_loss() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_loss`` without an import."""
    return testing.check_loss


@pytest.fixture
def check_optimizer() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_optimizer`` without an import."""
    return testing.check_optimizer


@pytest.fixture
def check_augmentation() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_augmentation`` without an import."""
    return testing.check_augmentation


@pytest.fixture
def check_report() -> Callable[..., None]:
    """Give tests ``emonet_bench.testing.check_report`` without an import."""
    return testing.check_report
