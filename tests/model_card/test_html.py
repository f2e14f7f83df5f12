"""A card as a page: it needs nothing from elsewhere, and text of others is text."""

from html.parser import HTMLParser

from emonet_bench.model_card.html import render_html, robustness_curves
from emonet_bench.model_card.record import ModelCard


class Names(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_it_needs_no_network_and_runs_no_script(card):
    found = Names(render_html(card))
    assert found.links == ["data:,"]
    assert "script" not in found.tags
    assert "http" not in render_html(card)


def test_it_draws_a_curve_for_every_family_that_varies(card):
    families = {one.family for one in card.robustness.conditions}
    drawn = [family for family, _ in robustness_curves(card)]
    assert {"white noise", "gain", "reverberation", "cut"} <= set(drawn) < families
    assert Names(render_html(card)).tags.count("svg") >= len(drawn)


def test_names_of_others_are_text(card):
    text = card.model_dump_json().replace('"calm"', '"<script>x</script>"').replace("m.onnx", "<img src=x>.onnx")
    found = Names(render_html(ModelCard.model_validate_json(text)))
    assert "script" not in found.tags
    assert "img" not in found.tags
