"""The audit finds planted faults, each in a test of its own, and nothing where there is nothing."""

import numpy as np
import pytest
import soundfile
import soxr
from emonet_corpora.voice import RATE

from emonet_bench import audit
from emonet_bench.audio import open_store
from emonet_bench.audit import fingerprints
from emonet_bench.data.partitions import assign
from emonet_bench.data.tables import read_directory
from emonet_bench.errors import AudioError, CorpusError
from emonet_bench.types import PARTITIONS, SplitRule


def sound(seed, seconds=2.0, rate=RATE):
    """Pulses of changing pitch through two resonances that move, and breath: as rich and as varied as speech."""
    draw = np.random.default_rng(seed)
    count, knots = round(seconds * rate), np.linspace(0, 1, 9)
    track = lambda low, high: np.interp(np.linspace(0, 1, count), knots, draw.uniform(low, high, 9))  # noqa: E731
    phase = np.cumsum(track(90, 250)) / rate
    source = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 30)) + 0.3 * draw.standard_normal(count)
    formants = sum(source * np.sin(2 * np.pi * np.cumsum(track(*span)) / rate) for span in ((200, 900), (900, 2500)))
    samples = formants * track(0.05, 1.0)
    return 0.4 * samples / np.abs(samples).max()


class Planted:
    """A clean corpus of four clips in each partition; faults are planted by writing over files and rows."""

    def __init__(self, folder):
        self.folder = folder
        self.rows = {}
        for number, part in enumerate(part for part in PARTITIONS for _ in range(4)):
            self.rows[f"{number}.wav"] = {
                "label": "ab"[number % 2],
                "partition": part,
                "speaker": f"{part}{number % 4 // 2}",
            }
            self.write(f"{number}.wav", sound(number))

    def write(self, name, samples, rate=RATE, **options):
        soundfile.write(self.folder / name, samples, rate, **options)

    def load(self):
        lines = [",".join([name, *row.values()]) for name, row in self.rows.items()]
        table = "\n".join(["file,label,partition,speaker", *lines, ""])
        (self.folder / "utterances.csv").write_text(table, encoding="utf-8")
        return read_directory("planted", self.folder, self.folder)

    def findings(self, others=None):
        corpus = self.load()
        utterances = corpus.load()
        return audit.whole(corpus, utterances, SplitRule(), audit.all_clip_stats(utterances), others or {})

    def found(self, check):
        return [finding for finding in self.findings() if finding.check == check]


@pytest.fixture
def planted(tmp_path):
    return Planted(tmp_path)


def test_nothing_is_found_where_there_is_nothing(planted):
    assert planted.findings() == []
    assert audit.verdict([]) == "clean"


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


def test_a_truncated_file_is_found_and_the_rest_is_audited(planted):
    path = planted.folder / "5.wav"
    path.write_bytes(path.read_bytes()[:20_000])
    planted.write("9.wav", sound(2))
    finding = planted.found("bad files")[0]
    assert finding.clips == ("5.wav: truncated: holds less audio than its header says",)
    assert planted.found("identical")[0].level == "leak"


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_an_8_khz_clip_at_a_higher_rate_is_found(planted, rate):
    planted.write("5.wav", soxr.resample(soxr.resample(sound(5), RATE, 8_000), 8_000, rate), rate)
    (finding,) = planted.found("bandwidth")
    assert finding.clips == ("5.wav",)


def test_clipping_offset_and_silence_are_found(planted):
    planted.write("1.wav", np.clip(9 * sound(1), -1, 1))
    planted.write("2.wav", sound(2) + 0.05)
    planted.write("3.wav", np.concatenate([sound(3, 1.0), np.zeros(2 * RATE)]))
    found = {finding.check: finding.clips for finding in planted.findings()}
    assert found == {"clipping": ("1.wav",), "offset": ("2.wav",), "silence": ("3.wav",)}


def test_audio_in_another_corpus_is_found(planted):
    digest = audit.clip_stats(planted.load().load()[3]).digest
    (finding,) = planted.findings({digest: "other: x"})
    assert (finding.check, finding.clips) == ("identical", ("3.wav = other: x",))


def test_labels_that_look_alike_and_labels_that_are_missing_are_found(planted):
    planted.rows["8.wav"]["label"] = planted.rows["10.wav"]["label"] = "anger"
    planted.rows["0.wav"]["label"] = "Angre"
    messages = [finding.message for finding in planted.findings()]
    assert "the labels 'Angre' and 'anger' look like one" in messages
    assert "test has no Angre, a" in messages


def test_counts_are_held_against_what_is_expected(planted):
    from dataclasses import replace

    corpus = replace(planted.load(), clips=13, facts={"speakers": "7"}, fingerprint="0" * 16)
    utterances = corpus.load()
    findings = audit.whole(corpus, utterances, SplitRule(), audit.all_clip_stats(utterances), {})
    assert [finding.check for finding in findings] == ["counts", "counts", "content"]
    store = open_store("planted", utterances, 16_000, planted.folder)
    assert store.fingerprint in findings[-1].message


def test_the_quick_audit_needs_the_store_alone(planted):
    planted.write("9.wav", sound(2))
    planted.rows["6.wav"]["speaker"] = "train1"
    utterances = planted.load().load()
    findings = audit.quick(utterances, SplitRule(), open_store("planted", utterances, 16_000, planted.folder))
    assert {(finding.check, finding.level) for finding in findings} == {
        ("speakers", "warning"),  # train and dev
        ("identical", "leak"),
        ("identical", "warning"),  # the labels differ, too
    }
    with pytest.raises(CorpusError, match="corpus planted: protocol 'own' leaks: 1 groups"):
        audit.refuse_leaks("planted", "own", findings)


def test_overlaps_agree_with_sets_in_every_fold():
    from emonet_bench.types import Utterance

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
    from emonet_bench.audit.leaks import divisions

    found = audit.overlaps(utterances, rule, divisions(utterances, rule))
    assert {(finding.check, *finding.message.split(" share ")[0].split(" and ")) for finding in found} == expected
    assert {check for check, *_ in expected} == {"sessions", "texts"}


def test_fingerprints_of_different_sounds_differ_in_nearly_half_of_their_bits():
    prints = [fingerprints.fingerprint(sound(seed).astype(np.float32), RATE) for seed in range(30)]
    assert fingerprints.same(prints) == {}
    rates = [np.unpackbits((prints[i] ^ prints[j]).view(np.uint8)).mean() for i in range(30) for j in range(i)]
    assert 0.4 < np.mean(rates) < 0.55
    assert min(rates) > 2 * fingerprints.MOST_ERRORS


def test_a_clip_too_short_to_tell_is_no_duplicate():
    short = [fingerprints.fingerprint(sound(1, 0.05).astype(np.float32), RATE) for _ in range(2)]
    empty = fingerprints.fingerprint(np.ones(1, np.float32), RATE)
    assert fingerprints.same([*short, empty]) == {}
    assert len(empty) <= 1


def test_a_file_that_cannot_be_read_is_returned_not_raised(planted):
    utterance = planted.load().load()[0]
    utterance.file.write_bytes(b"")
    assert isinstance(audit.clip_stats(utterance), AudioError)
