import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from emonet_bench.cli.corpora import corpora
from emonet_bench.plugins import Selection


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)

    def run(*arguments):
        return CliRunner().invoke(corpora, arguments, obj=Selection(names=("corpora",), corpora_dir=tmp_path))

    return run


def row(output, name):
    return next(line.split() for line in output.splitlines() if line.split()[:1] == [name])


@pytest.fixture
def miniature(tmp_path):
    """Emo-DB with two half-second clips of each speaker."""
    (tmp_path / "emodb" / "wav").mkdir(parents=True)
    for speaker in ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16"):
        for emotion in "WN":
            soundfile.write(tmp_path / "emodb" / "wav" / f"{speaker}a01{emotion}a.wav", np.ones(8000) / 2, 16_000)


def test_the_list_tells_clips_found_and_expected(invoke, miniature):
    result = invoke("list")
    assert result.exit_code == 0
    assert row(result.output, "emodb")[1:4] == ["20/535", "7", "de"]
    assert row(result.output, "ravdess")[1] == "0/1440"
    assert row(result.output, "synthetic-acted")[1:3] == ["generated", "200"]
    assert "corpora show NAME" in result.output


def test_the_list_makes_no_audio(invoke, tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    assert invoke("list").exit_code == 0
    assert not (tmp_path / "cache").exists()


def test_show_tells_the_card_and_what_each_partition_holds(invoke, miniature):
    result = invoke("show", "emodb")
    assert result.exit_code == 0
    assert "Berlin Database of Emotional Speech" in result.output
    assert "@inproceedings{burkhardt2005emodb" in result.output
    assert "speaker 08 has no disgust" in result.output
    assert "protocol speakers: fixed by speaker" in result.output
    assert row(result.output, "train")[1:5] == ["12", "6", "0.1", "6"]
    assert row(result.output, "dev")[1:4] == ["4", "2", "0.0"]
    assert row(result.output, "test")[1:4] == ["4", "2", "0.0"]


def test_show_says_which_fold_it_shows_and_counts_bad_files_nowhere(invoke, tmp_path):
    (tmp_path / "mine").mkdir()
    rows = "".join(f"{n}.wav,{'ab'[n % 2]},s{n // 2}\n" for n in range(12))
    (tmp_path / "mine" / "utterances.csv").write_text(f"file,label,speaker\n{rows}", encoding="utf-8")
    result = invoke("show", "mine")
    assert result.exit_code == 0
    assert "protocol folds5: 5 folds by speaker, the first of them:" in result.output
    assert row(result.output, "test") == ["test", "4", "2", "bad", "files", "2", "2"]


def test_show_of_absent_audio_tells_where_it_comes_from(invoke):
    result = invoke("show", "ravdess")
    assert result.exit_code == 0
    assert "get it from https://zenodo.org/records/1188976" in result.output


def test_an_unknown_name_meets_a_suggestion(invoke):
    assert "did you mean 'emodb'?" in str(invoke("show", "emodbb").exception)


def test_listing_corpora_does_not_import_torch():
    code = (
        "import sys; from click.testing import CliRunner; from emonet_bench.cli.corpora import corpora; "
        "assert CliRunner().invoke(corpora, ['list']).exit_code == 0; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
