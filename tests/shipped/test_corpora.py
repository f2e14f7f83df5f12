import csv
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from emonet_corpora import demo, emonet_corpora

from emonet_bench.audio import open_store
from emonet_bench.data.cards import corpus_from_card
from emonet_bench.data.coverage import Coverage, coverage
from emonet_bench.data.partitions import assign, folds, protocol_id
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.plugins.loading import Plugins, Selection

CARD = Path(demo.__file__).parent / "cards" / "emodb.toml"


@pytest.fixture(scope="module")
def generated(cache_dir):
    return {corpus.name: (corpus, corpus.load()) for corpus in demo.demo_corpora(cache_dir)}


def corpora(directory, cache):
    return {corpus.name: corpus for corpus in emonet_corpora(CorporaConfig(directory, cache))}


@pytest.fixture
def folder(corpora_dir, name):
    if not (corpora_dir / name).is_dir():
        pytest.skip(f"EMONET_BENCH_CORPORA_DIR has no folder {name}")
    return corpora_dir / name


@pytest.fixture
def corpus(folder, tmp_path):
    return corpora(folder.parent, tmp_path)[folder.name]


@pytest.fixture
def table(folder):
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        return {Path(row["file"]).stem: row for row in csv.DictReader(file)}


# Clips of train, dev and test under the default protocol, and the fingerprint of the copies at 16 kHz (fsdd: at 8 kHz).
REAL = {
    "emodb": ((278, 130, 127), "41be764de68de1ec"),
    "emotiontts_ko": ((180, 60, 60), "fa3fc598d98775af"),
    "emovo": ((392, 98, 98), "a0f34a4463a56f8f"),
    "fsdd": ((2000, 500, 500), "e30eb73bab2b295e"),
    "ravdess": ((960, 240, 240), "f0647f13d8ce7251"),
    "turevdb": ((1079, 328, 328), "8b1907be8131d1b9"),
    "urdu": ((244, 82, 74), "ac68bbd7b38cbd2f"),
}
# Identities of the default protocols, as they have been from the first release on.
PROTOCOLS = {
    "emodb": "655de58632db",
    "emotiontts_ko": "197c551b2734",
    "emovo": "4453ff3e7804",
    "fsdd": "7604dc9946f7",
    "ravdess": "1fb6484e232b",
    "turevdb": "d65eca077037",
    "urdu": "40224da8367c",
}
NOUNS = {"angry": "anger", "sad": "sadness", "fearful": "fear", "surprised": "surprise", "happy": "happiness"}


@pytest.mark.parametrize("name", REAL)
def test_a_real_corpus_is_read_as_its_table_says(corpus, table):
    utterances = corpus.load()
    assert len(utterances) == corpus.clips
    assert {u.name for u in utterances} == set(table)
    for utterance in utterances:
        row = table[utterance.name]
        assert (utterance.label, utterance.speaker) == (NOUNS.get(row["label"], row["label"]), row["speaker"])
    assert set(corpus.labels) == {u.label for u in utterances}
    assert corpus.facts["speakers"] == str(len({row["speaker"] for row in table.values()}))
    assert float(corpus.facts["hours"]) == pytest.approx(
        sum(float(r["duration_s"]) for r in table.values()) / 3600, abs=0.005
    )


@pytest.mark.parametrize("name", ["emodb", "emotiontts_ko", "emovo", "ravdess", "turevdb"])
def test_clips_share_a_text_exactly_where_the_table_says_so(corpus, table):
    utterances = corpus.load()
    pairs = {(u.text, table[u.name]["text_id"]) for u in utterances}
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})


@pytest.mark.parametrize("name", REAL)
def test_a_real_corpus_is_divided_by_speaker_with_every_label_everywhere(corpus):
    utterances = corpus.load()
    default = next(iter(corpus.protocols))
    partitions = assign(utterances, corpus.protocols[default], None)
    assert default == "speakers"
    assert tuple(Counter(partitions)[p] for p in ("train", "dev", "test")) == REAL[corpus.name][0]
    seen = {p: [u for u, own in zip(utterances, partitions, strict=True) if own == p] for p in set(partitions)}
    assert all({u.label for u in here} == set(corpus.labels) for here in seen.values())
    speakers = [u for here in seen.values() for u in {u.speaker for u in here}]
    assert len(speakers) == len(set(speakers))


