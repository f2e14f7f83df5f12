"""The library: what the package offers by itself, and the notebook of docs/library.md, executed."""

import re
import runpy
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest

import emonet_bench
from emonet_bench import load_results, run_matrix
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.plugins.loading import Selection
from tests.in_process import cells_in_this_process

PAGE = Path(__file__).parents[1] / "docs" / "library.md"
HEAVY = ("torch", "pandas", "pydantic", "sklearn", "onnxruntime", "rich", "click", "pluggy", "numpy")


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, emonet_bench; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other():
    for name in emonet_bench.__all__:
        assert getattr(emonet_bench, name) is getattr(emonet_bench, name)
        assert name in dir(emonet_bench)
    with pytest.raises(AttributeError, match="run_matrices"):
        emonet_bench.run_matrices  # noqa: B018


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The page's Python, executed as one notebook: its names, and the directory that it ran in."""
    folder = tmp_path_factory.mktemp("notebook")
    names = {"__name__": "notebook"}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.chdir(folder)
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            exec(compile(block, str(PAGE), "exec"), names)
    return names, folder


def test_the_pages_notebook_runs_a_matrix_and_gives_a_frame(notebook):
    names, folder = notebook
    frame = names["frame"]
    assert isinstance(frame, pd.DataFrame)
    assert set(zip(frame.corpus, frame.architecture, strict=True)) == {
        (corpus, architecture) for corpus in names["matrix"]["corpora"] for architecture in ("chance", "svm")
    }
    chance = frame[frame.architecture == "chance"]
    assert list(chance.score) == pytest.approx(list(chance.chance_level))
    assert names["slowest"].title
    assert len(list((folder / "results").glob("*/result.json"))) == 4


def test_the_pages_figure_is_an_svg_with_a_dot_for_each_score(notebook):
    names, folder = notebook
    text = (folder / "scores.svg").read_text(encoding="utf-8")
    assert text == names["figure"]._repr_svg_()
    circles = ET.fromstring(text).findall(".//{*}circle")
    assert len(circles) == 4


def test_a_frame_says_what_the_report_says(notebook):
    names, folder = notebook
    loaded = load_results(folder / "results")
    pd.testing.assert_frame_equal(loaded.table(), names["frame"])
    for metric in ("accuracy", "macro_f1", "ece"):
        assert set(loaded.table(metric=metric).metric) == {metric}


def test_lifecycle_hooks_of_plugins_fire_without_the_command_line(tmp_path):
    plugin = tmp_path / "heard.py"
    plugin.write_text(
        "from pathlib import Path\nfrom emonet_bench import hookimpl\n\n"
        "@hookimpl\ndef emonet_run_started(spec):\n"
        "    Path(__file__).with_suffix('.txt').write_text(spec.title)\n"
    )
    matrix = {"corpora": ["synthetic-acted"], "architectures": ["chance"]}
    with cells_in_this_process():
        results = run_matrix(matrix, results=tmp_path / "results", limit=8, plugins=Selection(files=(plugin,)))
    assert plugin.with_suffix(".txt").read_text() == "synthetic-acted chance scratch s0"
    assert [record.state for record in results.records] == ["done"]
    assert results.exportable == [next((tmp_path / "results").glob("synthetic*"))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "--device gpu"),
        ({"jobs": 0}, "--jobs 0"),
        ({"shard": "2/1"}, "--shard 2/1"),
        ({"executor": "nowhere"}, "--executor nowhere"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, options, message):
    matrix = {"corpora": ["synthetic-acted"], "architectures": ["chance"]}
    with pytest.raises(ConfigError, match=message):
        run_matrix(matrix, results=tmp_path / "results", limit=8, **options)


def test_a_directory_without_runs_is_named(tmp_path):
    with pytest.raises(StoreError, match="no run that can be read"):
        load_results(tmp_path)


def test_a_script_without_the_guard_is_told_where_its_call_belongs(tmp_path):
    """A worker is spawned: it runs the script once more, as `__mp_main__`, before it does anything."""
    script = tmp_path / "mine.py"
    script.write_text("from emonet_bench import run_matrix\n\ndef main():\n    run_matrix('m.toml')\n\nmain()\n")
    with pytest.raises(SystemExit, match=r"mine\.py: put the call of run_matrix below the line  if __name__ =="):
        runpy.run_path(str(script), run_name="__mp_main__")
