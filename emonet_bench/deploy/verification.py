"""Verification of an exported file: is it the one that its description is of, and does it say the same here?"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emonet_bench.audio.decoding import check_rate
from emonet_bench.deploy.description import FORMAT, Signal, decoded, description_path, output_of, probabilities_of
from emonet_bench.deploy.metadata import REMEDY, Facts, read_facts
from emonet_bench.deploy.session import open_session
from emonet_bench.errors import DISTRIBUTION, AudioError, ConfigError, StoreError
from emonet_bench.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emonet_bench.deploy.runtime import onnxruntime

_LONGEST = 16 * 2**20  # bytes of a description
_MOST = 10.0, 200  # seconds and sines of its waveform


class VectorCheck(NamedTuple):
    """A test vector, tried.

    Attributes:
        sampling_rate: Of its waveform.
        task: Which of a bank's tasks; None: the file has a single one.
        difference: Largest difference of a probability; NaN where the file gives none.
        tolerance: What is allowed.
    """

    sampling_rate: int
    task: str | None
    difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is allowed."""
        return self.difference <= self.tolerance


class Verification(NamedTuple):
    """What came of a file's verification.

    Attributes:
        checks: Each test vector.
        problems: What is wrong, a line each; empty: the file is sound.
    """

    checks: tuple[VectorCheck, ...]
    problems: tuple[str, ...]


def verify_model(path: str | Path) -> Verification:
    """Hold an exported file to its description: SHA-256, metadata, and what it says of the test waveforms.

    Args:
        path: The file; its description, ``NAME.json``, lies beside it.

    Raises:
        ConfigError: One of them is missing or damaged, or not ours.
    """
    path = Path(path)
    session = open_session(path, "cpu")
    metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    facts = read_facts(path, metadata)
    place = description_path(path)
    told = _read(place)
    try:
        checks = tuple(_checked(session, facts, told))
        sound = told["sha256"], told["metadata"]
    except AudioError as error:
        raise ConfigError(f"{path}: {error}; {REMEDY}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _damaged(place, f"{type(error).__name__}: {error}") from error
    problems = []
    is_described = sound[0] == hashlib.sha256(path.read_bytes()).hexdigest()
    if not is_described:
        problems.append(f"{path}: is not the file that {place.name} describes (SHA-256); fetch both again")
    if sound[1] != decoded(metadata):
        problems.append(f"{place}: says of the model what the model does not say of itself; fetch both again")
    remedy = "try another version of onnxruntime or soxr" if is_described else "fetch both again"
    problems += [f"{_failure(path, check)}; {remedy}" for check in checks if not check.passed]
    return Verification(checks, tuple(problems))


def _checked(session: onnxruntime.InferenceSession, facts: Facts, told: Mapping[str, Any]) -> Iterator[VectorCheck]:
    seconds, sines = float(told["test_signal"]["seconds"]), told["test_signal"]["sines"]
    if not (0 < seconds <= _MOST[0] and 0 < len(sines) <= _MOST[1] and told["test_vectors"]):
        raise ValueError("no test that can be made")
    signal = Signal(seconds, [(float(frequency), float(amplitude)) for frequency, amplitude in sines])
    for vector in told["test_vectors"]:
        rate, tolerance, expected = int(vector["sampling_rate"]), float(vector["tolerance"]), vector[output_of(facts)]
        check_rate(rate)
        for task, found in probabilities_of(session, facts, signal, rate).items():
            wanted = np.array(expected if task is None else expected[task], np.float64)
            if wanted.shape != (len(found),):
                raise ValueError("probabilities of other labels")
            yield VectorCheck(rate, task, float(np.abs(wanted - found).max()), tolerance)


def _failure(path: Path, check: VectorCheck) -> str:
    of = "" if check.task is None else f" of {check.task}"
    return (
        f"{path}: probabilities{of} at {check.sampling_rate} Hz are {check.difference:.2g} from those of the export, "
        f"allowed are {check.tolerance:g}"
    )


def _read(place: Path) -> dict[str, Any]:
    try:
        told = json.loads(read_bytes(place, _LONGEST))
        version = int(told["format"])
    except FileNotFoundError as error:
        raise ConfigError(f"{place}: is missing, and says how to verify the model; {REMEDY}") from error
    except OSError as error:
        raise ConfigError(f"{place}: cannot be read ({error.strerror})") from error
    except StoreError as error:
        raise ConfigError(f"{error}; {REMEDY}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(place, type(error).__name__) from error
    if version > FORMAT:
        raise ConfigError(f"{place}: written by a newer emonet-bench (format {version}); pip install -U {DISTRIBUTION}")
    return dict(told)


def _damaged(place: Path, reason: str) -> ConfigError:
    return ConfigError(f"{place}: is damaged ({' '.join(reason.split())}); {REMEDY}")
