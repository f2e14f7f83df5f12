from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut

from emonet_bench.data.partitions import assign, folds, limit, protocol_id, turns
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import SplitRule, Target, Utterance

LABELS = ("anger", "neutral")
TARGET = Target("label", "label", LABELS)


def clips(speakers, count=3, labels=LABELS):
    keys = product(speakers, labels, range(count))
    return [Utterance(f"{s}-{label}-{i}", Path("x"), label, speaker=s, text=str(i)) for s, label, i in keys]


def groups(utterances, partitions, wanted):
    return {u.speaker for u, partition in zip(utterances, partitions, strict=True) if partition == wanted}


def test_fixed_groups_go_where_the_rule_says():
    utterances = clips("abc")
    rule = SplitRule(fixed={"train": ("a",), "dev": ("b",), "test": ("c",)})
    expected = [{"a": "train", "b": "dev", "c": "test"}[u.speaker] for u in utterances]
    assert assign(utterances, rule, None) == expected
    assert folds(utterances, rule) == [None]


def test_utterances_may_say_their_own_partition():
    own = ["test", "train", "dev", "train"]
    utterances = [replace(u, partition=p) for u, p in zip(clips("ab", 1), own, strict=True)]
    assert assign(utterances, SplitRule(), None) == own


def test_leaving_one_speaker_out_agrees_with_scikit_learn():
    utterances = clips("dbca")
    rule = SplitRule(folds="each", dev_groups=2)
    oracle = LeaveOneGroupOut().split(utterances, groups=[u.speaker for u in utterances])
    for fold, (_, test) in zip(folds(utterances, rule), oracle, strict=True):
        partitions = assign(utterances, rule, fold)
        assert [i for i, partition in enumerate(partitions) if partition == "test"] == test.tolist()


def test_dev_groups_follow_the_test_group_cyclically():
    utterances = clips("abcd")
    rule = SplitRule(folds="each", dev_groups=2)
    assert [sorted(groups(utterances, assign(utterances, rule, k), "dev")) for k in range(4)] == [
        ["b", "c"],
        ["c", "d"],
        ["a", "d"],
        ["a", "b"],
    ]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=5, max_size=30),
    count=st.integers(3, 5),
    seed=st.integers(0, 3),
)
def test_group_folds_test_every_clip_once_and_never_share_a_group(sizes, count, seed):
    utterances = [u for n, size in enumerate(sizes) for u in clips([f"s{n}"], size)]
    rule = SplitRule(folds=count, seed=seed)
    tested = Counter()
    for fold in folds(utterances, rule):
        partitions = assign(utterances, rule, fold)
        parts = [groups(utterances, partitions, wanted) for wanted in ("train", "dev", "test")]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(sizes)
        tested.update(u.name for u, p in zip(utterances, partitions, strict=True) if p == "test")
        following = assign(utterances, rule, (fold + 1) % count)
        assert parts[1] == groups(utterances, following, "test")
    assert set(tested.values()) == {1}
    assert len(tested) == len(utterances)


def test_equal_groups_are_dealt_evenly_and_by_seed():
    utterances = clips([f"s{n:02}" for n in range(15)])
    first, other = SplitRule(folds=5), SplitRule(folds=5, seed=1)
    tests = [groups(utterances, assign(utterances, first, k), "test") for k in range(5)]
    assert [len(test) for test in tests] == [3] * 5
    assert tests != [groups(utterances, assign(utterances, other, k), "test") for k in range(5)]


def test_the_deal_of_group_folds_is_pinned():
    utterances = clips([f"s{n}" for n in range(6)])
    tests = [groups(utterances, assign(utterances, SplitRule(folds=3), k), "test") for k in range(3)]
    assert tests == [{"s0", "s4"}, {"s1", "s3"}, {"s2", "s5"}]  # SHA-256 orders them s0 s3 s5 s4 s1 s2


def test_group_folds_spread_labels_that_few_speakers_carry():
    angry = clips([f"a{n}" for n in range(3)], labels=("anger",))
    neutral = clips([f"n{n}" for n in range(3)], labels=("neutral",))
    for fold in range(3):
        partitions = assign(angry + neutral, SplitRule(folds=3), fold)
        labels = {u.label for u, p in zip(angry + neutral, partitions, strict=True) if p == "test"}
        assert labels == set(LABELS)


def test_the_order_of_utterances_changes_no_partition_and_no_protocol_id():
    utterances = clips("abcdef")
    rule = SplitRule(folds=3)
    assert assign(utterances, rule, 0) == assign(utterances[::-1], rule, 0)[::-1]
    assert protocol_id(TARGET, utterances, rule) == protocol_id(TARGET, utterances[::-1], rule)


def test_protocol_ids_tell_labels_partitions_folds_and_limits_apart():
    utterances = clips("abcd")
    fixed = SplitRule(fixed={"train": ("a", "b"), "dev": ("c",), "test": ("d",)})
    moved = SplitRule(fixed={"train": ("a", "c"), "dev": ("b",), "test": ("d",)})
    rules = [fixed, moved, SplitRule(folds="each"), SplitRule(folds="each", dev_groups=2)]
    ids = [protocol_id(TARGET, utterances, rule) for rule in rules]
    ids.append(protocol_id(Target("label", "label", LABELS[::-1]), utterances, fixed))
    ids.append(protocol_id(TARGET, utterances, fixed, limit=4))
    assert len(set(ids)) == 6
    assert all(len(identity) == 12 and int(identity, 16) >= 0 for identity in ids)


