"""A clean corpus in which faults are planted."""

import numpy as np
import soundfile
from emonet_corpora.voice import RATE

from emonet_bench import audit
from emonet_bench.data.tables import read_directory
from emonet_bench.types import PARTITIONS, SplitRule


def sound(seed, seconds=2.0, rate=RATE):
    """Pulses of changing pitch through two resonances that move, and breath: as rich and as varied as speech."""
    draw = np.random.default_rng(seed)
    count, knots = round(seconds * rate), np.linspace(0, 1, 9)
    track = lambda low, high: np.interp(np.linspace(0, 1, count), knots, draw.uniform(low, high, 9))  # noqa: E731
    phase = np.cumsum(track(90, 250)) / rate
    source = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 30)) + 0.3 * draw.standard_normal(count)
    formants = sum(source * np.sin(2 * np.pi * np.cumsum(track(*span)) / rate) for span in ((200, 900), (900, 2500)))
    samples = formants * track(0.05, 1.0)
    return 0.4 * samples / np.abs(samples).max()


class Planted:
    """A clean corpus of four clips in each partition; faults are planted by writing over files and rows."""

    def __init__(self, folder):
        self.folder = folder
        self.rows = {}
        for number, part in enumerate(part for part in PARTITIONS for _ in range(4)):
            self.rows[f"{number}.wav"] = {
                "label": "ab"[number % 2],
                "partition": part,
                "speaker": f"{part}{number % 4 // 2}",
            }
            self.write(f"{number}.wav", sound(number))

    def write(self, name, samples, rate=RATE, **options):
        soundfile.write(self.folder / name, samples, rate, **options)

    def load(self):
        lines = [",".join([name, *row.values()]) for name, row in self.rows.items()]
        table = "\n".join(["file,label,partition,speaker", *lines, ""])
        (self.folder / "utterances.csv").write_text(table, encoding="utf-8")
        return read_directory("planted", self.folder, self.folder)

    def findings(self, others=None):
        corpus = self.load()
        utterances = corpus.load()
        return audit.whole(corpus, utterances, SplitRule(), audit.all_clip_stats(utterances), others or {})

    def found(self, check):
        return [finding for finding in self.findings() if finding.check == check]
