"""A card in Markdown: its front matter is what the hub's own library reads, and text of others stays text."""

import pytest
import yaml

from emonet_bench.model_card.markdown import front_matter, render_markdown
from emonet_bench.model_card.record import ModelCard


def test_the_front_matter_is_yaml_with_one_result(card):
    _, text, rest = front_matter(card).split("---\n")
    facts = yaml.safe_load(text)
    assert rest == ""
    assert facts["language"] == ["en"]
    (result,) = facts["model-index"][0]["results"]
    assert result["dataset"] == {"type": "tones", "name": "Tones <of> eight", "config": "speakers", "split": "test"}
    assert result["metrics"][0]["value"] == pytest.approx(card.uar.value, abs=1e-4)


def test_a_language_that_is_no_code_is_kept_out_of_the_front_matter(card):
    named = card.model_copy(update={"data": card.data.model_copy(update={"languages": ["German", "de"]})})
    assert yaml.safe_load(front_matter(named).split("---\n")[1])["language"] == ["de"]
    assert "German" in render_markdown(named)


def test_the_hubs_library_reads_it(card, tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    (tmp_path / "README.md").write_text(render_markdown(card), encoding="utf-8")
    read = hub.ModelCard.load(tmp_path / "README.md").data
    assert (read.library_name, read.pipeline_tag) == ("onnx", "audio-classification")
    results = {one.metric_name: one for one in read.eval_results}
    assert results["Unweighted average recall"].metric_value == pytest.approx(card.uar.value, abs=1e-4)
    assert results["Accuracy"].dataset_split == "test"
    written = yaml.safe_load(front_matter(card).split("---\n")[1])
    assert read.to_dict() == written  # its own types hold all of it, and what it would write is the same


def test_it_says_what_was_measured_on_what(card):
    text = render_markdown(card)
    assert f"| UAR | {card.uar.value:.3f} [" in text
    assert "Grade **" in text
    assert "Measured on the test clips of Tones &lt;of&gt; eight, protocol speakers" in text
    assert "@misc{tones}" in text
    for one in card.robustness.conditions:
        assert one.family in text


def test_names_of_others_are_text(card):
    hostile = card.model_dump_json().replace('"calm"', '"<b>|x"').replace("m.onnx", "a`b.onnx")
    text = render_markdown(ModelCard.model_validate_json(hostile))
    assert "<b>" not in text
    assert "`` a`b.onnx ``" in text
