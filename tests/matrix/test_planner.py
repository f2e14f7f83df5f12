"""The matrix file and its expansion into cells."""

from dataclasses import replace

import pytest

from emonet_bench.cli.run import places, with_flags
from emonet_bench.config import Options, option, parse
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.matrix.file import Matrix
from emonet_bench.matrix.planner import Planner
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Origin, Registry
from emonet_bench.types import Architecture, Corpus, SplitRule, Strategy


class Net(Options):
    width: int = option(8, "Width.")
    dropout: tuple[float, float] = option((0.0, 0.5), "Two dropouts.")


class NoOptions(Options):
    pass


class Joint(Options):
    adapters: bool = option(default=False, description="Adapters.")


class Opened:
    """Stands for an opened corpus: planning needs its identity and folds alone."""

    def __init__(self, name, folds):
        self.fingerprint, self.protocol, self.folds = f"f-{name}", "speakers", folds

    def protocol_id(self, limit):
        return f"p-{limit}"


def registry(kind, *things):
    made = Registry(kind)
    for thing in things:
        made.add(thing.name, thing, Origin(f"toy-{kind}", "1.0", "toys"))
    return made


@pytest.fixture
def plugins():
    loaded = Plugins()
    rule = {"speakers": SplitRule()}
    loaded.corpora = registry("corpus", *(Corpus(name, ("a", "b"), list, rule) for name in ("one", "two", "three")))
    loaded.architectures = registry(
        "architecture",
        Architecture("net", "cnn", Net, print),
        Architecture("svm", "baseline", NoOptions, print, fit=print),
    )
    loaded.strategies = registry(
        "strategy",
        Strategy("scratch", NoOptions, print),
        Strategy("finetune", NoOptions, print, source_strategies=("scratch", "multi-task")),
        Strategy(
            "adapters",
            NoOptions,
            print,
            source_strategies=("scratch", "multi-task"),
            source_options=lambda options: {**options, "adapters": True, "unheard_of": 1},
        ),
        Strategy("multi-task", Joint, print, multi_corpus=True),
    )
    return loaded


def cells(plugins, folds=(None,), resolve=lambda training: training, **values):
    values = {"corpora": ["one"], "architectures": ["net"], **values}
    planner = Planner(parse(Matrix, values, "m.toml"), plugins, lambda name, _: Opened(name, list(folds)), resolve)
    return planner.cells()


def test_the_matrix_is_the_product_of_its_axes(plugins):
    planned = cells(plugins, corpora=["one", "two"], seeds=[0, 1, 2], folds=(0, 1))
    assert len(planned) == 2 * 3 * 2
    assert len({cell.run_id for cell in planned}) == 12


def test_a_list_where_a_single_value_stands_is_one_more_axis(plugins):
    planned = cells(plugins, training={"epochs": [1, 2]}, options={"net": {"width": [4, 8], "dropout": [0.1, 0.2]}})
    found = {(c.spec.training.epochs, c.spec.architecture_options["width"]) for c in planned}
    assert found == {(1, 4), (1, 8), (2, 4), (2, 8)}
    assert {tuple(c.spec.architecture_options["dropout"]) for c in planned} == {(0.1, 0.2)}


def test_a_list_of_pairs_is_an_axis_of_pairs(plugins):
    planned = cells(plugins, options={"net": {"dropout": [[0.0, 0.1], [0.2, 0.3]]}})
    assert len(planned) == 2


def test_a_transfer_cell_comes_after_its_source_which_never_hears_the_target(plugins):
    planned = cells(plugins, corpora=["one", "two", "three"], strategies=["finetune"])
    place = {cell.run_id: i for i, cell in enumerate(planned)}
    for cell in planned:
        if cell.wanted:
            source = planned[place[cell.source]]
            assert place[cell.source] < place[cell.run_id]
            assert cell.spec.corpus not in source.spec.corpus.split("+")
            assert source.spec.strategy == "multi-task"
            assert cell.spec.source == source.run_id


def sources(planned):
    by_id = {cell.run_id: cell for cell in planned}
    return {cell.spec.strategy: by_id[cell.source].spec for cell in planned if cell.source}


def test_each_strategy_gets_the_source_that_it_knows_best(plugins):
    found = sources(cells(plugins, corpora=["one", "two", "three"], strategies=["finetune", "adapters"]))
    assert found["finetune"].strategy_options == {"adapters": False}
    assert found["adapters"].strategy_options == {"adapters": True}


def test_the_matrix_file_decides_what_sources_are_like(plugins):
    values = {"corpora": ["one", "two", "three"], "strategies": ["finetune", "adapters"]}
    found = sources(cells(plugins, options={"multi-task": {"adapters": False}}, **values))
    assert found["adapters"] == found["finetune"]
    both = cells(plugins, options={"multi-task": {"adapters": [False, True]}}, **values)
    assert len([cell for cell in both if cell.wanted]) == 2 * 2 * 3


