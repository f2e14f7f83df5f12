"""A card that was measured once, for every test of its renderers."""

import pytest

from emonet_bench.model_card.measuring import Plan, measure
from emonet_bench.model_card.setting import Wanted, choose
from tests.oracles import predictor, tones, write_model


@pytest.fixture(scope="session")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    path = write_model(folder / "m.onnx", "sign", 0.1, architecture="oracle", run_id="0123456789abcdef", licence="CC0")
    facts = {
        "title": "Tones <of> eight",
        "citation": "@misc{tones}",
        "licence": "CC0",
        "facts": {"elicitation": "read"},
    }
    corpus, model = tones(folder, count=3, **facts), predictor(path)
    setting = choose(model, Wanted(), {"tones": corpus}, folder / "cache", lambda *_: None)
    seen = []
    found = measure(model, path, Plan(setting), lambda *step: seen.append(step))
    return found, seen, path


@pytest.fixture
def card(measured):
    return measured[0].card
