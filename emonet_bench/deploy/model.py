"""An exported file, opened: where it computes, and what it says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emonet_bench.deploy.metadata import REMEDY, read_facts
from emonet_bench.deploy.providers import CUDA
from emonet_bench.deploy.session import LateSession, open_session, reason
from emonet_bench.deploy.stretches import LONGEST
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.files import open_regular
from emonet_bench.types import InputSpec, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from emonet_bench.deploy.providers import Providers
    from emonet_bench.deploy.runtime import onnxruntime

TWIN_OF = "twin_of"
"""In a twin's metadata: the SHA-256 of the file that it belongs to."""

_OFF = 0.01  # by which probabilities may miss the sum of 1


@dataclass(frozen=True)
class Model:
    """A file, ready to run.

    Attributes:
        session: onnxruntime's; opened late where there is a twin.
        metadata: Everything that the file says of itself.
        labels: What it tells apart, in declared order.
        input_spec: What it hears of a clip.
        task: Which of a bank's tasks; None: the file has a single one.
        twin: The session of its unmasked twin, for clips that fill their rows, where that lies beside it.
        takes_lengths: Whether it hears clips of several lengths in one batch; a twin does not.
        target: What it predicts; None: one of its labels.
    """

    session: onnxruntime.InferenceSession | LateSession
    metadata: Mapping[str, str]
    labels: tuple[str, ...]
    input_spec: InputSpec
    task: int | None = None
    twin: onnxruntime.InferenceSession | None = None
    takes_lengths: bool = True
    target: Target | None = None

    @property
    def output(self) -> str:
        """Name of the output that holds its predictions."""
        return self.target.output if self.target else "probabilities"

    @property
    def sampling_rate(self) -> int:
        """Samples per second that it hears."""
        return self.input_spec.sampling_rate

    @property
    def centre(self) -> float | None:
        """Seconds that it hears in the middle of what is longer; None: it hears everything."""
        heard = self.input_spec
        return None if heard.window is None or heard.hop else heard.window / heard.sampling_rate

    @property
    def provider(self) -> Literal["cpu", "cuda"]:
        """Where it computes."""
        return "cuda" if CUDA in (self.twin or self.session).get_providers() else "cpu"

    @property
    def longest(self) -> int | None:
        """Samples of a clip beyond which it comes in parts where no window is asked for; None: it never does."""
        return None if self.centre else round(LONGEST * self.sampling_rate)

    def probabilities(self, clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Map N clips (S,) at the model's rate to probabilities (N, K); raises what ``scores`` does.

        Raises:
            AudioError: They are too much for it, or what it gives are no probabilities.
        """
        (rows,) = self.scores(clips)
        for row in rows:
            if wrong := fault(row, self.target):
                raise wrong
        return rows

    def scores(self, clips: Sequence[NDArray[np.float32]], more: Sequence[str] = ()) -> list[NDArray[np.float32]]:
        """Map N clips (S,) at the model's rate to predictions (N, K), in one call of onnxruntime where it can be.

        Args:
            clips: The clips.
            more: Further outputs: ``logits`` (N, K), ``embedding`` (N, D).

        Returns:
            Predictions, and what more was asked for.

        Raises:
            AudioError: They are too much for it.
            ConfigError: The predictions are none of its labels.
        """
        clips = [self._middle(clip) for clip in clips]
        lengths = [len(clip) for clip in clips]
        longest = max(lengths)
        full = min(lengths) == longest
        if not (full or self.takes_lengths):
            return [np.concatenate(rows) for rows in zip(*(self.scores([clip], more) for clip in clips), strict=True)]
        session = self.session
        feed: dict[str, NDArray[Any]] = {"waveform": _rows(clips, longest)}
        if self.twin is not None and full:
            session = self.twin
        elif self.takes_lengths:
            feed["lengths"] = np.array(lengths, np.int64)
        if self.task is not None:
            feed["task"] = np.array(self.task)
        found: list[NDArray[np.float32]]
        outputs = [self.output, *more]
        try:
            found = session.run(outputs, feed)
        except ConfigError:  # it was to be opened only now
            raise
        except Exception as error:  # onnxruntime's exceptions share no parent
            seconds = longest / self.input_spec.sampling_rate
            raise AudioError(
                f"{seconds:.1f} s are too much for onnxruntime ({reason(error)}); give a window"
            ) from error
        width, labels = found[0].shape[1], len(self.labels)
        if width < labels or (self.task is None and width != labels):
            raise ConfigError(f"the model gives {width} {self.output} for {labels} labels; {REMEDY}")
        wide = slice(len(self.labels))  # a bank's rows are as wide as its largest task
        return [array if name == "embedding" else array[:, wide] for name, array in zip(outputs, found, strict=True)]

    def _middle(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the model hears of a clip (S,), or a sample more: the same on both sides is left out."""
        if self.centre is None:
            return clip
        aside = max(0, len(clip) - (self.input_spec.window or 0)) // 2
        return clip[aside : len(clip) - aside]


def _rows(clips: Sequence[NDArray[np.float32]], longest: int) -> NDArray[np.float32]:
    """Put N clips (S,) into rows (N, longest), with zeros behind them; a single one is not copied."""
    if len(clips) == 1:
        return np.ascontiguousarray(clips[0], np.float32)[None]
    rows = np.zeros((len(clips), longest), np.float32)
    for number, clip in enumerate(clips):
        rows[number, : len(clip)] = clip
    return rows


def fault(row: NDArray[np.float32], target: Target | None) -> AudioError | None:
    """Return what is wrong with what a model gives for a clip (K,): probabilities that do not sum to 1, or NaN."""
    output = target.output if target else "probabilities"
    sound = abs(float(row.sum()) - 1) < _OFF if output == "probabilities" else bool(np.isfinite(row).all())
    return None if sound else AudioError(f"the model gives no {output} ({row[:3].tolist()} ...); export it again")


def open_model(path: Path, providers: Providers, task: str | None = None) -> Model:
    """Open a file that ``emonet-bench export`` wrote; one that has a twin is itself loaded when it is first needed.

    Args:
        path: The file.
        providers: Where to compute.
        task: Which of a bank's tasks.

    Raises:
        ConfigError: As ``open_tasks`` does; or it has no such task.
    """
    tasks = open_tasks(path, providers)
    if task in tasks:
        return tasks[task]
    if None in tasks:
        raise ConfigError(f"task: {path} holds a single one; leave it out")
    given = "" if task is None else f", not {task!r}"
    raise ConfigError(f"task: {path} holds several; give one of {', '.join(map(str, tasks))}{given}")


def open_tasks(path: Path, providers: Providers) -> dict[str | None, Model]:
    """Open a file once, for all that it holds: of a bank a model for each task, of any other file one, under None.

    Raises:
        ConfigError: It is missing, not ONNX or not ours; or CUDA was asked for and does not work.
    """
    if known := _opened_twin(path, providers):
        return {None: known}
    session = open_session(path, providers)
    metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    labels, input_spec, target = read_facts(path, metadata)
    output = target.output if target else "probabilities"
    takes_lengths = _takes_lengths(path, session, {"task"} if isinstance(labels, dict) else set(), output)
    _check_width(path, session, len(labels) if isinstance(labels, list) else max(map(len, labels.values())), output)
    if isinstance(labels, list):
        return {None: Model(session, metadata, tuple(labels), input_spec, None, None, takes_lengths, target)}
    return {
        name: Model(session, metadata, tuple(own), input_spec, number)
        for number, (name, own) in enumerate(labels.items())
    }


def twin_path(path: Path) -> Path:
    """Return where a file's unmasked twin lies: ``model.single.onnx`` beside ``model.onnx``."""
    return path.with_suffix(".single.onnx")


def _opened_twin(path: Path, providers: Providers) -> Model | None:
    """Open a file by its twin, where there is one, and it is this very file's: it says all that the file says."""
    if not (path.is_file() and (twin := twin_path(path)).is_file()):  # "/" has no name that could be changed
        return None
    session = open_session(twin, providers)
    metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    digest = _digest(path)
    if metadata.pop(TWIN_OF, None) != digest:
        return None
    labels, input_spec, target = read_facts(twin, metadata)
    if not isinstance(labels, list):  # of a bank, which has none
        return None
    _check_width(twin, session, len(labels), target.output if target else "probabilities")
    late = LateSession(partial(_unchanged, path, providers, digest))
    return Model(late, metadata, tuple(labels), input_spec, None, session, target=target)


def _unchanged(path: Path, providers: Providers, digest: str) -> onnxruntime.InferenceSession:
    if _digest(path) != digest:
        raise ConfigError(f"{path}: has changed since it was opened; open it again")
    return open_session(path, providers)


def _digest(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _takes_lengths(path: Path, session: onnxruntime.InferenceSession, more: set[str], output: str) -> bool:
    """Tell whether a file takes ``lengths`` beside ``waveform`` and what more it must take; a bank always does."""
    inputs, outputs = ({value.name for value in given} for given in (session.get_inputs(), session.get_outputs()))
    wanted = [{"waveform", "lengths"} | more, *([] if more else [{"waveform"}])]
    if inputs not in wanted or output not in outputs:
        took, gave = (", ".join(sorted(names)) for names in (inputs, outputs))
        raise ConfigError(f"{path}: takes {took} and gives {gave}, unlike what emonet-bench writes; {REMEDY}")
    return "lengths" in inputs


def _check_width(path: Path, session: onnxruntime.InferenceSession, labels: int, name: str) -> None:
    (output,) = (value for value in session.get_outputs() if value.name == name)
    rank, width = len(output.shape), output.shape[-1] if output.shape else None
    if output.type != "tensor(float)" or rank != 2 or (isinstance(width, int) and width != labels):  # noqa: PLR2004
        raise ConfigError(
            f"{path}: gives {name} {output.type.removeprefix('tensor')} {output.shape} for {labels} labels; {REMEDY}"
        )
