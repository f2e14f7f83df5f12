"""The model card of a bank: its tasks, and what it saves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from emonet_bench.escaping import json_text, markdown, markdown_code, markdown_table
from emonet_bench.export.card import LIMITS

_HEAD = ("task", "labels", "test UAR", "onnxruntime", "largest difference", "licence", "run")


class Size(NamedTuple):
    """What a file holds."""

    name: str
    numbers: int
    bytes: int


def bank_card(metadata: Mapping[str, Mapping[str, str]], sizes: Sequence[Size], file: str) -> str:
    """Write a bank's model card in Markdown.

    Args:
        metadata: What each task alone would say, see ``metadata_of``.
        sizes: Of one model, of one for each task, and of the bank.
        file: The file's name.
    """
    return f"""# {len(metadata)} tasks on one network

{markdown_code(file)} names the emotion in speech, with the labels of whichever task it is asked for.

## Tasks

{markdown_table(_HEAD, _tasks(metadata))}

UAR is the mean recall over a task's labels; in brackets its 95 % interval. Difference: of a logit between onnxruntime
and the trained network.

## Size

{size_table(sizes)}

Numbers are weights and the statistics of batch norms; the file also holds the tables of the front end.

## Use

```python
from emonet_bench.deploy import Predictor  # with emonet-predict alone: from emonet_predict import Predictor

for prediction in Predictor({json_text(file)}, task={json_text(next(iter(metadata)))}).predict(["clip.wav"]):
    print(prediction.label, prediction.probabilities)
```

Or with onnxruntime alone. In: `waveform` float32 (batch, samples), `lengths` int64 (batch), and `task` int64 (), the
row of the table above, counted from 0. Out: `probabilities` and `logits` (batch, most labels), of which a task's own
stand first (the others have probability 0 and a logit of minus infinity), and `embedding` (batch, features).

{LIMITS}
"""


def size_table(sizes: Sequence[Size]) -> str:
    """Compare sizes with that of one model."""
    one = sizes[0]
    rows = [
        (size.name, f"{size.numbers:,}", f"{size.numbers / one.numbers:.2f}", f"{size.bytes / 2**20:.2f} MiB")
        for size in sizes
    ]
    return markdown_table(("", "numbers", "of one model", "file"), rows)


def _tasks(metadata: Mapping[str, Mapping[str, str]]) -> list[Sequence[str]]:
    return [
        (
            markdown_code(task),
            markdown(", ".join(json.loads(own["labels"]))),
            f"{float(own['uar']):.3f} [{', '.join(f'{bound:.3f}' for bound in json.loads(own['uar_interval']))}]",
            f"{float(own['uar_onnx']):.3f}" if own["uar_onnx"] else "-",
            own["parity_max_delta"],
            markdown(own["licence"]) + (" (generated audio)" if own["synthetic"] == "true" else ""),
            markdown_code(own["run_id"]),
        )
        for task, own in metadata.items()
    ]
