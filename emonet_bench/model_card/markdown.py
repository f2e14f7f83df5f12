"""Markdown: a card as a README for the Hugging Face hub, whose front matter names data and scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from emonet_bench.escaping import json_text, markdown, markdown_code, markdown_table
from emonet_bench.model_card.record import Estimate, ModelCard, Robustness, Subgroups
from emonet_bench.model_card.subgroups import ATTRIBUTES, worst_first
from emonet_bench.model_card.words import (
    calibration_lines,
    confusion_rows,
    gap_lines,
    intended,
    limits,
    measured_on,
    provenance,
    signed,
    trained,
)

Rows = Sequence[Sequence[str]]


def render_markdown(card: ModelCard) -> str:
    """Render a card as Markdown with YAML front matter."""
    sections = "\n\n".join(f"## {title}\n\n{text}" for title, text in _sections(card) if text)
    title = markdown(f"{card.metadata.get('corpus', '')}: {card.metadata.get('architecture', '')}".strip(": "))
    lead = f"{markdown_code(card.file)} names the emotion in speech, one of: {markdown(', '.join(card.labels))}."
    return f"{front_matter(card)}\n# {title or markdown(card.file)}\n\n{lead}\n\n{sections}\n"


def front_matter(card: ModelCard) -> str:
    """Write the hub's front matter: YAML, each value of it in the form of JSON, which YAML includes."""
    data, chosen = card.data, card.metadata
    facts: dict[str, Any] = {
        "library_name": "onnx",
        "pipeline_tag": "audio-classification",
        "language": [one for one in data.languages if _CODE.fullmatch(one)],
        "tags": ["speech-emotion-recognition", "onnx", "emonet-bench"],
        "model-index": [
            {
                "name": " ".join(
                    filter(None, (chosen.get("corpus"), chosen.get("architecture"), chosen.get("run_id")))
                ),
                "results": [{"task": _TASK, "dataset": _dataset(card), "metrics": list(_metrics(card))}],
            }
        ],
    }
    lines = (f"{name}: {json_text(value)}" for name, value in facts.items() if value)
    return "\n".join(["---", *lines, "---", ""])


_CODE = re.compile("[a-z]{2,3}")  # of ISO 639: the hub refuses names of languages
_TASK = {"type": "audio-classification", "name": "Speech emotion recognition"}


def _dataset(card: ModelCard) -> dict[str, str]:
    data = card.data
    return {"type": data.corpus, "name": data.title or data.corpus, "config": data.protocol, "split": data.partition}


def _metrics(card: ModelCard) -> Iterator[dict[str, Any]]:
    yield {"type": "recall", "name": "Unweighted average recall", "value": round(card.uar.value, 4)}
    yield {"type": "accuracy", "name": "Accuracy", "value": round(card.accuracy, 4)}


def _sections(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "Scores", _scores(card)
    yield "Robustness", _robustness(card.robustness)
    yield "Subgroups", _subgroups(card.subgroups)
    yield "Calibration", "\n\n".join(map(markdown, calibration_lines(card.calibration)))
    yield "Out of domain", _elsewhere(card)
    yield "Cost", _costs(card)
    yield "Use", "\n\n".join(map(markdown, intended(card)))
    yield "Data", "\n\n".join([*map(markdown, measured_on(card)), _citation(card)]).strip()
    yield "Training", "\n\n".join(map(markdown, trained(card)))
    yield "Limits", "\n\n".join(map(markdown, limits(card)))
    yield "Provenance", "\n\n".join(map(markdown, provenance(card)))


def _scores(card: ModelCard) -> str:
    rows = [(markdown(name), _estimate(value)) for name, value in card.scores.items()]
    head, *lines = confusion_rows(card)
    matrix = markdown_table([*map(markdown, head)], [[*map(markdown, line)] for line in lines])
    return f"{markdown_table(('', card.data.partition), rows)}\n\n{matrix}"


def _robustness(found: Robustness) -> str:
    rows = [
        (
            markdown(one.name) + (" \\*" if one.everyday else ""),
            _estimate(one.uar),
            f"{one.unchanged:.0%}",
            f"{signed(one.change.difference)} [{signed(one.change.low)}, {signed(one.change.high)}]",
        )
        for one in found.conditions
    ]
    grade = f"Grade **{found.grade.letter or 'none'}**"
    decided = f", decided by {markdown(found.grade.decided_by)}" if found.grade.decided_by else ""
    head = ("condition (\\* everyday)", "UAR", "unchanged predictions", "change of UAR")
    rule = f"The rule: {markdown(found.grade.rule)}. {found.clips} clips were changed in each way."
    return f"{grade}{decided}. {rule}\n\n{markdown_table(head, rows)}"


def _subgroups(found: Subgroups) -> str:
    groups = [group for attribute in ATTRIBUTES for group in worst_first(found, attribute)]
    rows = [
        (group.attribute, markdown(group.group), str(group.clips), _count(group.speakers), _estimate(group.uar))
        for group in groups
    ]
    shown = markdown_table(("by", "group", "clips", "speakers", "UAR over its labels"), rows) if rows else ""
    return "\n\n".join(filter(None, (*map(markdown, gap_lines(found)), shown)))


def _count(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _elsewhere(card: ModelCard) -> str:
    rows = [
        (
            markdown(one.kind),
            str(one.clips),
            f"{one.entropy:.2f}",
            f"{one.confidence:.2f}",
            markdown(one.label),
            f"{one.share:.0%}",
        )
        for one in card.out_of_domain
    ]
    return markdown_table(
        ("sounds", "clips", "entropy, of 1", "mean probability", "most frequent label", "share"), rows
    )


def _costs(card: ModelCard) -> str:
    rows = [
        (
            markdown_code(one.file),
            f"{one.bytes / 2**20:.2f} MiB",
            f"{one.load_seconds:.2f} s",
            f"{one.milliseconds:.1f} ms",
            f"{_count(one.peak_memory_mb)} MiB",
        )
        for one in card.cost
    ]
    head = ("file", "size", "load to first answer", "a second of audio, one core", "peak memory")
    return f"{markdown_table(head, rows)}\n\nOn {markdown(card.machine)}, whatever else ran there."


def _citation(card: ModelCard) -> str:
    text = card.data.citation.replace("```", "'''")
    return f"```bibtex\n{text}\n```" if text else ""


def _estimate(found: Estimate) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
