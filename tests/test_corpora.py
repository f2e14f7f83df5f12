import csv
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from emonet_corpora import demo, emonet_corpora
from emonet_corpora.cards import corpus_from_card

from emonet_bench.audio import open_store
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.partitions import assign

DIRECTORY = os.environ.get("EMONET_BENCH_CORPORA_DIR")
CARD = Path(demo.__file__).parent / "cards" / "emodb.toml"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return {corpus.name: (corpus, corpus.load()) for corpus in demo.demo_corpora(cache)}


def corpora(directory, cache):
    return {corpus.name: corpus for corpus in emonet_corpora(CorporaConfig(directory, cache))}


def real(name, tmp_path):
    if not DIRECTORY or not (Path(DIRECTORY) / name).is_dir():
        pytest.skip(f"EMONET_BENCH_CORPORA_DIR has no folder {name}")
    return corpora(Path(DIRECTORY), tmp_path)[name]


def counts(utterances, partitions):
    found = {}
    for utterance, partition in zip(utterances, partitions, strict=True):
        found.setdefault(partition, Counter())[utterance.label] += 1
    return {partition: counter.total() for partition, counter in found.items()}


def test_emodb_is_read_as_its_documentation_says(tmp_path):
    corpus = real("emodb", tmp_path)
    utterances = corpus.load()
    with (Path(DIRECTORY) / "emodb" / "labels.csv").open(encoding="utf-8") as file:
        table = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
    assert len(utterances) == corpus.clips == len(table) == 535
    for utterance in utterances:
        row = table[utterance.name]
        assert (utterance.label, utterance.speaker, utterance.text) == (row["label"], row["speaker"], row["text_id"])
    assert corpus.labels == ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
    assert set(corpus.labels) == {row["label"] for row in table.values()}


def test_emodbs_default_protocol_has_the_clips_that_others_report(tmp_path):
    corpus = real("emodb", tmp_path)
    utterances = corpus.load()
    default, rule = next(iter(corpus.protocols.items()))
    assert default == "speakers"
    assert counts(utterances, assign(utterances, rule, None)) == {"train": 278, "dev": 130, "test": 127}


def test_emodbs_audio_is_the_pinned_one(tmp_path):
    corpus = real("emodb", tmp_path)
    store = open_store("emodb", corpus.load(), 16_000, tmp_path)
    assert store.fingerprint == corpus.fingerprint
    assert store.lengths.sum() / 16_000 == pytest.approx(1487.1, abs=0.05)


def test_names_do_not_depend_on_folders_or_formats(tmp_path):
    for number, file in enumerate(
        ["wav/03a01Fa.wav", "deep/er/03a01Nc.FLAC", "16b10Tb.ogg", "notes/03a01Fa.txt", "x03a01Wa.wav"]
    ):
        (tmp_path / "emodb" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "emodb" / file).write_text(str(number))
    found = corpora(tmp_path, tmp_path)["emodb"].load()
    assert [(u.name, u.label, u.speaker, u.text) for u in found] == [
        ("03a01Fa", "happiness", "03", "a01"),
        ("03a01Nc", "neutral", "03", "a01"),
        ("16b10Tb", "sadness", "16", "b10"),
    ]


@pytest.mark.parametrize("directory", [None, "nowhere"])
def test_absent_audio_is_an_error_with_a_remedy(tmp_path, directory):
    corpus = corpora(directory and tmp_path / directory, tmp_path)["emodb"]
    with pytest.raises(CorpusError, match=r"emodb\.bilderbar\.info.*--corpora-dir") as caught:
        corpus.load()
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_single_fitting_name_is_an_error(tmp_path):
    (tmp_path / "emodb").mkdir()
    (tmp_path / "emodb" / "a.wav").touch()
    with pytest.raises(CorpusError, match="no file under"):
        corpora(tmp_path, tmp_path)["emodb"].load()


def test_one_clip_in_two_formats_is_an_error_that_names_both(tmp_path):
    (tmp_path / "emodb").mkdir()
    for suffix in ("wav", "flac"):
        (tmp_path / "emodb" / f"03a01Fa.{suffix}").touch()
    with pytest.raises(CorpusError, match=r"03a01Fa\.(wav|flac) and .*03a01Fa\.(wav|flac)"):
        corpora(tmp_path, tmp_path)["emodb"].load()


