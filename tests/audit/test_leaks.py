import numpy as np
import pytest
import soxr
from emonet_corpora.voice import RATE

from emonet_bench import audit
from emonet_bench.audit.leaks import divisions
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.data.partitions import assign
from emonet_bench.types import SplitRule, Utterance
from tests.audit.planted import sound


def test_a_clip_under_another_name_is_found_in_test(planted):
    planted.write("9.wav", sound(2))
    (finding,) = planted.found("identical")[:1]
    assert (finding.level, finding.clips) == ("leak", ("2.wav = 9.wav",))
    assert audit.verdict(planted.findings()) == "leaking"
    assert planted.found("near-duplicates") == []  # told once


def test_a_clip_twice_in_train_with_two_labels_is_a_warning(planted):
    planted.write("1.wav", sound(0))
    findings = planted.found("identical")
    assert [finding.level for finding in findings] == ["warning", "warning"]
    assert "within a partition" in findings[0].message
    assert "different labels" in findings[1].message


@pytest.mark.parametrize(
    "copy",
    ["mp3", "ogg", "resampled", "quieter", "noisy", "cut"],
)
def test_a_copy_in_another_coding_is_found(planted, copy):
    source = sound(2)
    name = f"9.{copy}" if copy in ("mp3", "ogg") else "9.wav"
    planted.rows[name] = planted.rows.pop("9.wav")
    if copy in ("mp3", "ogg"):
        planted.write(name, source)
    elif copy == "resampled":
        planted.write(name, soxr.resample(source, RATE, 22_050), 22_050)
    else:
        noise = 0.003 * np.random.default_rng(0).standard_normal(len(source))
        changed = {"quieter": 0.2 * source, "noisy": source + noise, "cut": source[round(0.35 * RATE) :]}
        planted.write(name, changed[copy])
    assert planted.found("identical") == []
    finding = planted.found("near-duplicates")[0]
    assert finding.level == "leak"
    assert finding.clips == (f"2.wav = {name}",)


@pytest.mark.parametrize(
    ("row", "level", "message"),
    [
        ("9.wav", "leak", "train and test share 1 speaker: train1"),
        ("6.wav", "warning", "train and dev share 1 speaker: train1"),
    ],
)
def test_a_speaker_in_two_partitions_is_found(planted, row, level, message):
    planted.rows[row]["speaker"] = "train1"
    (finding,) = planted.found("speakers")
    assert (finding.level, finding.message) == (level, message)


def test_overlaps_agree_with_sets_in_every_fold():
    draw = np.random.default_rng(1)
    utterances = [
        Utterance(str(n), None, "a", speaker=f"s{n % 10}", session=f"r{draw.integers(4)}", text=f"t{n % 7}")
        for n in range(60)
    ]
    rule = SplitRule(folds=5)
    expected = set()
    for fold in range(5):
        parts = assign(utterances, rule, fold)
        for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
            for key in ("speaker", "session", "text"):
                here, there = (
                    {getattr(u, key) for u, p in zip(utterances, parts, strict=True) if p == x} for x in (one, other)
                )
                expected |= {(f"{key}s", one, other)} if here & there else set()
    found = audit.overlaps(utterances, rule, divisions(utterances, rule))
    assert {(finding.check, *finding.message.split(" share ")[0].split(" and ")) for finding in found} == expected
    assert {check for check, *_ in expected} == {"sessions", "texts"}


def test_the_quick_audit_needs_the_open_corpus_alone(planted, tmp_path):
    planted.write("9.wav", sound(2))
    planted.rows["6.wav"]["speaker"] = "train1"
    planted.rows["5.wav"]["speaker"] = ""
    findings = audit.quick(open_corpus(planted.load(), None, RATE, tmp_path / "cache"))
    assert {(finding.check, finding.level) for finding in findings} == {
        ("speakers", "warning"),  # train and dev
        ("speakers", "unknown"),
        ("identical", "leak"),
        ("identical", "warning"),  # the labels differ, too
    }
