"""HTML: a card as one page that needs no network, with its curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from emonet_bench.escaping import printable
from emonet_bench.model_card.charts import Mark, chart
from emonet_bench.model_card.record import Calibration, ConditionScore, ModelCard
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

_PACKAGE = "emonet_bench.model_card"


def render_html(card: ModelCard) -> str:
    """Render a card as one self-contained page."""
    page = _environment().get_template("card.html")
    content = page.render(
        card=card,
        title=" ".join(filter(None, (card.metadata.get("corpus"), card.metadata.get("architecture")))) or card.file,
        curves=list(robustness_curves(card)),
        groups=[(attribute, list(worst_first(card.subgroups, attribute))) for attribute in ATTRIBUTES],
        calibration=list(calibration_lines(card.calibration)),
        reliability=_reliability(card.calibration),
        risk=_risk(card.calibration),
        gap=card.subgroups.demographic_gap,
        gap_lines=list(gap_lines(card.subgroups)),
        confusion=confusion_rows(card),
        intended=list(intended(card)),
        tested=list(measured_on(card)),
        trained=list(trained(card)),
        limits=list(limits(card)),
        provenance=list(provenance(card)),
        style=(files(_PACKAGE) / "page" / "card.css").read_text(encoding="utf-8"),
    )
    return printable(content)  # autoescaping leaves control characters and marks of direction as they are


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["signed"] = signed
    return environment


def _reliability(found: Calibration) -> str:
    marks = [Mark(one.confidence, one.accuracy, title=f"{one.clips} clips") for one in found.bins]
    return chart("Reliability: accuracy against confidence", "confidence", marks, diagonal=True)


def _risk(found: Calibration) -> str:
    marks = [Mark(one.coverage, one.risk, title=f"{one.coverage:.0%}: {one.risk:.1%}") for one in found.curve]
    return chart("Errors among answers against the share that is answered", "share answered", marks)


def robustness_curves(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Draw each family of conditions that has two values or more: its name and the curve."""
    families: dict[str, list[ConditionScore]] = defaultdict(list)
    for one in card.robustness.conditions:
        if one.value is not None:
            families[one.family].append(one)
    for family, members in families.items():
        if len(members) > 1:
            marks = [
                Mark(one.value or 0.0, one.uar.value, one.uar.low, one.uar.high, f"{one.name}: UAR {one.uar.value:.3f}")
                for one in sorted(members, key=lambda one: one.value or 0.0)
            ]
            yield family, chart(f"UAR under {family}", members[0].unit, marks, card.uar.value)
