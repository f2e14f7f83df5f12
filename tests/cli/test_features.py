"""``emonet-bench features``: build, list and prune."""

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.errors import ConfigError
from emonet_bench.features.inventory import stored_features

MATRIX = """
corpora = ["synthetic-calls"]
architectures = ["svm", "knn", "chance", "cnn"]
strategies = ["scratch", "finetune"]
seeds = [0, 1]
[training]
limit = 4
"""


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_FEATURES_DIR", str(tmp_path / "features"))
    (tmp_path / "matrix.toml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **options):
        return CliRunner().invoke(main, ["features", *arguments], standalone_mode=False, **options)

    return run


def test_a_matrix_is_built_once_listed_and_removed(invoke, tmp_path):
    done = invoke("build", "matrix.toml", "--jobs", "1")
    assert done.exception is None, done.output
    (kept,) = stored_features(tmp_path / "features")
    assert kept.clips == 12
    assert kept.users == ("knn on synthetic-calls", "svm on synthetic-calls")
    before = {path: path.stat().st_mtime_ns for path in kept.path.glob("*.safetensors")}
    assert invoke("build", "matrix.toml", "--jobs", "1").exception is None
    assert {path: path.stat().st_mtime_ns for path in kept.path.glob("*.safetensors")} == before
    listed = invoke("list")
    assert "svm on" in listed.output
    assert str(tmp_path / "features") in listed.output
    assert invoke("prune", "--unused-for", "1", "--yes").exception is None
    assert len(stored_features(tmp_path / "features")) == 1
    assert invoke("prune", "--all", "--yes").exception is None
    assert stored_features(tmp_path / "features") == []
    assert "No features are kept" in invoke("list").output


def test_nothing_is_removed_unless_it_is_said_what(invoke):
    done = invoke("prune")
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == "say what to remove: --older-than DAYS, --unused-for DAYS or --all"


def test_nothing_is_removed_where_nobody_can_be_asked(invoke, tmp_path):
    invoke("build", "matrix.toml", "--jobs", "1", "--architectures", "svm")
    done = invoke("prune", "--all")
    assert "give --yes" in str(done.exception)
    assert len(stored_features(tmp_path / "features")) == 1


def test_a_matrix_that_is_missing_is_one_line(invoke):
    done = invoke("build", "other.toml")
    assert "other.toml: cannot be read" in str(done.exception)
