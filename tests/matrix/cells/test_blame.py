"""Blame: the message of a failed cell names the plugin whose code raised it and what to do."""

import pytest

from emonet_bench.config import Training
from emonet_bench.errors import PluginError, TrainingError
from emonet_bench.matrix.cells.blame import blame
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import RunSpec

ARCHITECTURE = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import Architecture

def build(options, input_spec):
    raise RuntimeError("no such layer")

@hookimpl
def emonet_architectures():
    return [Architecture("own-net", "cnn", Options, build)]
"""

LOSS = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import Loss

@hookimpl
def emonet_losses():
    return [Loss("own-loss", Options, lambda options, summary: {}["weights"])]
"""


def spec(architecture="cnn", loss="crossentropy"):
    chosen = {"architecture": architecture, "architecture_options": {}, "strategy": "scratch", "strategy_options": {}}
    return RunSpec(corpus="emo", protocol="folds5", training=Training(loss=loss), seed=0, **chosen)


@pytest.fixture
def plugins(tmp_path):
    files = tmp_path / "own net.py", tmp_path / "own_loss.py"
    for file, code in zip(files, (ARCHITECTURE, LOSS), strict=True):
        file.write_text(code)
    return Plugins(Selection(files=files))


def caught(function, *arguments):
    with pytest.raises(Exception) as error:  # noqa: PT011 - whatever it raises
        function(*arguments)
    return error.value


def test_the_plugin_whose_code_raised_is_named_with_the_line_and_the_command(plugins, tmp_path):
    error = caught(plugins.losses["own-loss"].build, None, None)
    said = blame(error, spec("own-net", "own-loss"), plugins)
    file = f"{tmp_path}/own_loss.py"
    assert said == f" (raised at {file}:8, try 'emonet-bench --plugin {file} plugins check own-loss')"


def test_an_error_from_elsewhere_names_what_the_cell_uses(plugins, tmp_path):
    said = blame(ValueError("shapes differ"), spec("own-net", "own-loss"), plugins)
    assert f"try 'emonet-bench --plugin '{tmp_path}/own net.py' plugins check own-net'" in said
    assert f"try 'emonet-bench --plugin {tmp_path}/own_loss.py plugins check own-loss'" in said
    assert blame(PluginError("dim"), spec("own-net", "own-loss"), plugins) == said


def test_what_says_all_or_uses_the_host_alone_blames_nobody(plugins):
    assert not blame(TrainingError("the loss is nan"), spec("own-net"), plugins)
    assert not blame(ValueError("x"), spec(), plugins)
