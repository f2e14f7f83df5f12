"""Licences: every card of this repository whose terms are for research or non-commercial use is found."""

import pytest

from emonet_bench.deploy.licence import restricts_use


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY-NC-SA 4.0",
        "on request, for research, by agreement with the university",
        "free of charge for academic purposes",
        "non-commercial use only",
        "noncommercial",
    ],
)
def test_terms_that_restrict_use_are_found(licence):
    assert restricts_use(licence)


@pytest.mark.parametrize("licence", ["CC BY 4.0", "CC0-1.0", "Open Database License (ODbL) 1.0", "MIT", "", "once"])
def test_others_are_not(licence):
    assert not restricts_use(licence)
