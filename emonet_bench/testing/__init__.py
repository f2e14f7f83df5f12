"""A pytest plugin for authors of plugins: kits that hold what they register to the contracts of docs/contracts.md.

In a plugin's ``conftest.py``::

    pytest_plugins = ["emonet_bench.testing"]

and in its tests::

    def test_my_architecture_keeps_its_contracts(check_architecture):
        check_architecture("mine", {"width": 4})
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emonet_bench.testing.architectures import check_architecture

__all__ = ["check_architecture"]


@pytest.fixture(name="check_architecture")
def _check_architecture() -> Callable[..., None]:
    """Give tests ``check_architecture`` without an import."""
    return check_architecture
