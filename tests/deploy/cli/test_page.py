"""``emonet-predict page``: what it hands to the writer of the page, and what it says."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from emonet_bench.deploy.cli import main
from emonet_bench.deploy.serving import browser


def page(*arguments):
    return CliRunner().invoke(main, ["page", *map(str, arguments)], prog_name="emonet-predict")


def test_model_directory_and_runtime_are_written_as_given(monkeypatch):
    seen = []
    monkeypatch.setattr(browser, "write_page", lambda *given: seen.append(given))
    first = page("m.onnx", "-o", "here")
    page("m.onnx", "-o", "here", "--runtime", "ort")
    assert seen == [(Path("m.onnx"), Path("here"), None), (Path("m.onnx"), Path("here"), Path("ort"))]
    assert first.stdout.startswith(f"{Path('here') / 'index.html'}: open it in a browser")


def test_a_model_that_is_none_is_one_line_and_no_page(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    done = page(tmp_path / "m.onnx", "-o", tmp_path / "page")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert "m.onnx" in done.stderr
    assert not (tmp_path / "page").exists()


def test_a_page_needs_a_place():
    done = page("m.onnx")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "'--output'" in done.stderr
