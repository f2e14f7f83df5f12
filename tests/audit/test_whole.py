"""The audit finds planted faults, each in a test of its own, and nothing where there is nothing."""

from dataclasses import replace

from emonet_bench import audit
from emonet_bench.audio import open_store
from emonet_bench.types import SplitRule
from tests.audit.planted import sound


def test_nothing_is_found_where_there_is_nothing(planted):
    assert planted.findings() == []
    assert audit.verdict([]) == "clean"


def test_a_truncated_file_is_found_and_the_rest_is_audited(planted):
    path = planted.folder / "5.wav"
    path.write_bytes(path.read_bytes()[:20_000])
    planted.write("9.wav", sound(2))
    finding = planted.found("bad files")[0]
    assert finding.clips == ("5.wav: truncated: holds less audio than its header says",)
    assert planted.found("identical")[0].level == "leak"


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
    corpus = replace(planted.load(), clips=13, facts={"speakers": "7"}, fingerprint="0" * 16)
    utterances = corpus.load()
    findings = audit.whole(corpus, utterances, SplitRule(), audit.all_clip_stats(utterances), {})
    assert [finding.check for finding in findings] == ["counts", "counts", "content"]
    store = open_store("planted", utterances, 16_000, planted.folder)
    assert store.fingerprint in findings[-1].message
