import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from emonet_bench.cli.corpora import corpora
from emonet_bench.plugins.loading import Selection


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
    return tmp_path / "emodb" / "wav"


def test_the_list_tells_clips_found_and_expected(invoke, miniature):
    result = invoke("list")
    assert result.exit_code == 0
    assert row(result.output, "emodb")[1:4] == ["20/535", "7", "de"]
    assert row(result.output, "ravdess")[1] == "0/1440"
    assert row(result.output, "synthetic-acted")[1:3] == ["generated", "200"]
    assert "corpora show NAME" in result.output


def test_the_list_says_that_it_was_given_no_directory(tmp_path):
    typo = tmp_path / "typo"
    given = Selection(names=("corpora",), corpora_dir=typo)
    told = CliRunner().invoke(corpora, ["list"], obj=given).output
    assert told.endswith(f"Corpora are looked for in {typo}, which is no directory; --corpora-dir names another.\n")
    typo.mkdir()
    assert "no directory" not in CliRunner().invoke(corpora, ["list"], obj=given).output


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


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder outside the corpora directory, and a configuration of the test's own."""
    monkeypatch.setenv("EMONET_BENCH_CONFIG_DIR", str(tmp_path / "config"))
    folder = tmp_path / "away" / "from home"
    folder.mkdir(parents=True)
    return folder


def test_a_known_corpus_may_lie_anywhere(invoke, elsewhere):
    soundfile.write(elsewhere / "03a01Wa.wav", np.ones(8000) / 2, 16_000)
    result = invoke("add", "emodb", str(elsewhere))
    assert result.exit_code == 0
    assert "emodb: 1 of 535 clips" in result.output
    assert row(invoke("list").output, "emodb")[1] == "1/535"


def test_a_folder_with_tables_becomes_a_corpus_by_its_name(invoke, elsewhere):
    rows = "".join(f"{n}.wav,{'ab'[n % 2]},s{n // 2}\n" for n in range(12))
    (elsewhere / "utterances.csv").write_text(f"file,label,speaker\n{rows}", encoding="utf-8")
    assert "mine: 12 of 12 clips" in invoke("add", "mine", str(elsewhere)).output
    assert row(invoke("list").output, "mine")[1] == "12/12"


@pytest.mark.parametrize(
    ("name", "words"), [("mine", "no table for train"), ("emodb", "no file under"), ("a b", "use letters")]
)
def test_what_is_no_corpus_is_not_added(invoke, elsewhere, name, words):
    (elsewhere / "x.wav").touch()
    result = invoke("add", name, str(elsewhere))
    assert words in str(result.exception)
    assert not (elsewhere.parents[1] / "config").exists()


def test_a_registered_folder_that_has_gone_costs_that_corpus_alone(invoke, elsewhere):
    (elsewhere / "utterances.csv").write_text("file,label,speaker\na,x,1\nb,y,2\n", encoding="utf-8")
    assert invoke("add", "mine", str(elsewhere)).exit_code == 0
    (elsewhere / "utterances.csv").unlink()
    with pytest.warns(RuntimeWarning, match="corpus mine is left out"):
        result = invoke("list")
    assert row(result.output, "emodb")[1] == "0/535"


def test_a_folder_of_the_corpora_directory_goes_before_a_registered_one(invoke, elsewhere, miniature):
    soundfile.write(elsewhere / "03a01Wa.wav", np.ones(8000) / 2, 16_000)
    invoke("add", "emodb", str(elsewhere))
    assert row(invoke("list").output, "emodb")[1] == "20/535"


def test_a_damaged_registration_is_named(invoke, elsewhere):
    (elsewhere.parents[1] / "config").mkdir()
    (elsewhere.parents[1] / "config" / "corpora.toml").write_text("mine = 3", encoding="utf-8")
    assert "corpora.toml: mine: give the directory as a string" in str(invoke("list").exception)


def test_show_draws_how_long_clips_are(invoke, miniature):
    soundfile.write(miniature / "03a01Wa.wav", np.ones(32_000) / 2, 16_000)
    result = invoke("show", "emodb")
    lines = [line.split() for line in result.output.splitlines() if line.split()[1:2] == ["to"]]
    assert (lines[0][:4], lines[-1][:4]) == (["0.5", "to", "1.2", "19"], ["1.2", "to", "2.0", "1"])
    assert len(lines[0][4]) > 10 * len(lines[-1][4])


def test_clips_of_one_length_are_drawn_in_one_bar_from_that_length_on(invoke, miniature):
    lines = [line.split() for line in invoke("show", "emodb").output.splitlines() if line.split()[1:2] == ["to"]]
    assert [line[:4] for line in lines] == [["0.5", "to", "0.6", "20"]]


def test_an_audit_prints_its_findings_and_a_verdict(invoke, miniature):
    result = invoke("audit", "emodb")
    assert result.exit_code == 1  # every clip is the same
    assert "20 clips; 535 are expected" in result.output
    assert result.output.rstrip().endswith("emodb, protocol speakers, 20 of 535 clips: leaking")


def test_an_audit_may_be_read_by_a_program(invoke, miniature):
    result = invoke("audit", "emodb", "--json", "--protocol", "loso")
    found = json.loads(result.stdout)
    assert (found["corpus"], found["protocol"], found["clips"], found["verdict"]) == ("emodb", "loso", 20, "leaking")
    (leak,) = [finding for finding in found["findings"] if finding["level"] == "leak"]
    assert leak["check"] == "identical"
    assert (
        invoke("audit", "emodb", "--protocol", "x").exception.args[0].startswith("corpora.emodb.protocol: unknown 'x'")
    )


def test_an_audit_does_not_import_torch():
    code = "import sys; import emonet_bench.cli.audit; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_show_tells_the_challenges_of_a_corpus(invoke):
    output = invoke("show", "msp-podcast").output
    assert "challenge attributes" in output
    assert "task 2: arousal, valence and dominance" in output
