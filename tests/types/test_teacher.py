"""Teachers: descriptors that need no torch."""

import runpy
import sys

from emonet_bench.types import TeacherRun, teacher


def test_the_module_is_imported_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # whoever imports it fails
    assert "Teacher" in runpy.run_path(teacher.__file__)


def test_a_teacher_is_trained_from_scratch_by_the_matrix_options_where_nothing_else_is_said():
    assert TeacherRun("svm") == TeacherRun("svm", {}, "scratch")
