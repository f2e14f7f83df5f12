"""Every architecture with every strategy on every kind of target: it learns, or it is refused in one line."""

from typing import get_args

import pytest
import soundfile
import torch

from emonet_bench.matrix.planning.plan import MatrixSource, plan
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.networks import PLAIN
from emonet_bench.testing.strategy_bench import RECIPE, StrategyBench
from emonet_bench.training.loop import train
from emonet_bench.training.methods import methods_of
from emonet_bench.training.prediction import predict
from emonet_bench.types import TargetKind
from emonet_bench.types.targets import USUAL_LOSSES
from tests.audio.made import sound

PLUGINS = Plugins()
KINDS = get_args(TargetKind)
PROTOCOLS = {"label": "own", "votes": "own-votes", "label-set": "own-labels", "values": "own-values"}
HEARD = {"num_mels": 8, "n_fft": 64, "hop": 32, "f_max": 500}
SMALL = {
    "cnn": {**HEARD, "number_of_filters": 2, "number_of_resnet_blocks": 1, "classifier": "statistics"},
    "fusion": {**HEARD, "number_of_filters": 2, "number_of_resnet_blocks": 1, "hidden_dim": 4},
    "rnn": {**HEARD, "hidden_dim": 4, "num_mfccs": 6},
}
FITTED = {"chance": set(KINDS), "knn": {"label"}, "logistic": {"label"}, "ridge": {"values"}, "svm": {"label"}}


def test_the_grid_has_everything_that_is_built_in():
    trained = {name for name, one in PLUGINS.architectures.items() if one.fit is None}
    assert (trained, set(PLUGINS.architectures) - trained) == (set(SMALL), set(FITTED))


@pytest.mark.parametrize("strategy", PLUGINS.strategies)
@pytest.mark.parametrize("architecture", SMALL)
def test_what_is_trained_learns_every_kind_whatever_the_strategy(architecture, strategy):
    chosen, how = PLUGINS.architectures[architecture], PLUGINS.strategies[strategy]
    bench = StrategyBench(how, how.options(), (chosen, PLAIN), SMALL[architecture])
    for kind in ("label",) if how.teacher else KINDS:
        made, corpora = bench.attempt(chosen, kind=kind)
        clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
        recipe = RECIPE.model_copy(update={"loss": USUAL_LOSSES[kind], "epochs": 1})
        before = {name: tensor.clone() for name, tensor in made.classifier.state_dict().items() if "heads" in name}
        train(made, clips, clips, recipe, seed=0, methods=methods_of(recipe, PLUGINS))
        assert any(not torch.equal(tensor, made.classifier.state_dict()[name]) for name, tensor in before.items())
        for name, own in clips.items():
            made.classifier.select(name)
            predicted = predict(made.classifier, own, recipe)
            assert predicted.shape == (len(own), len(own.labels))
            if kind in ("label", "votes"):
                torch.testing.assert_close(predicted.sum(1), torch.ones(len(own)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tones")
    lines = ["file,partition,label,votes:sad,votes:glad,labels:loud,labels:high,arousal:1..7"]
    for number, part in enumerate(("train", "train", "dev", "dev", "test", "test")):
        soundfile.write(made / f"{number}.wav", sound(0.2, 1_000, seed=number), 1_000)
        odd = number % 2
        lines.append(f"{number}.wav,{part},{('sad', 'glad')[odd]},{2 - odd},{1 + odd},{odd},1,{3 + odd}")
    (made / "utterances.csv").write_text("\n".join(lines) + "\n")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_every_combination_is_planned_or_skipped_with_its_reason_in_one_line(kind, folder):
    at = {"path": str(folder), "card": str(folder), "protocol": PROTOCOLS[kind]}
    matrix = {
        "corpora": {"one": at, "two": at},
        "architectures": list(PLUGINS.architectures),
        "strategies": list(PLUGINS.strategies),
        "seeds": [0],
        "training": {"loss": USUAL_LOSSES[kind], "sampling_rate": 1_000, "device": "cpu"},
    }
    planned = plan(MatrixSource(matrix, "the test", folder), Plugins())
    found = {}
    for cell in planned.cells:
        found.setdefault((cell.spec.architecture, cell.spec.strategy), set()).add(cell.skip)
        assert cell.skip is None or (cell.skip and "\n" not in cell.skip)
    assert set(found) == {(one, how) for one in PLUGINS.architectures for how in PLUGINS.strategies}
    for (architecture, strategy), reasons in found.items():
        taught = PLUGINS.strategies[strategy].teacher is not None
        if architecture in FITTED:
            works = strategy == "scratch" and kind in FITTED[architecture]
        else:
            works = not taught or kind == "label"
        assert (None in reasons) == works, (architecture, strategy, reasons)
