"""``emonet-bench score``: the template, the figures it prints, and mistakes in one line."""

import json

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.report.external.conftest import add_runs, folder, opened  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture
def places(folder, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("EMONET_BENCH_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "corpora")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["corpora", "add", "theirs", str(folder)])
    assert done.exit_code == 0, done.output


def score(*arguments):
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


@pytest.fixture
def filled(places, tmp_path):
    done = score("--corpus", "theirs", "--template", "clips.csv")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("clips.csv: a line for each test clip, to be filled in\n")
    lines = (tmp_path / "clips.csv").read_text().splitlines()
    assert len(lines) == 41
    cells = [line.split(",") for line in lines[1:]]
    file = tmp_path / "clips.csv"
    file.write_text("\n".join([lines[0], *(",".join([*row[:3], "joy", *row[4:]]) for row in cells)]))
    return file


def test_a_template_that_was_filled_in_is_scored_compared_and_kept(filled, opened, tmp_path):  # noqa: F811
    add_runs(tmp_path / "results", opened)
    done = score(filled, "--corpus", "theirs", "--against", "results", "-o", "results")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("clips on theirs, folds5 (")
    assert "40 test clips in 5 folds" in done.output
    for text in (".333", "net scratch", "recall of anger", "written: results/theirs-clips-external-s0-f0-"):
        assert text in done.output


def test_a_table_that_was_filled_in_is_never_replaced_by_an_empty_one(filled):
    text = filled.read_text()
    done = score("--corpus", "theirs", "--template", filled)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.endswith("clips.csv: lies there already, perhaps filled in; delete it or give another name\n")
    assert filled.read_text() == text
    for _ in range(2):  # the same table may be asked for twice
        assert score("--corpus", "theirs", "--template", "other.csv").exit_code == 0


@pytest.mark.parametrize(("file", "name"), [("my rün 2.csv", "my-r-n-2"), ("2 b.csv", "2-b"), ("ü.csv", "predictions")])
def test_predictions_are_called_after_their_file_as_far_as_a_name_allows(filled, file, name):
    done = score(filled.rename(filled.with_name(file)), "--corpus", "theirs", "--json")
    assert json.loads(done.output)["name"] == name


def test_json_holds_all_of_it(filled):
    done = score(filled, "--corpus", "theirs", "--json", "--name", "angry")
    content = json.loads(done.output)
    assert content["scores"]["uar"] == pytest.approx(1 / 3)
    assert (content["name"], content["clips"], content["intervals"]["uar"]["units"]) == ("angry", 40, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corpus", "theirs"], "give a FILE of predictions, or --template"),
        (["clips.csv", "--corpus", "theirs", "--template", "t.csv"], "give a FILE of predictions, or --template"),
        (["clips.csv", "--corpus", "their"], "unknown corpus 'their'; did you mean 'theirs'"),
        (["clips.csv", "--corpus", "theirs", "--protocol", "fold5"], "did you mean 'folds5'"),
        (["clips.csv", "--corpus", "theirs", "--fold", "8"], "fold 8"),
        (["clips.csv", "--corpus", "theirs", "--name", "my system"], "predictions name 'my system': use letters"),
        (["clips.csv", "--corpus", "theirs", "--against", "absent"], "absent: no such directory"),
        (["absent.csv", "--corpus", "theirs"], "absent.csv: cannot be read"),
        (["--corpus", "theirs", "--template", "absent/t.csv"], "--template absent/t.csv: cannot be written"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_mistake_is_one_line(arguments, message):
    done = score(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


CARD = """
title = "Hidden"
homepage = "https://example.org"
licence = "CC0"
redistributable = "yes"
citation = ""
languages = ["en"]
elicitation = "acted"
patterns = ['(?P<speaker>s\\d)_(?P<label>[AJ])']
[labels]
A = "anger"
J = "joy"
[protocols.loso]
folds = "each"
[challenges.task]
title = "The task"
clips = 'test_\\d'
columns = { FileName = "file", EmoClass = "label" }
"""


@pytest.fixture
def hidden(tmp_path, places):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "card.toml").write_text(CARD)
    for name in ("test_2", "test_1", "s1_A", "s2_J"):
        (tmp_path / "hidden" / f"{name}.wav").touch()
    done = CliRunner().invoke(main, ["corpora", "add", "hidden", "hidden"])
    assert done.exit_code == 0, done.output


@pytest.mark.usefixtures("hidden")
def test_hidden_clips_are_listed_and_handed_in(tmp_path):
    done = score("--corpus", "hidden", "--challenge", "task", "--template", "clips.csv")
    assert done.output == "clips.csv: a line for each hidden clip, to be filled in\n"
    lines = (tmp_path / "clips.csv").read_text().splitlines()
    assert lines[0] == "utterance,file,label,probability:anger,probability:joy"
    filled = [lines[0], lines[1].replace(",,,", ",,.25,.75"), lines[2].replace(",,,", ",,.5,.5")]
    (tmp_path / "clips.csv").write_text("\n".join(filled))
    done = score("clips.csv", "--corpus", "hidden", "--submission", "mine.csv")
    assert done.output == "mine.csv: the table that the challenge takes\n"
    assert (tmp_path / "mine.csv").read_text() == "FileName,EmoClass\ntest_1.wav,J\ntest_2.wav,A\n"


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("test_1,anger\n", [], "no prediction of 1 of 2 test clips, first test_2"),
        ("test_1,anger\ntest_2,joy\ntest_2,joy\n", [], "line 4: test_2 stands in line 3, too"),
        ("s1_A,anger\n", [], "line 2: s1_A is no clip of hidden for The task"),
        ("test_1,anger\n", ["--metric", "uar"], "--metric: nothing is scored where the truth is hidden; leave it out"),
        ("test_1,anger\n", ["--challenge", "tusk"], "--challenge: hidden has no 'tusk'; did you mean 'task'"),
    ],
)
@pytest.mark.usefixtures("hidden")
def test_a_mistake_in_a_submission_is_one_line(tmp_path, content, arguments, message):
    (tmp_path / "mine.csv").write_text(f"utterance,label\n{content}")
    done = score("mine.csv", "--corpus", "hidden", "--submission", "out.csv", *arguments)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.usefixtures("hidden")
def test_a_submission_never_takes_the_place_of_the_predictions(tmp_path):
    (tmp_path / "mine.csv").write_text("utterance,label\ntest_1,joy\ntest_2,anger\n")
    done = score("mine.csv", "--corpus", "hidden", "--submission", "../" + tmp_path.name + "/mine.csv")
    assert done.exit_code == 2
    assert "mine.csv: is read from, and would be replaced; name another file\n" in done.stderr
    assert (tmp_path / "mine.csv").read_text() == "utterance,label\ntest_1,joy\ntest_2,anger\n"


@pytest.mark.usefixtures("hidden")
def test_a_challenge_scores_nothing(tmp_path):
    (tmp_path / "mine.csv").write_text("utterance,label\ntest_1,anger\n")
    done = score("mine.csv", "--corpus", "hidden", "--challenge", "task")
    assert "--challenge: hides the truth of its clips; give --submission CSV" in done.stderr
