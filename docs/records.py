"""Writes the page on results from the model of a run's record: ``python docs/records.py`` after a change of it."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue

from emonet_bench.config import Training
from emonet_bench.runs.files import CHECKPOINT, LOG, RECORD, SHARED
from emonet_bench.runs.history import COLUMNS as HISTORY
from emonet_bench.runs.predictions import COLUMNS as PREDICTIONS
from emonet_bench.runs.predictions import PREFIX
from emonet_bench.runs.record import RunRecord
from emonet_bench.types import Partition

PAGE = Path(__file__).with_name("results.md")

_HEAD = """# A run's directory

`results/<corpus>-<architecture>-<strategy>-s<seed>[-f<fold>]-<hash8>/` is written aside (in `results/.pending/`) and
renamed into place when the run has finished; a name that file systems would not take is cut and told apart by a hash.
Nothing in it is pickled. (`docs/records.py` writes this page from the types that write the files.)

| file | content |
|---|---|
"""

_RECORD = """
## result.json

Numbers are finite, texts and lists bounded, unknown keys refused; a key is left out where there is nothing to say.
Records and tables of schema 1 are still read: their columns of probabilities had no prefix.

"""

_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "any",
    JsonValue: "any",
    type(None): "null",
}


def results_page() -> str:
    """Describe the files in a run's directory and every key of its record."""
    files = {
        RECORD: "the record below",
        "predictions.csv": f"`{', '.join(PREDICTIONS)}`, then one column `{PREFIX}<label>` for each label, "
        "in declared order; dev and test. Of a joint run `predictions-<corpus>.csv` for each corpus",
        "history.csv": f"`{', '.join(HISTORY)}`; with another `training.selection`, `dev_` and its name",
        CHECKPOINT: f"weights; the header says what they belong to. Of a joint run also `{SHARED}`, what its corpora "
        "share, and `model-<corpus>.safetensors`, what each has for itself",
        LOG: "what the cell logged, warned of and printed",
        "model.onnx, model.json, model.md": "where the run was exported; of a joint run `model-<corpus>.onnx` "
        "for each corpus",
    }
    return _HEAD + _rows((f"`{name}`", text) for name, text in files.items()) + _RECORD + "\n".join(_tables())


def _tables() -> list[str]:
    """Describe the record and every model in it, in the order in which they occur."""
    waiting: list[type[BaseModel]] = [RunRecord]
    done: list[type[BaseModel]] = []
    for model in waiting:
        done.append(model)
        found = [part for field in model.model_fields.values() for part in _models(field.annotation)]
        waiting += [part for part in dict.fromkeys(found) if part not in waiting]
    return [_table(model) for model in done if model is not Training]  # which has a page of its own


def _table(model: type[BaseModel]) -> str:
    fields = model.model_fields.items()
    rows = ((f"`{name}`", _kind(field.annotation), field.description or "") for name, field in fields)
    title = (model.__doc__ or "").replace("``", "`")
    return f"### {model.__name__}\n\n{title}\n\n| key | value | meaning |\n|---|---|---|\n{_rows(rows)}"


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def _kind(annotation: Any) -> str:  # noqa: PLR0911 - one for each kind
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(kind) for kind in arguments if kind is not type(None))
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"by {'partition' if arguments[0] == Partition else 'name'}: {_kind(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        name = annotation.__name__
        return name if annotation is Training else f"[{name}](#{name.lower()})"
    return _NAMES[annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


if __name__ == "__main__":
    PAGE.write_text(results_page(), encoding="utf-8")
