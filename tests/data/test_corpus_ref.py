"""Corpus references are written and read back alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.data.corpus_ref import CorpusRef, join_refs, split_refs
from emonet_bench.data.label_maps import protocol_name

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)
MAPS = st.one_of(
    st.just(""),
    NAMES,
    st.dictionaries(st.text(min_size=1), st.text(), min_size=1).map(lambda m: protocol_name(None, m)[1:]),
)


@given(st.lists(st.builds(CorpusRef, NAMES, NAMES, MAPS), min_size=1, max_size=4))
def test_what_is_joined_is_read_back_whatever_labels_a_map_holds(refs):
    assert split_refs(*join_refs(refs)) == tuple(refs)


def test_as_many_protocols_as_corpora_are_asked_for():
    with pytest.raises(ValueError, match="zip"):
        split_refs("a+b", "speakers")


def test_a_protocol_with_normalised_speakers_is_told_from_the_split_that_it_has():
    ref = CorpusRef.of("emodb", "folds5@speaker-normalised:4-class")
    assert (ref.split, ref.speaker_normalised, ref.label_map) == ("folds5", True, "4-class")
    assert ref.division == "folds5@speaker-normalised:4-class"
    assert not CorpusRef.of("emodb", "folds5").speaker_normalised
    assert split_refs(*join_refs([ref, CorpusRef("b", "loso")])) == (ref, CorpusRef("b", "loso"))
