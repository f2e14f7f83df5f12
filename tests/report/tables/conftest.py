"""A results directory, to be filled."""

import pytest

from tests.written import Results


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results")
