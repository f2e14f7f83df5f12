"""Served models: found by name and task, and what is told of each."""

import json
from types import SimpleNamespace

import onnxruntime
import pytest

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.models import ServedModel, open_models
from emonet_bench.errors import ConfigError
from tests.exported import export_listener


def said(**metadata):
    return SimpleNamespace(labels=("a", "b"), metadata=metadata, sampling_rate=16_000, centre=None)


def single(**metadata):
    return ServedModel("m", {None: said(**metadata)})


def several(**metadata):
    one = said(**metadata)
    return ServedModel("m", {"x": one, "y": one})


@pytest.mark.parametrize("run_id", ["1234567890123456", "12345e7890123456", "0123456789012345", "0a1b2c3d4e5f6071"])
def test_a_run_id_is_a_text_even_where_it_looks_like_a_number(run_id):
    told = single(run_id=run_id, corpus="123", licence="null", uar="0.5", synthetic="false").facts()
    assert (told["run_id"], told["corpus"], told["licence"]) == (run_id, "123", "null")
    assert (told["uar"], told["synthetic"]) == (0.5, False)
    json.dumps(told, allow_nan=False)


def test_a_tasks_facts_are_its_own_where_they_differ_and_of_the_kind_that_they_have_alone():
    served = several(corpus='{"x": "emo", "y": "rav"}', uar='{"x": "0.5", "y": ""}', uar_interval='{"x": [0.4, 0.6]}')
    first, second = served.facts("x"), served.facts("y")
    assert (first["corpus"], first["uar"], first["uar_interval"]) == ("emo", 0.5, [0.4, 0.6])
    assert (second["corpus"], second["uar"], second["uar_interval"]) == ("rav", None, None)
    assert served.facts()["corpus"] == {"x": "emo", "y": "rav"}
    assert served.facts()["labels"] == {"x": ["a", "b"], "y": ["a", "b"]}


def test_what_a_model_does_not_say_and_what_no_json_can_hold_is_null():
    told = single(uar="1e999", uar_interval="", licence="").facts()
    assert (told["uar"], told["uar_interval"], told["licence"], told["protocol"]) == (None,) * 4
    assert told["labels"] == ["a", "b"]


def test_a_task_is_named_where_there_are_several_and_only_there():
    assert single().task(None).labels == several().task("y").labels == ("a", "b")
    with pytest.raises(RequestError, match=r"^task: m holds a single one; leave it out$"):
        single().task("x")
    for name in (None, "z"):
        with pytest.raises(RequestError, match=r"^task: m holds several; give one of x, y$"):
            several().task(name)


def test_files_are_opened_under_their_names_a_bank_with_all_of_its_tasks(model, bank):
    served = open_models([model, bank], "cpu")
    assert list(served) == ["listener", "bank"]
    assert list(served["listener"].tasks) == [None]
    told = json.loads(served["bank"].model.metadata["labels"])
    assert {name: list(one.labels) for name, one in served["bank"].tasks.items()} == told
    assert [one.task for one in served["bank"].tasks.values()] == list(range(len(told)))
    assert len({id(one.session) for one in served["bank"].tasks.values()}) == 1


def test_a_file_is_opened_once_whatever_it_holds(model, bank, monkeypatch):
    opened = []
    kept = onnxruntime.InferenceSession

    def counted(path, *given, **named):
        opened.append(path)
        return kept(path, *given, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    open_models([model, bank], "cpu")
    assert opened == [str(model), str(bank)]


def test_a_file_that_is_to_abstain_says_below_what(model, tmp_path):
    careful = export_listener(tmp_path / "careful.onnx", abstain_below="0.75")
    assert open_models([careful], "cpu", abstain=True)["careful"].threshold == 0.75
    assert open_models([careful], "cpu")["careful"].threshold is None
    with pytest.raises(ConfigError, match=r"listener.onnx: abstain: the file has no threshold"):
        open_models([model], "cpu", abstain=True)


def test_two_files_of_one_name_are_one_line(model):
    with pytest.raises(ConfigError, match="another model is called listener, too; rename one of the files"):
        open_models([model, model], "cpu")
