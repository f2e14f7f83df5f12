"""Whisper probes of a matrix against a script that does the same by hand with transformers and scikit-learn.

    python benchmarks/probe_by_hand.py [--corpus emodb] [--protocol folds5] [--publish]

Both compute every hidden state of each clip once, and choose layer and C on dev in every fold. What is written
by hand (``by_hand``) shares no code with the project: it reads audio, partitions and labels from where the matrix found
and left them. Their UAR on all test clips should agree; the processor time is of whole processes, imports included.
Needs emonet-ssl, EMONET_BENCH_MODELS_DIR with whisper-base, and EMONET_BENCH_CORPORA_DIR with the corpus.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring import parser, show, table

from emonet_bench import load_results

GRID = (1e-4, 1e-3, 1e-2)  # as the option c_grid of whisper-probe
MARGIN = 16_000  # samples of silence behind a clip


def by_hand(audio: Path, results: Path) -> float:
    """Return the UAR over the test clips of all folds.

    Args:
        audio: Has a file anywhere below it for each clip, of the clip's name.
        results: Holds a folder with ``predictions.csv`` for each fold: its dev and test clips; the others are train.
    """
    from sklearn.metrics import recall_score  # noqa: PLC0415 - the other process needs none of it

    folds = [list(csv.DictReader(path.open(encoding="utf-8"))) for path in sorted(results.glob("*/predictions.csv"))]
    labels = {row["utterance"]: row["truth"] for fold in folds for row in fold}
    files = {path.stem: path for path in audio.rglob("*") if path.stem in labels}
    rows = {name: hidden_states(files[name]) for name in labels}
    truth: list[str] = []
    predicted: list[str] = []
    for fold in folds:
        parts: dict[str, list[str]] = {"dev": [], "test": []}
        for row in fold:
            parts[row["partition"]].append(row["utterance"])
        parts["train"] = [name for name in labels if name not in {*parts["dev"], *parts["test"]}]
        truth += [labels[name] for name in parts["test"]]
        predicted += best_on_dev(parts, labels, rows)
    return float(recall_score(truth, predicted, average="macro"))


def hidden_states(path: Path) -> np.ndarray:
    """Return mean and standard deviation over the clip's own frames of every hidden state, (7, 1024)."""
    import soundfile  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415
    from transformers import WhisperFeatureExtractor, WhisperModel  # noqa: PLC0415

    state = hidden_states.__dict__
    if not state:
        checkpoint = Path(os.environ["EMONET_BENCH_MODELS_DIR"]) / "whisper-base"
        encoder = WhisperModel.from_pretrained(checkpoint, dtype=torch.float32).eval().encoder
        state |= {"encoder": encoder, "extractor": WhisperFeatureExtractor.from_pretrained(checkpoint)}
        state["positions"] = encoder.embed_positions.weight.detach().clone()
    encoder = state["encoder"]
    samples, _ = soundfile.read(path, dtype="float32")
    own = (len(samples) - 1) // 320 + 1  # frames of 20 ms
    frames = min(own + MARGIN // 320, 1500)
    features = state["extractor"](
        np.pad(samples, (0, frames * 320 - len(samples))), sampling_rate=16_000, padding=False, return_tensors="pt"
    ).input_features
    encoder.config.max_source_positions = frames  # so that the encoder takes less than its 30 s
    encoder.embed_positions = nn.Embedding.from_pretrained(state["positions"][:frames])
    with torch.no_grad():
        hidden = encoder(features, output_hidden_states=True).hidden_states
    own_frames = torch.stack(hidden)[:, 0, :own]  # (7, T, 512)
    return torch.cat([own_frames.mean(1), own_frames.std(1, correction=0)], 1).numpy()


def best_on_dev(parts: dict[str, list[str]], labels: dict[str, str], rows: dict[str, np.ndarray]) -> list[str]:
    """Choose layer and C by UAR on dev; return the predictions of the test clips."""
    from sklearn.metrics import recall_score  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    inputs = {part: np.stack([rows[name] for name in names]) for part, names in parts.items()}
    truth = {part: [labels[name] for name in names] for part, names in parts.items()}
    warnings.simplefilter("ignore")  # of machines that have not converged: dev decides what a large C is worth
    best, chosen = -1.0, None
    for layer in range(inputs["test"].shape[1]):
        for c in GRID:
            model = make_pipeline(StandardScaler(), LinearSVC(C=c, class_weight="balanced", dual=True, random_state=0))
            model.fit(inputs["train"][:, layer], truth["train"])
            score = recall_score(truth["dev"], model.predict(inputs["dev"][:, layer]), average="macro")
            if score > best:
                best, chosen = score, (layer, model)
    assert chosen is not None
    return list(chosen[1].predict(inputs["test"][:, chosen[0]]))


def measured(command: Sequence[str]) -> tuple[float, float, str]:
    """Run a command; return its seconds, its processor seconds with those of its children, and its last line."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor, done.stdout.strip().rpartition("\n")[2]


def main() -> None:
    """Measure and show; or, with ``--by-hand RESULTS``, be the script."""
    options = parser(__doc__)
    options.add_argument("--corpus", default="emodb")
    options.add_argument("--protocol", default="folds5")
    options.add_argument("--by-hand", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    audio = Path(os.environ["EMONET_BENCH_CORPORA_DIR"]) / given.corpus
    if given.by_hand:
        print(by_hand(audio, given.by_hand))
        return
    with TemporaryDirectory() as folder:
        results, matrix = Path(folder) / "results", Path(folder) / "matrix.toml"
        matrix.write_text(
            f'architectures = ["whisper-probe"]\nstrategies = ["scratch"]\n'
            f'corpora.{given.corpus} = {{ protocol = "{given.protocol}" }}\n'
            f'options.whisper-probe = {{ checkpoint = "whisper-base" }}\n',
            encoding="utf-8",
        )
        os.environ.update(EMONET_BENCH_CACHE_DIR=f"{folder}/cache", OMP_NUM_THREADS="1")
        bench = [sys.executable, "-m", "emonet_bench"]
        ours = measured([*bench, "run", "matrix", str(matrix), "--results", str(results), "--jobs", "1"])
        again = measured([*bench, "run", "matrix", str(matrix), "--results", f"{results}2", "--jobs", "1"])
        hand = measured([sys.executable, __file__, "--corpus", given.corpus, "--by-hand", str(results)])
        uar = float(load_results(results).table()["score"].iloc[0])
    rows = [
        [name, f"{seconds:.0f} s", f"{processor:.0f} s", f"{processor / hand[1]:.2f}"]
        for name, (seconds, processor, _) in {
            "by hand": hand,
            "run matrix": ours,
            "run matrix, features kept": again,
        }.items()
    ]
    scores = f"UAR on test: by hand {float(hand[2]):.4f}, by the matrix {uar:.4f}."
    title = f"Probe by hand, {given.corpus}, {given.protocol}"
    show(title, [table(["way", "time", "processor time", "of by hand"], rows), scores], publish=given.publish)


if __name__ == "__main__":
    main()
