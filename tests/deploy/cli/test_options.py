"""Options of several commands are one declaration, held to one range."""

import pytest

from tests.deploy.cli.running import emonet


@pytest.mark.parametrize("command", ["predict", "serve"])
@pytest.mark.parametrize(
    ("given", "words"), [(("--jobs", "0"), "0 is not in the range"), (("--providers", "tpu"), "'tpu' is not one of")]
)
def test_what_cannot_be_is_one_line(command, given, words):
    done = emonet(command, "model.onnx", *given)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr
