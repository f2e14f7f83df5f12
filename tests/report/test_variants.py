"""Variants: what a search has chosen tells no runs apart; everything else does."""

import pytest

from emonet_bench.report.variants import architecture_name, variant
from emonet_bench.runs.search import Search
from tests.matrix.test_scheduler import cell

SPEC = cell("a").spec.model_copy(update={"architecture_options": {"width": 3, "depth": 1}})


def searched(*keys):
    return SPEC.model_copy(update={"search": Search(space={key: [1, 2] for key in keys})})


@pytest.mark.parametrize("key", ["options.a.width", "training.epochs"])
def test_a_searched_option_is_left_out(key):
    plain, tuned = variant(SPEC, None), variant(searched(key), None)
    missing = {"options.a.width": "architecture.width"}.get(key, key)
    assert plain.keys() - tuned.keys() == {missing}
    assert tuned.keys() - plain.keys() == {"search"}


def test_where_the_architecture_was_searched_all_of_them_are_named():
    spec = SPEC.model_copy(update={"search": Search(space={"architecture": ["a", "b"]})})
    assert architecture_name(spec) == "a/b"
    assert architecture_name(SPEC) == "a"
    assert not [key for key in variant(spec, None) if key.startswith("architecture.")]
