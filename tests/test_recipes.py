"""The recipes for plugins in the docs work as they stand there."""

import re

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from emonet_bench.testing import check_architecture, check_corpus, check_executor
from tests.audio.made import encoded, sound
from tests.test_readme import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def names():
    found = {}
    for block in BLOCKS:
        exec(block, found)
    return found


@pytest.mark.parametrize("labels", [2, 4])
def test_a_model_of_scikit_learn_in_buffers_predicts_as_it_did(names, labels):
    generator = np.random.default_rng(0)
    rows, truth = generator.normal(size=(60, 5)), generator.integers(labels, size=60)
    model = LogisticRegression().fit(rows, truth)
    head = names["Scaled"](5, labels).double()
    head.take(model)
    probabilities = head(torch.as_tensor(rows)).softmax(-1).numpy()
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-12)
    assert set(head.state_dict()) == {"weight", "bias"}


def test_an_architecture_that_is_fitted_keeps_its_contracts(names):
    (architecture,) = names["emonet_architectures"]()
    check_architecture(architecture, {"num_mels": 8, "n_fft": 256, "hop": 256})


def test_a_pool_that_blocks_keeps_the_contracts_of_an_executor(names):
    def run(function, arguments, keywords):
        return function(*arguments, **keywords)

    check_executor(lambda workers: names["Waiting"](workers, run))


class Rows(list):
    """A data set as far as the recipe asks."""

    def select_columns(self, columns):
        return [{name: row[name] for name in columns} for row in self]


def test_a_data_set_whose_audio_is_in_no_files_is_a_corpus(names, monkeypatch):
    made = Rows(
        {
            "audio": {"bytes": encoded(sound(0.2, seed=n)), "path": None},
            "emotion": ("anger", "joy")[n % 2],
            "speaker": n % 5,
        }
        for n in range(20)
    )
    monkeypatch.setitem(names, "rows", lambda: made)
    (corpus,) = names["emonet_corpora"]()
    check_corpus(corpus)
    assert str(corpus.load()[3].file) == "somebody/emotions@0123abc/train/3"