@pytest.mark.parametrize("name", REAL)
def test_a_real_corpus_is_complete_and_its_default_protocol_keeps_its_identity(corpus):
    utterances = corpus.load()
    known = coverage(corpus, utterances)
    assert known == Coverage(corpus.clips, corpus.clips)
    rule = corpus.protocols["speakers"]
    assert protocol_id(corpus.target(rule), utterances, rule) == PROTOCOLS[corpus.name]


def test_the_generated_corpora_keep_their_identity(generated):
    rules = {name: one.protocols["speakers"] for name, (one, _) in generated.items()}
    ids = {name: protocol_id(one.target(rules[name]), found, rules[name]) for name, (one, found) in generated.items()}
    assert ids == {"synthetic-acted": "4a92d3013acb", "synthetic-calls": "a58b38d491bf"}


@pytest.mark.parametrize("name", REAL)
def test_every_protocol_of_a_real_corpus_can_be_carried_out(corpus):
    utterances = corpus.load()
    for protocol, rule in corpus.protocols.items():
        tested = Counter()
        for fold in folds(utterances, rule):
            partitions = assign(utterances, rule, fold)
            tested.update(u.name for u, p in zip(utterances, partitions, strict=True) if p == "test")
        assert set(tested.values()) == {1}, protocol
        assert rule.folds is None or len(tested) == len(utterances), protocol


@pytest.mark.parametrize(
    "name", [name if name == "emodb" else pytest.param(name, marks=pytest.mark.slow) for name in REAL]
)
def test_a_real_corpuss_audio_is_the_pinned_one(corpus, table, tmp_path):
    store = open_store(corpus.name, corpus.load(), 16_000, tmp_path)
    assert store.fingerprint == REAL[corpus.name][1]
    assert corpus.fingerprint in {None, store.fingerprint}
    assert store.lengths.sum() / 16_000 == pytest.approx(sum(float(r["duration_s"]) for r in table.values()), rel=1e-3)


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
        ("(?P<label>[A-Z])", "[A-Z]", "one needs a named group label"),
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


CARD_IN_MINIATURE = """
title = "Mine"
homepage = "https://example.org"
licence = "CC0-1.0"
redistributable = "yes"
citation = "@misc{mine}"
languages = ["en"]
elicitation = "acted"
patterns = ['(?P<speaker>s\\d)_(?P<label>[an])']
[labels]
n = "neutral"
a = "anger"
[protocols.loso]
folds = "each"
"""


def test_a_folder_of_the_corpora_directory_may_bring_its_own_card_or_tables(tmp_path):
    for folder in ("carded", "tabled", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "carded" / "card.toml").write_text(CARD_IN_MINIATURE, encoding="utf-8")
    (tmp_path / "carded" / "s1_a.wav").touch()
    (tmp_path / "tabled" / "utterances.csv").write_text(
        "file,label,speaker\nx/a.wav,b,1\nx/b.wav,a,2\n", encoding="utf-8"
    )
    found = corpora(tmp_path, tmp_path)
    assert found["carded"].labels == ("neutral", "anger")
    assert [(u.name, u.label) for u in found["carded"].load()] == [("s1_a", "anger")]
    assert found["tabled"].labels == ("a", "b")
    assert found["tabled"].load()[0].file == tmp_path / "tabled" / "x" / "a.wav"
    assert "other" not in found


def test_a_mistake_in_a_users_own_corpus_costs_that_corpus_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.toml").write_text("title = 3", encoding="utf-8")
    with pytest.warns(RuntimeWarning, match=r"corpus mine is left out: .*card\.toml"):
        found = corpora(tmp_path, tmp_path)
    assert {"emodb", "synthetic-acted"} <= set(found)
    assert "mine" not in found


def test_who_asks_for_a_corpus_that_was_left_out_is_told_why_in_place_of_a_list_of_others(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "utterances.csv").write_text("file,label,partition\na.wav,x,valid\n", encoding="utf-8")
    with pytest.warns(RuntimeWarning, match="corpus mine is left out"):
        plugins = Plugins(Selection(names=("corpora",), corpora_dir=tmp_path))
    with pytest.raises(ConfigError, match=r"^corpus 'mine' is left out: .*utterances.csv: line 2: partition must be"):
        plugins.corpora["mine"]


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("a+b", {"utterances.csv": "file,label,speaker\nx,b,1\ny,a,2\n"}, "must not hold '\\+'"),
        ("synthetic-acted", {"utterances.csv": "file,label,speaker\nx,b,1\ny,a,2\n"}, "rename the folder"),
        ("mine", {"card.toml": CARD_IN_MINIATURE + "dev_groups = 0"}, "dev_groups"),
        ("mine", {"card.toml": CARD_IN_MINIATURE + "[labels.x]"}, "card.toml"),
        ("mine", {"utterances.csv": "\0" * 99}, "zero bytes"),
        ("mine", {"utterances.csv": "a.wav,x\nb.wav,y\n"}, "is a clip, not a header"),
    ],
)
def test_one_bad_folder_costs_that_corpus_alone_and_is_named(tmp_path, name, files, words):
    (tmp_path / name).mkdir()
    for file, content in files.items():
        (tmp_path / name / file).write_text(content, encoding="utf-8")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "utterances.csv").write_text("file,label,speaker\nx,b,1\ny,a,2\n", encoding="utf-8")
    for passed in ("@eaDir", ".Trash-1000", "__MACOSX"):
        shutil.copytree(tmp_path / name, tmp_path / passed)
    with pytest.warns(RuntimeWarning, match=f"corpus {re.escape(name)} is left out: .*{words}") as told:
        found = corpora(tmp_path, tmp_path)
    assert len(told) == 1
    assert {"emodb", "synthetic-acted", "good"} <= set(found)


def test_every_corpus_tells_its_terms_and_starts_with_a_protocol_that_keeps_voices_apart(tmp_path):
    for corpus in corpora(None, tmp_path).values():
        assert corpus.title, corpus.name
        assert corpus.licence, corpus.name
        assert corpus.citation.startswith("@"), corpus.name
        assert next(iter(corpus.protocols.values())).by in ("speaker", "session"), corpus.name


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
    code += "from emonet_bench.hookspecs import CorporaConfig; list(emonet_corpora(CorporaConfig(None, pathlib.Path('x')))); "
    code += "assert not {'torch', 'numpy', 'soundfile'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["emodb"])
def test_the_listening_test_of_emodb_is_read_as_values(corpus, folder):
    with (folder / "listening_test.csv").open(encoding="utf-8") as file:
        said = {Path(row[0]).stem: row[1:] for row in csv.reader(file)}
    clips = corpus.load()
    read = {clip.name: [clip.values["recognised"], clip.values["natural"]] for clip in clips if clip.values}
    assert len(read) == 535
    assert read == {name: [float(number) for number in said[name]] for name in read}
    rule = corpus.protocols["speakers-listeners"]
    assert assign(clips, rule, None) == assign(clips, corpus.protocols["speakers"], None)
    assert (corpus.target(rule).kind, corpus.target(rule).scales) == ("values", ((0, 100), (0, 100)))


@pytest.mark.parametrize("name", ["ravdess"])
def test_the_intensity_of_ravdess_is_read_from_names(corpus):
    clips = corpus.load()
    counts = Counter((clip.label == "neutral", clip.values["intensity"]) for clip in clips)
    assert counts == {(True, 1): 96, (False, 1): 672, (False, 2): 672}
    assert all(clip.values["intensity"] == int(clip.name.split("-")[3]) for clip in clips)


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("labels.tsv", "save labels.tsv as CSV under the name utterances.csv"),
        ("utterances.xlsx", "save utterances.xlsx as CSV"),
        ("a.wav", "list its clips in utterances.csv"),
    ],
)
def test_a_folder_without_tables_is_no_warning_but_who_names_it_is_told_why_it_is_no_corpus(tmp_path, file, remedy):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / file).touch()
    config = CorporaConfig(tmp_path, tmp_path)
    assert "mine" not in {corpus.name for corpus in emonet_corpora(config)}
    assert config.left_out["mine"].startswith(f"{tmp_path / 'mine'}: holds no card.toml, no utterances.csv")
    assert remedy in config.left_out["mine"]
