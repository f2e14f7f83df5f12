"""The calling script: what worker processes cannot import is told before any is started."""

import sys
from types import SimpleNamespace

import pytest

from emonet_bench import run_matrix
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.script import check_script


def test_a_script_from_standard_input_is_told_to_be_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__="<stdin>", __spec__=None))
    with pytest.raises(ConfigError, match=r"<stdin>: is no file .* save the script"):
        run_matrix({"corpora": ["synthetic-acted"]}, results=tmp_path / "results")
    check_script("ray")  # whose workers import no script


@pytest.mark.parametrize("main", [{}, {"__file__": __file__, "__spec__": None}, {"__file__": "x", "__spec__": "m"}])
def test_a_notebook_a_file_and_a_module_are_fine(monkeypatch, main):
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(**main))
    check_script("processes")
