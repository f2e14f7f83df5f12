"""Consensus rules of votes."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emonet_bench.data.consensus import all_above_chance, consensus

VOTES = st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 9), min_size=1)


@pytest.mark.parametrize(
    ("votes", "majority", "plurality"),
    [
        ({"A": 3, "B": 2}, "A", "A"),
        ({"A": 2, "B": 1, "C": 1}, None, "A"),
        ({"A": 2, "B": 2}, None, None),
        ({"A": 0}, None, None),
        ({}, None, None),
    ],
)
def test_a_majority_is_more_than_half_and_a_plurality_more_than_any_other(votes, majority, plurality):
    assert consensus(votes, "majority") == majority
    assert consensus(votes, "plurality") == plurality


@settings(deadline=None)  # the first example imports
@given(VOTES)
def test_whoever_has_the_majority_is_the_plurality_too(votes):
    listed = list(Counter(votes).elements())
    agreed = consensus(votes, "majority")
    assert agreed is None or (consensus(votes, "plurality") == agreed and 2 * listed.count(agreed) > len(listed))


@settings(deadline=None)  # the first example imports
@given(VOTES)
def test_the_set_of_all_labels_is_above_one_in_as_many_classes(votes):
    listed = list(Counter(votes).elements())
    expected = {label for label in votes if listed and listed.count(label) / len(listed) > 0.25}
    assert all_above_chance(votes, 4) == expected