def test_a_code_without_a_label_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "emodb").mkdir()
    (tmp_path / "emodb" / "03a01Xa.wav").touch()
    with pytest.raises(CorpusError, match=r"03a01Xa\.wav.*'X'"):
        corpora(tmp_path, tmp_path)["emodb"].load()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("clips = 535", "clip = 535", "did you mean 'clips'"),
        ("patterns = ['", "patterns = ['(", "not a regular expression"),
        ("(?P<label>[A-Z])", "[A-Z]", "needs a named group label"),
        ("(?P<text>", "(?P<sentence>", "no others"),
        ('dev = ["13", "14"]', "", "all of train, dev and test"),
        ('languages = ["de"]', 'languages = ["de', "not a TOML file"),
    ],
)
def test_a_faulty_card_is_one_line_that_names_it(tmp_path, old, new, words):
    content = CARD.read_text(encoding="utf-8")
    assert old in content
    (tmp_path / "mine.toml").write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        corpus_from_card(tmp_path / "mine.toml", None)
    assert str(caught.value).startswith(str(tmp_path / "mine.toml"))
    assert "\n" not in str(caught.value)


def test_every_corpus_tells_its_terms_and_starts_with_a_protocol_that_keeps_speakers_apart(tmp_path):
    for corpus in corpora(None, tmp_path).values():
        assert corpus.title, corpus.name
        assert corpus.licence, corpus.name
        assert corpus.citation.startswith("@"), corpus.name
        assert next(iter(corpus.protocols.values())).by == "speaker", corpus.name


@pytest.mark.parametrize("name", ["synthetic-acted", "synthetic-calls"])
def test_generated_speech_is_balanced_marked_and_the_same_everywhere(generated, tmp_path, name):
    corpus, utterances = generated[name]
    assert corpus.synthetic
    assert "ynthetic" in corpus.title
    assert len(utterances) == corpus.clips
    partitions = assign(utterances, corpus.protocols["speakers"], None)
    for partition in ("train", "dev", "test"):
        here = Counter(u.label for u, p in zip(utterances, partitions, strict=True) if p == partition)
        assert set(here) == set(corpus.labels)
        assert len(set(here.values())) == 1
    store = open_store(name, utterances, 16_000, tmp_path)
    assert store.fingerprint == corpus.fingerprint
    assert store.lengths.min() > 0.7 * 16_000
    assert store.lengths.max() < 2.3 * 16_000


def pitch(path):
    """Median F0 over frames by the autocorrelation's peak between 60 and 500 Hz: knows nothing of the synthesiser."""
    samples, rate = soundfile.read(path)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 800)[::400]
    frames = frames[np.sqrt((frames**2).mean(axis=1)) > 0.5 * np.sqrt((samples**2).mean())]
    power = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2048)) ** 2
    lags = np.fft.irfft(power)[:, rate // 500 : rate // 60]
    return np.median(rate / (rate // 500 + lags.argmax(axis=1)))


def tilt(path):
    """Energy above 1 kHz against that below, in dB."""
    samples, rate = soundfile.read(path)
    power = np.abs(np.fft.rfft(samples)) ** 2
    border = round(1000 * len(samples) / rate)
    return 10 * np.log10(power[border:].sum() / power[:border].sum())


def seconds(path):
    return soundfile.info(path).duration


@pytest.mark.parametrize(
    ("measure", "higher", "lower"),
    [
        (pitch, "fear", "neutral"),
        (pitch, "anger", "sadness"),
        (pitch, "anxiety", "boredom"),
        (tilt, "anger", "neutral"),
        (tilt, "neutral", "sadness"),
        (tilt, "irritation", "boredom"),
        (seconds, "sadness", "fear"),
        (seconds, "boredom", "anxiety"),
    ],
)
def test_generated_emotions_differ_as_the_literature_says(generated, measure, higher, lower):
    values = {}
    for _, utterances in generated.values():
        for utterance in utterances:
            if {higher, lower} <= {u.label for u in utterances}:
                values.setdefault(utterance.label, []).append(measure(utterance.file))
    assert np.mean(values[higher]) > np.mean(values[lower]) + 0.3 * np.std(values[lower])


def test_the_voices_have_the_pitch_their_recipe_gives_them(generated):
    for recipe in demo.RECIPES:
        for speaker, (expected, _) in recipe.speakers.items():
            neutral = [u.file for u in generated[recipe.name][1] if (u.speaker, u.label) == (speaker, "neutral")]
            assert np.median([pitch(file) for file in neutral]) == pytest.approx(expected, rel=0.2)


def test_describing_corpora_imports_neither_torch_nor_numpy():
    code = (
        "import sys, pathlib; from emonet_corpora.demo import demo_corpora; from emonet_corpora import emonet_corpora; "
    )
    code += "from emonet_bench.hookspecs import CorporaConfig; emonet_corpora(CorporaConfig(None, pathlib.Path('x'))); "
    code += "assert not {'torch', 'numpy', 'soundfile'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
