"""The page on searches: its example, typed as it stands."""

import re
import shlex

from click.testing import CliRunner

from emonet_bench.cli import main
from tests.in_process import cells_in_this_process
from tests.test_readme import ROOT

PAGE = ROOT / "docs" / "search.md"


def block(kind: str) -> str:
    """Return the page's first block of a kind."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def said(line: str) -> str:
    """Run a command of the page in this process and return what it prints."""
    program, *words = shlex.split(line, comments=True)
    assert program == "emonet-bench"
    done = CliRunner().invoke(main, words, prog_name=program)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_pages_example_tunes_a_row_and_tells_what_was_chosen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "search.toml").write_text(block("toml"), encoding="utf-8")
    with cells_in_this_process():
        printed = "".join(said(line) for line in block("sh").splitlines())
    assert "synthetic-acted svm scratch s0: at most 4 random trials, then tuned: to do" in printed
    assert len(list(tmp_path.glob("tuned/synthetic-acted-svm-scratch-s0-trial-*/result.json"))) == 4
    assert len(list(tmp_path.glob("tuned/synthetic-acted-svm-scratch-s0-tuned-*/result.json"))) == 1
    assert re.search(r"svm scratch tuned: features = \w+, num_mels = \d+", " ".join(printed.split()))
    page = (tmp_path / "tuned.html").read_text(encoding="utf-8")
    assert "Dev score of the trials" in page