@pytest.mark.parametrize(
    ("rule", "fold", "error", "words"),
    [
        (SplitRule(folds=3), None, ConfigError, "choose one of 0 to 2"),
        (SplitRule(folds=3), 3, ConfigError, "fold 3"),
        (SplitRule(fixed={"train": ("a",)}), 0, ConfigError, "leave the fold out"),
        (SplitRule(fixed={"train": ("a", "b", "c")}), None, CorpusError, "'d'"),
        (SplitRule(fixed={"train": ("a", "b", "c", "d")}), None, CorpusError, "partition dev has no utterance"),
        (SplitRule(fixed={"train": ("a",), "dev": ("a",)}), None, ConfigError, "two partitions"),
        (SplitRule(), None, CorpusError, "a-anger-0"),
        (SplitRule(by="session", folds=3), 0, CorpusError, "session"),
        (SplitRule(folds=5), 0, CorpusError, "there are 4"),
        (SplitRule(folds=2), 0, CorpusError, "none to train"),
        (SplitRule(folds="each", dev_groups=3), 0, CorpusError, "none to train"),
    ],
)
def test_a_rule_that_does_not_fit_is_one_clear_error(rule, fold, error, words):
    with pytest.raises(error, match=words) as caught:
        assign(clips("abcd"), rule, fold)
    assert "\n" not in str(caught.value)


@given(st.lists(st.tuples(st.sampled_from(["train", "dev", "test"]), st.sampled_from("abc"))), st.integers(2, 6))
def test_a_limit_keeps_as_many_as_it_may_and_takes_labels_in_turn(rows, count):
    partitions, labels = [p for p, _ in rows], [label for _, label in rows]
    kept = limit(partitions, labels, count)
    assert kept == sorted(set(kept))
    for partition in ("train", "dev", "test"):
        here = Counter(label for p, label in rows if p == partition)
        taken = Counter(labels[i] for i in kept if partitions[i] == partition)
        assert taken.total() == min(count, here.total())
        most = max(taken.values(), default=0)
        assert all(taken[label] in {most, most - 1} or taken[label] == here[label] for label in here)


@pytest.mark.parametrize("count", [-1, 0])
def test_too_few_folds_are_one_line(count):
    with pytest.raises(ConfigError, match=f"{count} folds: a protocol needs three at least"):
        folds([], SplitRule(folds=count))


def voted(**votes):
    return [replace(clip, votes={"anger": 1.0, **votes}) for clip in clips("abc")]


def test_a_protocols_id_covers_what_utterances_say_of_another_target_than_the_label():
    rule = SplitRule(folds="each", target="votes")
    target = Target("votes", "votes", LABELS)
    ids = {protocol_id(target, voted(neutral=votes), rule) for votes in (1.0, 2.0)}
    ids |= {protocol_id(TARGET, voted(neutral=votes), SplitRule(folds="each")) for votes in (1.0, 2.0)}
    assert len(ids) == 3


def test_an_utterance_without_a_label_is_dealt_into_folds_as_if_that_were_one_more():
    utterances = [replace(clip, label=None if clip.label == "neutral" else clip.label) for clip in clips("abcdef")]
    rule = SplitRule(folds=3)
    expected = [assign(clips("abcdef"), rule, fold) for fold in range(3)]
    assert [assign(utterances, rule, fold) for fold in range(3)] == expected


def test_a_rule_may_name_the_groups_of_each_fold():
    utterances = clips("abcd")
    rule = SplitRule(folds=(("d", "b"), ("a",), ("c",)))
    assert folds(utterances, rule) == [0, 1, 2]
    divided = [assign(utterances, rule, k) for k in range(3)]
    assert [groups(utterances, one, "test") for one in divided] == [{"b", "d"}, {"a"}, {"c"}]
    assert [groups(utterances, one, "dev") for one in divided] == [{"a"}, {"c"}, {"b", "d"}]
    with pytest.raises(CorpusError, match="gives no fold to speaker 'e'"):
        assign(clips("abcde"), rule, 0)
    with pytest.raises(ConfigError, match="speaker 'a' stands in two folds: 0 and 1"):
        assign(utterances, SplitRule(folds=(("a",), ("a", "b"), ("c", "d"))), 0)


def test_a_limit_takes_targets_that_are_no_labels_in_turn_too():
    def clip(number, **said):
        return Utterance(str(number), Path("x"), None, **said)

    values = Target("affect", "values", ("arousal",), ((1.0, 7.0),))
    calm_first = [clip(i, values={"arousal": 1.0 + i}) for i in range(6)]
    assert limit(["train"] * 6, turns(calm_first, values), 4) == [0, 1, 3, 4]
    votes = Target("votes", "votes", LABELS)
    assert turns([clip(0, votes={"anger": 3, "neutral": 1}), clip(1, votes={"neutral": 2})], votes) == [0, 1]
    both = Target("labels", "label-set", LABELS)
    sets = [clip(0, labels=("anger",)), clip(1, labels=("neutral", "anger")), clip(2, labels=("anger",))]
    assert limit(["train"] * 3, turns(sets, both), 2) == [0, 1]
    assert turns(clips("a", count=1), TARGET) == list(LABELS)


def test_a_limit_of_a_target_that_is_no_label_has_a_protocol_id_of_its_own():
    values = Target("affect", "values", ("arousal",), ((1.0, 7.0),))
    rule = SplitRule(by="speaker", fixed={"train": ("0",), "dev": ("1",), "test": ("2",)})
    utterances = [Utterance(str(i), Path("x"), None, speaker=str(i), values={"arousal": 2.0}) for i in range(3)]
    assert protocol_id(values, utterances, rule) == "0a6b9e6251e7"
    assert (
        protocol_id(values, utterances, rule, limit=2) != "fd10f61ad9d2"
    )  # what it was when clips went by their order
