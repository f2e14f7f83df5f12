"""What a network hears is what its input spec says, and all that speaks of it says the same."""

import pytest
import torch
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.config import Training
from emonet_bench.deploy import Predictor
from emonet_bench.export import export, metadata_of, model_card
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training.prediction import evaluation_input, predict
from emonet_bench.types import InputSpec, TrainingSet
from tests.exported import LABELS, record
from tests.toys import toy_clips

RATE = 16_000
WINDOW = 8_000
ARCHITECTURES = [
    *((name, {}) for name in sorted(Plugins().architectures)),
    *(("cnn", {"classifier": kind}) for kind in ("FCNAttention", "rnn", "statistics")),
]


@pytest.mark.parametrize(("name", "options"), ARCHITECTURES, ids=str)
def test_a_network_hears_what_its_input_spec_says_and_nothing_else(name, options):
    architecture = Plugins().architectures[name]
    torch.manual_seed(0)
    network = architecture.build(architecture.options(**options), InputSpec(RATE, WINDOW)).eval()
    clip = 0.1 * torch.randn(1, 3 * WINDOW)
    ends, centre = clip.clone(), clip.clone()
    ends[:, :WINDOW] *= 3
    centre[:, WINDOW : 2 * WINDOW] *= 3
    with torch.inference_mode():
        whole, other_ends, other_centre = (
            network.embed(one, torch.tensor([3 * WINDOW])) for one in (clip, ends, centre)
        )
    if torch.equal(whole, other_centre):
        pytest.skip("it hears nothing at all")
    recipe = Training(sampling_rate=RATE, window=WINDOW / RATE, evaluation="whole")
    heard = evaluation_input(recipe, network)
    assert heard == InputSpec(RATE, WINDOW if torch.equal(whole, other_ends) else None)


@pytest.mark.parametrize(
    ("evaluation", "window", "hop"),
    [("whole", None, None), ("centre", WINDOW, None), ("windows", WINDOW, WINDOW // 2)],
)
def test_without_a_network_of_its_own_mind_the_recipe_says_what_is_heard(evaluation, window, hop):
    recipe = Training(sampling_rate=RATE, window=WINDOW / RATE, evaluation=evaluation)
    for network in (object(), torch.nn.Identity()):
        assert evaluation_input(recipe, network) == InputSpec(RATE, window, hop)


@pytest.fixture(scope="module")
def default_cnn():
    """EmoNet's default network, which hears a window whatever the recipe says, small."""
    architecture = Plugins().architectures["cnn"]
    options = architecture.options(number_of_filters=4, number_of_resnet_blocks=1)
    torch.manual_seed(0)
    network = architecture.build(options, InputSpec(RATE, WINDOW))
    return build_classifier(network, [TrainingSet("ours", LABELS, 100)]).eval()


def test_a_network_of_a_fixed_window_scores_whole_clips_by_their_centres(default_cnn):
    clips = toy_clips(12, LABELS)
    recipes = [Training(sampling_rate=RATE, window=WINDOW / RATE, evaluation=how) for how in ("whole", "centre")]
    whole, centre = (predict(default_cnn, clips, recipe) for recipe in recipes)
    assert torch.equal(whole, centre)


def test_file_card_predictor_show_and_predict_say_what_is_really_heard(default_cnn, tmp_path):
    recipe = Training(sampling_rate=RATE, window=WINDOW / RATE, evaluation="whole")
    heard = evaluation_input(recipe, default_cnn.network)
    metadata = metadata_of(record(), heard)
    export(default_cnn, "ours", tmp_path / "model.onnx", heard, metadata)
    assert "the model hears the centred 0.5 s of a clip" in model_card(metadata, record(), "model.onnx")
    predictor = Predictor(tmp_path / "model.onnx", "cpu")
    assert predictor.input_spec == InputSpec(RATE, WINDOW)
    assert predictor.centre == 0.5
    shown = CliRunner().invoke(main, ["show", str(tmp_path / "model.onnx")])
    assert "hears" in shown.stdout
    assert "the centred 0.5 s of a clip" in shown.stdout
