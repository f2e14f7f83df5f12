"""The teacher of a cell: who it is, and what it says of the clips that the student hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from emonet_bench.data.dataset import Clips
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.training.teachers import consult, consult_pretrained
from emonet_bench.types import Teacher


def teacher_of(
    spec: RunSpec,
    run: Path | None,
    clips: Mapping[str, Clips],
    heard: Mapping[str, Clips],
    plugins: Plugins,
) -> Teacher:
    """Ask the teacher of a run about all clips that the student hears.

    Args:
        spec: The run.
        run: Directory of the run that teaches; None: a network teaches as it is built.
        clips: The student's training clips, those without labels included.
        heard: All clips of the same corpora at the teacher's sampling rate.
        plugins: Where architectures and strategies are registered.
    """
    user = f"the teacher of {spec.architecture} on {spec.corpus}"
    same = {name: _named(heard[name], own) for name, own in clips.items()}
    if run is not None:
        teacher = consult(run, same, plugins, user)
        title = f"{teacher.title}, a run on the same training clips"
    else:
        assert spec.teacher is not None
        teacher = consult_pretrained(
            spec.teacher.architecture, spec.teacher.options, same, spec.training, plugins, user
        )
        title = teacher.title
    if spec.unlabelled:
        count = sum(len(clips[name]) for name in spec.unlabelled if name in clips)
        title += f", and on {count} unlabelled clips of {', '.join(spec.unlabelled)}"
    return replace(teacher, title=title)


def inherited_teacher(source: Checkpoint | None) -> str | None:
    """Say who taught the network that a run starts from; None: nobody."""
    taught: str | None = source.header.get("teacher") if source else None
    return taught and f"{taught}, by way of its source"


def _named(heard: Clips, own: Clips) -> Clips:
    """Return the clips of the same names, in their order."""
    place = {name: number for number, name in enumerate(heard.names)}
    return heard.select([place[name] for name in own.names])