def test_sources_may_be_trained_in_another_way(plugins):
    values = {"corpora": ["one", "two", "three"], "strategies": ["scratch", "finetune"], "training": {"loss": "focal"}}
    planned = cells(plugins, source_training={"epochs": 7, "steps_per_epoch": 3}, **values)
    assert {cell.spec.training.epochs for cell in planned if cell.wanted} == {40}
    assert {cell.spec.training.steps_per_epoch for cell in planned if not cell.wanted} == {3}
    assert {cell.spec.training.loss for cell in planned} == {"focal"}
    with pytest.raises(ConfigError, match=r"source_training\.epoch: unknown option; did you mean 'epochs'"):
        cells(plugins, source_training={"epoch": 7}, **values)


def test_a_joint_source_hears_the_train_partition_of_the_targets_own_fold(plugins):
    values = {"corpora": ["one", "two"], "strategies": ["finetune"], "folds": (0, 1)}
    planned = cells(plugins, source="multi-task+target", **values)
    by_id = {cell.run_id: cell for cell in planned}
    targets = [cell for cell in planned if cell.source]
    assert len(targets) == 4
    for cell in targets:
        assert by_id[cell.source].spec.corpus == "one+two"
        assert by_id[cell.source].spec.fold == cell.spec.fold
    assert len(planned) == 4 + 2  # one source for each fold, shared by both targets


def test_a_joint_cell_runs_through_the_folds_that_any_of_its_corpora_has(plugins):
    values = parse(Matrix, {"corpora": ["one", "two"], "architectures": ["net"], "strategies": ["multi-task"]}, "m")
    opened = {"one": Opened("one", [None]), "two": Opened("two", [0, 1, 2])}
    planned = Planner(values, plugins, lambda name, _: opened[name], lambda training: training).cells()
    assert [cell.spec.fold for cell in planned] == [0, 1, 2]


def test_with_one_other_corpus_the_source_is_its_scratch_run_and_shared(plugins):
    planned = cells(plugins, corpora=["one", "two"], strategies=["scratch", "finetune"])
    assert len(planned) == 4
    assert all(cell.wanted for cell in planned)
    by_id = {cell.run_id: cell for cell in planned}
    tuned = next(cell for cell in planned if cell.spec.title == "one net finetune s0")
    assert by_id[tuned.source].spec.title == "two net scratch s0"


def test_a_source_corpus_may_be_named_and_need_not_be_in_the_matrix(plugins):
    planned = cells(plugins, strategies=["finetune"], source="three")
    assert [(c.spec.corpus, c.spec.strategy, c.wanted) for c in planned] == [
        ("three", "scratch", False),
        ("one", "finetune", True),
    ]


def test_a_lone_corpus_has_nothing_to_start_from_and_says_so(plugins):
    (cell,) = cells(plugins, strategies=["finetune"])
    assert "no corpus other than the target" in cell.skip


def test_a_checkpoint_source_is_known_by_its_hash_not_by_its_path(plugins, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).write_bytes(b"weights")
    first, second = (cells(plugins, strategies=["finetune"], source=str(tmp_path / n))[0] for n in ("here", "there"))
    assert first.run_id == second.run_id
    assert len(first.spec.source) == 64


def test_an_architecture_without_gradients_skips_transfer_with_the_reason(plugins):
    planned = cells(plugins, corpora=["one", "two"], architectures=["svm"], strategies=["scratch", "finetune"])
    skipped = {cell.spec.strategy: cell.skip for cell in planned}
    assert skipped["scratch"] is None
    assert "not trained by gradients" in skipped["finetune"]


def test_multi_task_is_one_cell_for_all_corpora(plugins):
    (cell,) = cells(plugins, corpora=["one", "two"], strategies=["multi-task"])
    assert cell.spec.corpus == "one+two"


def test_excluded_cells_are_left_out(plugins):
    planned = cells(
        plugins,
        corpora=["one", "two"],
        architectures=["net", "svm"],
        exclude=[{"corpus": "one", "architecture": ["svm"]}],
    )
    assert {(c.spec.corpus, c.spec.architecture) for c in planned} == {("one", "net"), ("two", "net"), ("two", "svm")}


