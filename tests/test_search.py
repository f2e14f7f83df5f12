"""The page on searches: its example, typed as it stands."""

import re

from tests.test_readme import ROOT, typed

PAGE = ROOT / "docs" / "search.md"


def block(kind: str) -> str:
    """Return the page's first block of a kind."""
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_pages_example_tunes_a_row_and_tells_what_was_chosen(tmp_path):
    (tmp_path / "search.toml").write_text(block("toml"), encoding="utf-8")
    printed = typed(f"set -e\n{block('sh')}", tmp_path)
    assert "synthetic-acted svm scratch s0: at most 4 random trials, then tuned: to do" in printed
    assert len(list(tmp_path.glob("tuned/synthetic-acted-svm-scratch-s0-trial-*/result.json"))) == 4
    assert len(list(tmp_path.glob("tuned/synthetic-acted-svm-scratch-s0-tuned-*/result.json"))) == 1
    assert re.search(r"svm scratch tuned: features = \w+, num_mels = \d+", " ".join(printed.split()))
    page = (tmp_path / "tuned.html").read_text(encoding="utf-8")
    assert "Dev score of the trials" in page
