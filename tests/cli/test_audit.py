"""``corpora audit``: how a corpus, its cache and the other corpora at hand are listened to, and what is printed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from emonet_bench.audit import Finding
from emonet_bench.cli.audit import Audit, audited, show_findings
from emonet_bench.data.coverage import Coverage
from emonet_bench.directories import cache_directory
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import PARTITIONS


def write(path, seed):
    """Half a second of noise."""
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, 8000), 16_000)


@pytest.fixture
def corpora(tmp_path, monkeypatch):
    """The folders of two corpora of other sounds, in a corpora directory and with a cache of their own."""
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    for first, name in ((0, "one"), (12, "two")):
        folder = tmp_path / "corpora" / name
        folder.mkdir(parents=True)
        lines = ["file,label,partition,speaker"]
        for number in range(12):
            part = PARTITIONS[number % 3]
            write(folder / f"{number}.wav", first + number)
            lines.append(f"{number}.wav,{'ab'[number // 3 % 2]},{part},{part}{number // 6}")
        (folder / "utterances.csv").write_text("\n".join(lines))
    return tmp_path / "corpora"


@pytest.fixture
def audit(corpora):
    def done(name="one", protocol=None):
        return audited(Plugins(Selection(names=("corpora",), corpora_dir=corpora)), name, protocol)

    return done


def test_other_corpora_of_other_sounds_are_no_finding(audit):
    found = audit()
    assert (found.protocol, found.coverage.found) == ("own", 12)
    assert [finding for finding in found.findings if finding.check in ("cache", "overlap", "identical")] == []
    assert found.verdict in ("clean", "warnings")


def test_a_clip_of_another_corpus_is_found_and_named(corpora, audit):
    write(corpora / "two" / "3.wav", 5)  # as one/5.wav
    told = [f"{finding.message} {finding.clips}" for finding in audit().findings]
    (line,) = (line for line in told if "two" in line)
    assert "two: 3.wav" in line
    assert "5.wav" in line


def test_another_corpus_that_cannot_be_read_costs_nothing(corpora, audit):
    (corpora / "two" / "3.wav").unlink()
    assert audit().coverage.found == 12


def test_a_damaged_store_of_this_corpus_is_a_warning(audit):
    audit("two")  # for which this one is decoded
    (store,) = (path for path in cache_directory().rglob("one-*") if path.is_dir())
    for file in store.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (found,) = (finding for finding in audit("one").findings if finding.check == "cache")
    assert found.level == "warning"
    assert found.message.startswith(f"{store} is damaged")


def test_findings_are_printed_for_people_with_their_clips(capsys):
    found = Audit("own", Coverage(12), [Finding("texts", "leak", "one text [b]twice[/b]", ("a.wav", "b.wav"))])
    show_findings("mine", found, as_json=False)
    told = capsys.readouterr().out
    assert "one text [b]twice[/b]" in told
    assert "a.wav" in told
    assert told.splitlines()[-1].startswith("mine, protocol own, 12")
    assert told.splitlines()[-1].endswith(": leaking")


def test_findings_are_printed_for_programs_as_they_are(capsys):
    found = Audit("own", Coverage(12, expected=13), [Finding("clips", "unknown", "怒り", ("a",))])
    show_findings("mine", found, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == [{"check": "clips", "level": "unknown", "message": "怒り", "clips": ["a"]}]
    assert [told[name] for name in ("corpus", "protocol", "clips", "verdict")] == ["mine", "own", 12, "incomplete"]
    assert told["coverage"]["expected"] == 13
