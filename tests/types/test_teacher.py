"""Teachers: descriptors that need no torch."""

import runpy
import sys

from emonet_bench.types import TeacherRun, teacher


def test_the_module_is_imported_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # whoever imports it fails
    assert "Teacher" in runpy.run_path(teacher.__file__)


def test_a_teacher_has_the_options_of_the_matrix_where_nothing_else_is_said():
    assert TeacherRun("svm", "scratch") == TeacherRun("svm", "scratch", {})
