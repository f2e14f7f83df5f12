"""Speaker normalisation against numpy; a matrix under such a protocol, from its cells to its table, apart from others."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from emonet_bench import run_matrix
from emonet_bench.cli import main
from emonet_bench.errors import CorpusError, Skipped
from emonet_bench.features.clips import KeptFeatures
from emonet_bench.report.reading import load
from emonet_bench.report.tables.table import summarise
from emonet_bench.runs.files import RunFiles
from emonet_bench.training.speaker_normalisation import normalise_speakers
from tests.in_process import cells_in_this_process
from tests.toys import toy_clips

CPU = torch.device("cpu")


def featured(count, seed, shape=(2, 5)):
    """Clips of four speakers with rows of features, the first of which is flat."""
    rows = torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)) * 3 + seed
    rows[..., 0] = 7.0
    return replace(toy_clips(count, seed=seed), features=KeptFeatures(list(rows), sequence=False, device=CPU))


def test_each_speakers_features_are_standardised_over_all_of_their_clips_in_any_partition():
    parts = {"train": featured(13, 1), "test": featured(6, 2)}
    found = normalise_speakers(parts, "any")
    values = {part: torch.stack(list(clips.features.rows)).double().numpy() for part, clips in parts.items()}
    for part, clips in parts.items():
        for place, speaker in enumerate(clips.speakers):
            own = np.concatenate(
                [values[other][np.array(parts[other].speakers) == speaker] for other in parts]
            )  # (clips, 2, 5)
            scale = own.std(0)
            scale[scale < 1e-9] = 1
            expected = (values[part][place] - own.mean(0)) / scale
            heard = found[part].features.gather([place]).values[0]
            np.testing.assert_allclose(heard, expected, atol=1e-5)


def test_batches_limits_and_devices_keep_each_clips_speaker():
    clips = normalise_speakers({"train": featured(13, 1)}, "any")["train"]
    some = clips.select([9, 2, 5]).to(CPU)
    assert torch.equal(some.features.gather([0, 2]).values, clips.features.gather([9, 5]).values)


def test_what_has_no_row_of_features_for_each_clip_is_left_out():
    with pytest.raises(Skipped, match="this network has none for dev: svm and probes of frozen backbones have"):
        normalise_speakers({"train": featured(5, 1), "dev": toy_clips(5)}, "folds5@speaker-normalised")
    sequences = KeptFeatures(list(torch.zeros(5, 4, 3)), sequence=True, device=CPU)
    with pytest.raises(Skipped, match="one row of frozen features for each clip"):
        normalise_speakers({"train": replace(toy_clips(5), features=sequences)}, "folds5@speaker-normalised")


def test_an_unknown_speaker_is_one_line():
    clips = replace(featured(4, 1), speakers=("s0", None, "s1", None))
    with pytest.raises(CorpusError, match="2 clips of train have no known speaker; choose the protocol without it"):
        normalise_speakers({"train": clips}, "folds5@speaker-normalised")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The same matrix under a protocol, and under it with speakers normalised, in one results directory."""
    folder = tmp_path_factory.mktemp("results")
    with cells_in_this_process():
        for suffix in ("", "@speaker-normalised"):
            run_matrix(
                {
                    "corpora": {"synthetic-acted": {"protocol": f"speakers{suffix}"}},
                    "architectures": ["svm", "rnn"] if suffix else ["svm"],
                    "strategies": ["scratch", "finetune"] if suffix else ["scratch"],
                    "training": {"epochs": 1, "limit": 12, "window": 1.0},
                },
                results=folder,
            )
    return folder


def test_such_a_protocol_has_a_row_of_its_own_that_says_what_it_is(results):
    table = summarise(load(results))
    told = {row.subtitle: row for row in table.rows}
    assert set(told) == {"speakers, limit 12", "speakers@speaker-normalised, transductive, limit 12"}
    plain, normalised = told.values()
    assert plain.protocol_id != normalised.protocol_id
    assert [note for note in table.notes if note.startswith("Transductive: synthetic-acted, speakers@speaker-norm")]
    assert not [cell for row in table.rows for cell in row.cells.values() if cell.best]


def normalised_run(results):
    return next(
        run.parent
        for run in results.glob("*/result.json")
        if "@" in json.loads(run.read_text())["spec"]["protocol"] and "svm" in run.parent.name
    )


def test_scores_differ_and_what_cannot_be_normalised_is_skipped(results):
    predictions = [path.read_text() for path in results.glob("*/predictions.csv")]
    assert len(set(predictions)) == 2
    kept = [run.parent.name for run in results.glob("*/result.json")]
    assert len(kept) == 2
    assert all("svm" in name for name in kept)


def test_its_weights_are_evaluated_again_with_the_same_predictions(results):
    done = CliRunner().invoke(main, ["verify", str(results), "--checkpoints"])
    assert done.exit_code == 0, done.output
    assert "2 runs" in done.output


def test_an_export_is_refused_in_one_line_that_names_the_protocol_to_use(results):
    run = normalised_run(results)
    done = CliRunner().invoke(main, ["export", str(run), "-o", str(run / "x.onnx")])
    assert done.exit_code == 2
    told = " ".join(done.stderr.split())
    assert "standardised over all clips of its speaker, which a model of single clips does not know" in told
    assert "export a run trained under 'speakers'" in told
    assert not (run / "x.onnx").exists()
    assert RunFiles(run).read_record().spec.protocol == "speakers@speaker-normalised"
