"""A model and clips for it."""

import numpy as np
import pytest
import soundfile

from tests.exported import export_listener

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(export_listener(tmp_path_factory.mktemp("model") / "model.onnx"))


@pytest.fixture
def files(tmp_path):
    """Five clips in a folder and one in a folder of it, named against their order."""
    (tmp_path / "audio" / "inner").mkdir(parents=True)
    made = [tmp_path / "audio" / name for name in ("e.wav", "d.flac", "c.wav", "b.ogg", "a.wav", "inner/f.WAV")]
    for number, file in enumerate(made):
        form = "WAV" if file.suffix == ".WAV" else None
        soundfile.write(file, 0.2 * RNG.standard_normal(3_000 * (number + 1)), 16_000, format=form)
    return [str(file) for file in made]
