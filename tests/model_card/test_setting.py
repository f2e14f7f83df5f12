"""The setting of a card: the run's own test clips where nothing else is asked for, and a note where they are not."""

from dataclasses import replace

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.model_card.setting import Wanted, choose, other_clips
from emonet_bench.types import SplitRule
from tests.oracles import RATE, predictor, tones, write_model

OWN = Wanted()


@pytest.fixture
def corpora(tmp_path):
    corpus = tones(tmp_path, count=2)
    other = replace(corpus, name="others", labels=("angry", "calm"))
    odd = replace(corpus, name="odd", labels=("calm", "angry", "middle"))
    protocols = {**corpus.protocols, "folds": SplitRule(folds=4)}
    return {"tones": replace(corpus, protocols=protocols), "others": other, "odd": odd}


@pytest.fixture
def chosen(tmp_path, corpora):
    def choose_it(wanted=OWN, **metadata):
        model = predictor(write_model(tmp_path / "m.onnx", "sign", 0.0, **metadata))
        return choose(model, wanted, corpora, tmp_path / "cache", lambda *_: None)

    return choose_it


def test_it_takes_what_the_file_says_of_its_run(chosen):
    own = chosen()
    again = chosen(protocol_id=own.opened.protocol_id(), fingerprint=own.opened.fingerprint)
    assert (again.opened.protocol, again.fold, again.notes) == ("speakers", None, ())
    data = again.data()
    assert (data.clips, data.speakers, data.partition) == (16, 4, "test")


def test_it_takes_the_fold_of_the_run(chosen):
    plain = chosen(Wanted(fold=2), protocol="folds")
    told = {"protocol": "folds", "protocol_id": plain.opened.protocol_id(), "fold": "2"}
    assert chosen(**told).clips.speakers == plain.clips.speakers
    assert chosen(**told).notes == ()
    assert "another fold than the run's (2)" in chosen(Wanted(fold=1), **told).notes[0]


def test_a_smoke_run_is_measured_on_the_clips_that_it_tested(chosen):
    own = chosen()
    limited = chosen(limit="6", protocol_id=own.opened.protocol_id(limit=6))
    assert (len(limited.clips), limited.notes) == (6, ())


@pytest.mark.parametrize(
    ("wanted", "metadata", "note"),
    [
        (Wanted(corpus="others"), {}, "trained on tones, not on this one"),
        (Wanted(), {"protocol_id": "beef"}, "another protocol than the run's"),
        (Wanted(partition="dev"), {}, "took part in training"),
        (Wanted(), {"fingerprint": "beef"}, "has changed since the run"),
    ],
)
def test_it_says_where_clips_are_not_those_of_the_run(chosen, wanted, metadata, note):
    assert any(note in one for one in chosen(wanted, **metadata).notes)


@pytest.mark.parametrize(
    ("wanted", "metadata", "message"),
    [
        (Wanted(corpus="tons"), {}, r"--corpus: unknown 'tons'; did you mean 'tones'\?"),
        (
            Wanted(corpus="odd"),
            {},
            "--corpus odd: has the labels calm, angry, middle, the model calm, angry; .*label map",
        ),
        (Wanted(protocol="folds"), {}, "--fold: protocol folds has the folds 0 to 3, and the file does not say"),
        (Wanted(fold=3), {}, "--fold 3: protocol speakers has no such fold; leave it out"),
        (Wanted(protocol="folds", fold=4), {}, "--fold 4: .* choose one of 0 to 3"),
    ],
)
def test_what_cannot_be_measured_is_one_line(chosen, wanted, metadata, message):
    with pytest.raises(ConfigError, match=message):
        chosen(wanted, **metadata)


def test_babble_may_come_from_another_corpus(tmp_path, chosen, corpora):
    talkers = other_clips("others", "train", "--babble", chosen(), corpora, tmp_path / "cache", lambda *_: None)
    assert (set(talkers.speakers), talkers.sampling_rate) == ({"a", "b"}, RATE)
    with pytest.raises(ConfigError, match="--babble: unknown corpus 'nobody'"):
        other_clips("nobody", "train", "--babble", chosen(), corpora, tmp_path / "cache", lambda *_: None)


def test_languages_are_the_tables_where_the_corpus_tells_none(chosen):
    setting = chosen()
    said = replace(setting.clips.utterances[0], demographics={"language": "da"})
    clips = replace(setting.clips, utterances=(said, *setting.clips.utterances[1:]))
    silent = replace(setting.opened, corpus=replace(setting.opened.corpus, languages=()))
    assert replace(setting, opened=silent, parts={"test": clips}).data().languages == ["da"]
    assert setting.data().languages == ["en"]
