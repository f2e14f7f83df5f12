import pytest

from emonet_bench.audit import VERDICTS, Finding, refuse_leaks, verdict
from emonet_bench.errors import CorpusError

FOUND = {
    "note": Finding("texts", "note", "1 text"),
    "warning": Finding("clipping", "warning", "2 clips"),
    "speakers": Finding("speakers", "unknown", "3 clips have no speaker"),
    "counts": Finding("counts", "unknown", "4 of 5 clips"),
    "leak": Finding("identical", "leak", "6 groups"),
}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], "clean"),
        (["note"], "clean"),
        (["note", "warning"], "warnings"),
        (["warning", "speakers"], "speakers unknown"),
        (["speakers", "counts"], "incomplete"),
        (["counts", "warning"], "incomplete"),
        (["counts", "speakers", "leak"], "leaking"),
    ],
)
def test_the_verdict_is_that_of_the_worst_finding(kinds, expected):
    assert verdict(FOUND[kind] for kind in kinds) == expected
    assert expected in VERDICTS


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["leak", "speakers"], "leaks: 6 groups; choose another protocol"),
        (
            ["speakers", "counts", "note"],
            "cannot be shown to be free of leaks: 3 clips have no speaker; 4 of 5 clips; complete the corpus",
        ),
    ],
)
def test_strictness_refuses_leaks_and_what_may_hide_them(kinds, words):
    with pytest.raises(CorpusError) as caught:
        refuse_leaks("mine", "own", (FOUND[kind] for kind in kinds))
    assert str(caught.value) == f"corpus mine: protocol 'own' {words}, or run without --strict"


def test_strictness_lets_warnings_pass():
    findings = [FOUND["note"], FOUND["warning"]]
    refuse_leaks("mine", "own", findings)
    assert verdict(findings) == "warnings"