def test_the_run_id_depends_on_content_protocol_and_plugin_version(plugins):
    (first,) = cells(plugins)
    plugins.architectures.origin("net").version = "1.1"
    (second,) = cells(plugins)
    assert first.run_id != second.run_id


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"corpora": ["ones"]}, "unknown corpus 'ones'; did you mean 'one'"),
        ({"strategies": ["finetun"]}, "unknown strategy 'finetun'; did you mean 'finetune'"),
        ({"training": {"epoch": 3}}, "training.epoch: unknown option; did you mean 'epochs'"),
        ({"options": {"nett": {}}}, "options.nett: no such architecture or strategy; did you mean 'net'"),
        ({"options": {"net": {"width": "wide"}}}, "options.net.width:"),
        ({"seeds": []}, "seeds: name at least one"),
        ({"seed": [0]}, "m.toml.seed: unknown option; did you mean 'seeds'"),
        ({"source": "nowhere", "strategies": ["finetune"]}, "source: 'nowhere' is neither"),
        ({"exclude": [{"corpora": "one"}]}, "exclude: unknown key 'corpora'; did you mean 'corpus'"),
        ({"exclude": [{"corpus": "one"}]}, "'exclude' leaves none"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(plugins, values, message):
    with pytest.raises(ConfigError) as caught:
        cells(plugins, **values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


FLAGS = dict.fromkeys(["corpora", "architectures", "strategies", "seeds", "source", "limit"]) | {
    "settings": (),
    "device": "auto",
}


def test_flags_override_the_file():
    file = {
        "corpora": ["one"],
        "seeds": [0],
        "training": {"epochs": 9},
        "exclude": [{"strategy": "x"}, {"corpus": "y"}],
    }
    flags = {**FLAGS, "strategies": "a, b", "seeds": "3,4", "limit": 8, "device": "cuda:1"}
    flags["settings"] = ("training.epochs=5", "options.net.dropout=[0, 0.1]", "training.window=none", "source=two")
    assert with_flags(file, flags) == {
        "corpora": ["one"],
        "strategies": ["a", "b"],
        "seeds": [3, 4],
        "training": {"epochs": 5, "window": None, "limit": 8, "device": "cuda"},
        "options": {"net": {"dropout": [0, 0.1]}},
        "source": "two",
        "exclude": [{"corpus": "y"}],
    }
    assert file["training"] == {"epochs": 9}


def test_a_corpora_flag_keeps_what_the_file_says_of_the_corpus():
    file = {"corpora": {"one": {"protocol": "loso"}, "two": {}}}
    assert with_flags(file, {**FLAGS, "corpora": "one"})["corpora"] == {"one": {"protocol": "loso"}}


@pytest.mark.parametrize("flags", [{"seeds": "a"}, {"settings": ("training.epochs",)}])
def test_a_malformed_flag_is_named(flags):
    with pytest.raises(ConfigError, match="--se"):
        with_flags({}, {**FLAGS, **flags})


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
    from rich.console import Console

    from emonet_bench.cli.plan import plan
    from emonet_bench.plugins.loading import Selection

    values = {"corpora": {"mine": entry}, "architectures": ["chance"], **further}
    where = folder / "file" / "m.toml"
    selection = replace(selection or Selection(), places=places(values, where.parent))
    return plan(values, str(where), Plugins(selection), Console())


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


class Mapped(Opened):
    """An opened corpus whose labels matter, too."""

    def __init__(self, corpus, label_map):
        super().__init__(corpus.name, [0, 1])
        self.corpus, self.protocol = corpus, f"speakers:{label_map}" if label_map else "speakers"


def test_networks_that_heard_one_corpus_only_are_evaluated_on_the_others_in_their_first_fold(plugins):
    maps = {"valence": {"a": "good", "b": "bad"}}
    known = {name: Corpus(name, ("a", "b"), list, {"speakers": SplitRule()}, maps=maps) for name in ("one", "two")}
    plugins.corpora = registry("corpus", *known.values())
    values = {"corpora": ["one", "two"], "architectures": ["net"], "strategies": ["scratch", "finetune", "multi-task"]}
    matrix = parse(Matrix, {**values, "seeds": [0, 1], "evaluate": ["valence"]}, "m")
    planner = Planner(
        matrix, plugins, lambda name, _, named=None: Mapped(known[name], named), lambda training: training
    )
    planned = {cell.run_id: cell for cell in planner.cells()}
    crossed = [cell for cell in planned.values() if cell.spec.evaluate]
    assert sorted(cell.spec.title for cell in crossed) == [
        f"{a} net scratch s{seed} f0 on {b} valence" for a, b in (("one", "two"), ("two", "one")) for seed in (0, 1)
    ]
    for cell in crossed:
        source = planned[cell.source]
        assert cell.spec.source == cell.source
        assert source.spec == cell.spec.model_copy(update={"source": None, "evaluate": None})
        assert (cell.spec.evaluate.protocol, cell.spec.evaluate.labels) == ("speakers:valence", maps["valence"])
    assert len(planned) == len(crossed) + 2 * 2 * 2 * 2 + 2 * 2, "nothing else is added"


def test_what_is_not_evaluated_is_identified_as_before():
    from emonet_bench.runs.spec import RunSpec

    spec = {"corpus": "one", "protocol": "x", "architecture": "net", "architecture_options": {}, "strategy": "scratch", "strategy_options": {}, "training": {}, "seed": 0}  # fmt: skip
    assert "evaluate" not in RunSpec(**spec).model_dump(mode="json")
