"""Model cards, and the metadata inside a file: what an exported model says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from emonet_bench.deploy.metadata import heard, in_words, input_spec_of, target_said, target_text
from emonet_bench.escaping import json_text, markdown, markdown_code, markdown_table
from emonet_bench.runs.facts import target_of
from emonet_bench.runs.record import RunRecord
from emonet_bench.types import InputSpec

SCHEMA_VERSION = "1"
"""Version of the metadata in an exported file that predicts a label."""

TARGET_SCHEMA_VERSION = "2"
"""Version where it predicts something else, which older programs would misread."""

Interval = tuple[float, float]

_STRUCTURED = frozenset({"labels", "uar_interval", "packages"})  # JSON, where they are not empty; the others are text
_HARDWARE = ("platform", "device", "hardware", "cores")
LIMITS = """## Limits

The scores hold for this corpus: its language, its recording conditions, its way of eliciting emotion (often acted).
Elsewhere they fall. A label is the model's guess at how speech sounds, not what a person feels: do not decide about
people by it."""


def metadata_of(record: RunRecord, input_spec: InputSpec, interval: Interval | None = None) -> dict[str, str]:
    """Build an exported file's metadata from a run's record; what has structure is JSON.

    Args:
        record: The run's, of one corpus.
        input_spec: What the network really hears of a clip.
        interval: Confidence interval of the test UAR.
    """
    spec = record.spec
    about = {} if record.target is None else _target_metadata(record)
    return {
        "schema_version": SCHEMA_VERSION,
        "labels": json.dumps(record.labels, ensure_ascii=False),
        "minimum_length": "1",
        **heard(input_spec),
        "architecture": spec.architecture,
        "strategy": spec.strategy,
        "corpus": spec.corpus,
        "licence": record.licence,
        "synthetic": json.dumps(record.synthetic),
        "elicitation": record.elicitation,
        "protocol": spec.protocol,
        "protocol_id": record.protocol_id,
        "fold": "" if spec.fold is None else str(spec.fold),
        "limit": "" if spec.training.limit is None else str(spec.training.limit),
        "fingerprint": record.fingerprint,
        "uar": "" if record.test.uar is None else repr(record.test.uar),
        "uar_interval": "" if interval is None else json.dumps(interval),
        "uar_onnx": "",
        "run_id": record.run_id,
        "packages": json.dumps(_packages(record), sort_keys=True),
        "date": record.finished,  # a run that exports its own model has not finished
        "parity_max_delta": "",
        **about,
    }


def _target_metadata(record: RunRecord) -> dict[str, str]:
    metric, score = record.test.headline
    return {
        "schema_version": TARGET_SCHEMA_VERSION,
        "target": target_text(target_of(record)),
        "metric": metric,
        "score": repr(score),
    }


def joined(metadata: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Join what the tasks of a bank say: what differs is an object with a value for each task, and labels always are.

    >>> joined({"a": {"labels": "[1]", "uar": "0.5"}, "b": {"labels": "[1]", "uar": "0.5"}})
    {'labels': '{"a": [1], "b": [1]}', 'uar': '0.5'}
    """
    first = next(iter(metadata.values()))
    told = {}
    for name, text in first.items():
        values = {task: own[name] for task, own in metadata.items()}
        if name != "labels" and set(values.values()) == {text}:
            told[name] = text
        else:
            plain = {task: json.loads(one) if one and name in _STRUCTURED else one for task, one in values.items()}
            told[name] = json.dumps(plain, ensure_ascii=False)
    return told


def _packages(record: RunRecord) -> dict[str, str]:
    import onnx  # noqa: PLC0415 - slow, and needed only here

    from emonet_bench.deploy.runtime import onnxruntime  # noqa: PLC0415

    software = {name: text for name, text in record.environment.items() if name not in _HARDWARE}
    exporters = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    return {**software, **exporters, **{f"plugin {name}": text for name, text in record.plugins.items()}}


