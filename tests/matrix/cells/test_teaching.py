"""The teacher of a cell: it is asked about the very clips that the student hears, at its own sampling rate."""

import pytest
import torch

from emonet_bench.matrix.cells import teaching
from emonet_bench.matrix.cells.teaching import inherited_teacher, teacher_of
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.types import Teacher
from tests.toys import toy_clips


def spec(**values):
    return RunSpec(
        corpus="one", protocol="p", architecture="cnn", architecture_options={}, strategy="distill",
        strategy_options={}, training={"device": "cpu", "precision": "float32"}, seed=0, **values,
    )  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    found = {}

    def consult(*arguments):
        found.update(next(value for value in arguments if isinstance(value, dict) and "one" in value))
        return Teacher("svm scratch", {})

    monkeypatch.setattr(teaching, "consult", consult)
    monkeypatch.setattr(teaching, "consult_pretrained", consult)
    return found


def test_it_hears_the_students_clips_in_the_students_order(asked, tmp_path):
    heard = toy_clips(10)
    own = heard.select([7, 2, 5])
    teacher = teacher_of(spec(), tmp_path, {"one": own}, {"one": heard}, None)
    assert asked["one"].names == own.names
    assert torch.equal(asked["one"].starts, own.starts)
    assert teacher.title == "svm scratch, a run on the same training clips"


def test_what_it_says_of_unlabelled_clips_is_told(asked):
    clips = {"one": toy_clips(4), "two": toy_clips(6), "three": toy_clips(3)}
    given = spec(teacher={"architecture": "svm", "options": {}}, unlabelled={"two": "p", "three": "p"})
    assert teacher_of(given, None, clips, clips, None).title == "svm scratch, and on 9 unlabelled clips of two, three"
    assert set(asked) == set(clips)


def test_a_network_that_starts_from_a_taught_one_says_who_taught_it():
    assert inherited_teacher(None) is None
    assert inherited_teacher(Checkpoint({}, {})) is None
    assert inherited_teacher(Checkpoint({}, {"teacher": "svm scratch"})) == "svm scratch, by way of its source"
