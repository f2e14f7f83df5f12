"""Matching: the first pattern that fits a text as a whole."""

import json
import subprocess
import sys

from emonet_bench.data.cards import matching
from emonet_bench.data.cards.matching import first_matches


def test_the_first_pattern_that_fits_the_whole_text_is_taken():
    patterns = [r"(?P<label>a)\d", r"(?P<label>.)(?P<speaker>\d\d)?", r".*"]
    assert first_matches(patterns, ["a1", "b", "b12", "a1 ", ""]) == [
        {"label": "a"},
        {"label": "b", "speaker": None},
        {"label": "b", "speaker": "12"},
        {},
        {},
    ]


def test_a_text_that_no_pattern_fits_has_no_match():
    assert first_matches(["a", "b"], ["ab", "a"]) == [None, {}]
    assert first_matches([], ["a"]) == [None]
    assert first_matches(["a"], []) == []


def test_the_module_is_a_program_that_needs_nothing_but_python_itself():
    asked = json.dumps([["(?P<label>ä)"], ["ä", "b"]])
    command = [sys.executable, "-I", "-S", matching.__file__]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"label": "ä"}, None]