def model_card(metadata: Mapping[str, str], record: RunRecord, file: str) -> str:
    """Write a model card in Markdown (Mitchell et al., 2019, "Model cards for model reporting").

    Args:
        metadata: What the file itself says.
        record: The run's, of one corpus.
        file: The file's name.
    """
    spec = record.spec
    fold = "" if spec.fold is None else f", fold {spec.fold}"
    warning = "\n\n**Trained on generated audio: for trying things out, not for use.**" if record.synthetic else ""
    return f"""# {markdown(f"{spec.corpus}: {spec.architecture}, {spec.strategy}")}

{markdown_code(file)} {_PURPOSES[target_of(record).kind]}: {markdown(", ".join(record.labels))}.{warning}

## Scores

{_scored(metadata, record)}
The best epoch was chosen on dev, test was looked at once. Protocol {markdown_code(spec.protocol)}
({markdown(record.protocol_id)}), seed {spec.seed}{fold}.

## Data

{markdown_table(("partition", "clips", "speakers"), _partitions(record))}

Corpus: {markdown(spec.corpus)}{_elicited(record)}. Licence of its audio: {markdown(record.licence)}.

{usage(metadata, file)}

{LIMITS}

{_provenance(metadata)}
"""


_PURPOSES = {
    "label": "names the emotion in speech, one of",
    "votes": "tells which share of listeners would choose each emotion in speech, of",
    "label-set": "tells which emotions are in speech, any number of",
    "values": "tells where speech lies on scales of emotion",
}


def _scored(metadata: Mapping[str, str], record: RunRecord) -> str:
    """Write the table of scores and what they are; it ends with the line before the next sentence."""
    labels = record.labels
    if record.target is not None:
        parts = record.scores or {}
        rows = [
            (markdown(metric), *(_number((scores.metrics or {}).get(metric)) for scores in parts.values()))
            for metric in record.test.metrics or {}
        ]
        heads = markdown_table(("metric", *map(markdown, parts)), rows)
        return f"{heads}\n\nThe first metric selects on dev; each is computed over the whole partition."
    return f"""{markdown_table(("partition", "UAR", "accuracy", *map(markdown, labels)), _scores(metadata, record))}

UAR is the mean recall over the {len(labels)} labels, whose recalls stand beside it; in brackets its 95 % interval."""


def _scores(metadata: Mapping[str, str], record: RunRecord) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for partition, scores in (record.scores or {}).items():
        known = metadata["uar_interval"] if partition == "test" else ""
        bounds = " [{:.3f}, {:.3f}]".format(*json.loads(known)) if known else ""
        recalls = [_number((scores.recall or {}).get(label)) for label in record.labels]
        rows.append((markdown(partition), _number(scores.uar) + bounds, _number(scores.accuracy), *recalls))
    if metadata["uar_onnx"]:
        rows.append(("test, onnxruntime", _number(float(metadata["uar_onnx"])), "", *("" for _ in record.labels)))
    return rows


def _partitions(record: RunRecord) -> list[Sequence[str]]:
    parts = record.partitions.items()
    return [(markdown(name), str(part.clips), str(part.speakers or "unknown")) for name, part in parts]


def _elicited(record: RunRecord) -> str:
    return f" (elicitation: {markdown(record.elicitation)})" if record.elicitation else ""


def usage(metadata: Mapping[str, str], file: str, *, masked: bool = True) -> str:
    """Write the section of a card that says how a file is used, which takes ``lengths`` or (not masked) does not."""
    lengths = "`lengths` int64 (batch), the valid samples of each row" if masked else "every row full"
    return f"""## Use

```python
from emonet_bench.deploy import Predictor  # with emonet-predict alone: from emonet_predict import Predictor

for prediction in Predictor({json_text(file)}).predict(["clip.wav"]):
    print({_PRINTED[_output(metadata)]})
```

Or with onnxruntime alone. In: `waveform` float32 (batch, samples), mono, {metadata["sampling_rate"]} Hz, in [-1, 1];
{lengths}. Out: `{_output(metadata)}` and `logits` (batch, labels), `embedding` (batch, features).
The front end is inside, and the model hears {in_words(input_spec_of(metadata))}."""


_PRINTED = {
    "probabilities": "prediction.label, prediction.probabilities",
    "scores": "prediction.scores",
    "values": "prediction.values",
}


def _output(metadata: Mapping[str, str]) -> str:
    target = target_said(metadata)
    return target.output if target else "probabilities"


def _provenance(metadata: Mapping[str, str]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in json.loads(metadata["packages"]).items())
    finished = f", finished {markdown(metadata['date'])}" if metadata["date"] else ""
    return f"""## Provenance

Run {markdown_code(metadata["run_id"])}{finished}. Largest difference of a logit between onnxruntime and the trained
network: {metadata["parity_max_delta"]}. Made with {markdown(packages)}."""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
