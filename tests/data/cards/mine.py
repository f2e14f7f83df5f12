"""A card of one's own: names give a clip's number, tables the rest."""

from emonet_bench.data.cards import corpus_at

CARD = """
title = "Mine"
homepage = "https://example.org"
licence = "CC0-1.0"
redistributable = "yes"
citation = "@misc{mine}"
languages = ["en"]
elicitation = "acted"
patterns = ['clip\\d+']
[[tables]]
files = "*.txt"
row = '(?:.*/)?(?P<partition>learn|tune|check)\\.txt:(?P<id>\\d+) (?P<label>\\w) (?P<speaker>\\w+)'
name = "clip{id}"
[labels]
n = "neutral"
a = "anger"
x = false
[partitions]
learn = "train"
tune = "dev"
check = "test"
[protocols.official]
own = true
"""


def listed(folder):
    """Return the names of a folder's utterances, the files that are none, and the rows that are none."""
    listing = corpus_at("mine", folder).load()
    return [u.name for u in listing], listing.unmatched_files, listing.unmatched_rows
