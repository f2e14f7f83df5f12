"""From a matrix file to cells with their cost: corpora of one's own, paths, and shares."""

import pytest

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.plan import MatrixSource, PlannedMatrix, matrix_source, plan
from emonet_bench.plugins.loading import Plugins, Selection
from tests.matrix.test_scheduler import cell

OWN_CARD = """
title = "Mine"
homepage = "https://example.org"
licence = "CC0-1.0"
redistributable = "yes"
citation = "@misc{mine}"
languages = []
elicitation = "acted"
patterns = ['(?P<speaker>s\\d)_(?P<label>[ab])']
labels = { a = "anger", b = "boredom" }
protocols = { loso = { folds = "each" } }
"""


@pytest.fixture
def own(tmp_path):
    """A matrix file beside a card, and clips elsewhere, of which two are the same."""
    import numpy as np
    import soundfile

    (tmp_path / "file").mkdir()
    (tmp_path / "clips").mkdir()
    (tmp_path / "file" / "mine.toml").write_text(OWN_CARD, encoding="utf-8")
    for number, name in enumerate(f"s{speaker}_{label}" for speaker in (1, 2, 3) for label in "ab"):
        samples = np.random.default_rng(number).normal(0, 0.1, 4000)
        soundfile.write(tmp_path / "clips" / f"{name}.wav", samples, 16_000)
    return tmp_path


def planned(folder, entry, selection=None, **further):
    values = {"corpora": {"mine": entry}, "architectures": ["chance"], **further}
    source = MatrixSource(values, "m.toml", folder / "file")
    return plan(source, Plugins(source.selection(selection or Selection())))


def test_a_corpus_of_the_users_own_is_described_in_the_matrix_file(own):
    made = planned(own, {"card": "mine.toml", "path": "../clips"})
    assert [cell.spec.title for cell in made.cells] == [f"mine chance scratch s0 f{fold}" for fold in range(3)]
    assert [corpus.name for corpus in made.plugins.user_corpora] == ["mine"]


def test_a_cells_cost_counts_what_it_hears(own):
    def costs(**values):
        made = planned(own, {"card": "mine.toml", "path": "../clips"}, **values)
        return {made.cost(cell) for cell in made.cells}

    twin = {"card": "mine.toml", "path": "../clips", "protocol": "loso"}
    joint = {"corpora": {"mine": twin, "synthetic-acted": {}}, "strategies": ["multi-task"]}
    assert costs(training={"epochs": 3}) == {3 * 2}, "one of three speakers trains"
    assert costs(training={"epochs": 3, "steps_per_epoch": 5, "batch_size": 4}) == {3 * 5 * 4}
    assert costs(**joint, training={"epochs": 3, "limit": 7}) == {2 * 3 * 7}, "corpora take turns"


def test_a_folder_with_tables_needs_no_card(own):
    rows = "".join(f"s{speaker}_{label}.wav,{label},{speaker}\n" for speaker in (1, 2, 3) for label in "ab")
    (own / "clips" / "utterances.csv").write_text(f"file,label,speaker\n{rows}", encoding="utf-8")
    made = planned(own, {"path": "../clips", "protocol": "loso", "labels": {"a": "x"}})
    assert {cell.spec.protocol for cell in made.cells} == {"loso:a=x"}


def test_a_wrong_place_is_one_line_that_names_it(own):
    with pytest.raises(ConfigError, match=r"mine\.tml: cannot be read"):
        planned(own, {"card": "mine.tml"})
    with pytest.raises(ConfigError, match="no table for train"):
        planned(own, {"path": "../clips"})


def test_strict_refuses_a_protocol_that_leaks(own):
    from emonet_bench.plugins.loading import Selection

    entry = {"card": "mine.toml", "path": "../clips"}
    strict = Selection(strict=True)
    assert planned(own, entry, strict).cells
    (own / "clips" / "s3_a.wav").write_bytes((own / "clips" / "s1_a.wav").read_bytes())
    assert planned(own, entry).cells
    with pytest.raises(CorpusError, match="corpus mine: protocol 'loso' leaks: 1 groups of clips of identical audio"):
        planned(own, entry, strict)


def test_a_shard_holds_its_share_of_the_cells():
    cells = [cell(name) for name in "abcd"]
    planned = PlannedMatrix(cells, Plugins(Selection(names=())), {c.run_id: 10 for c in cells})
    shares = [planned.share(f"{number}/2").cells for number in (1, 2)]
    assert [len(share) for share in shares] == [2, 2]
    assert planned.share(None) is planned


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/99999999999"])
def test_a_wrong_shard_is_refused(text):
    with pytest.raises(ConfigError, match=f"--shard {text}: write it as i/n"):
        PlannedMatrix([], Plugins(Selection(names=())), {}).share(text)


def test_a_matrix_may_be_a_file_a_mapping_or_the_model_itself(tmp_path):
    values = {"corpora": {"one": {"protocol": "loso"}}, "architectures": ["net"], "training": {"epochs": [1, 2]}}
    file = tmp_path / "m.toml"
    text = 'architectures = ["net"]\ncorpora.one.protocol = "loso"\ntraining.epochs = [1, 2]\n'
    file.write_text(f"\ufeff{text}", encoding="utf-8")  # Windows' editors begin a file with a byte order mark
    assert matrix_source(file).values == matrix_source(values).values == matrix_source(Matrix(**values)).values
    assert matrix_source(str(file)).base == tmp_path


@pytest.mark.parametrize("path", ["~nobody-of-that-name/clips", "clips\0"])
@pytest.mark.parametrize("key", ["path", "card"])
def test_a_path_that_cannot_be_is_one_line(own, key, path):
    entry = {"card": "mine.toml", "path": "../clips", key: path}
    with pytest.raises(ConfigError, match=f"corpora.mine.{key}"):
        planned(own, entry)
