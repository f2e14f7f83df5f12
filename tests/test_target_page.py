"""docs/targets.md: its example, executed, and what it says of losses."""

import re
import warnings
from pathlib import Path

import pytest

from emonet_bench.plugins.loading import Plugins
from tests.in_process import cells_in_this_process

PAGE = Path(__file__).parents[1] / "docs" / "targets.md"


def test_the_pages_example_comes_near_the_best_that_raters_allow(tmp_path, monkeypatch, capsys):
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names = {"__name__": "notebook"}
    monkeypatch.chdir(tmp_path)
    with cells_in_this_process(), warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(block, str(PAGE), "exec"), names)
    assert 0.85 < names["ceiling"] < 1
    assert names["reached"] > 0.5
    assert names["reached"] < names["ceiling"] + 0.03
    assert names["prediction"].values.shape == (1,)
    assert "on a scale from 1 to 7" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["label", "votes", "label-set", "values"])
def test_the_page_names_the_losses_of_each_kind(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    said = set(re.findall(r"`([a-z]+)`", row.split("|")[4]))
    assert said == {loss.name for loss in Plugins(corpora=False).losses.values() if kind in loss.kinds}
