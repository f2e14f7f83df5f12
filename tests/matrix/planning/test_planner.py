"""The matrix file and its expansion into cells."""

import pytest

from emonet_bench.config import Options, Training, option, parse
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Origin, Registry
from emonet_bench.types import Architecture, Corpus, SplitRule, Strategy, Target, TeacherRun


class Net(Options):
    width: int = option(8, "Width.")
    dropout: tuple[float, float] = option((0.0, 0.5), "Two dropouts.")


class NoOptions(Options):
    pass


class Joint(Options):
    adapters: bool = option(default=False, description="Adapters.")


class Taught(Options):
    teacher: str = option("svm", "Teacher.")
    teacher_strategy: str | None = option("scratch", "How it is trained.")
    teacher_options: dict = option({}, "Its options.")
    unlabelled: bool = option(default=False, description="Whether it teaches on other corpora, too.")


class Opened:
    """Stands for an opened corpus: planning needs its identity and folds alone."""

    target = Target("label", "label", ("a", "b"))

    def __init__(self, name, folds):
        self.fingerprint, self.protocol, self.folds = f"f-{name}", "speakers", folds

    def protocol_id(self, limit):
        return f"p-{limit}"

    def check_loss(self, loss, known):
        """Every loss fits its targets."""


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
        Strategy("distill", Taught, print, teacher=lambda options: TeacherRun(*options.values())),
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


def test_a_fitted_architecture_is_not_multiplied_by_options_of_training_that_it_never_reads(plugins):
    axes = {"epochs": [3, 4], "learning_rate": [0.1, 0.2], "loss": ["focal", "ordinal"], "batch_size": 8}
    fitted = cells(plugins, architectures=["svm"], training=axes)
    assert [(cell.spec.training.epochs, cell.spec.training.loss) for cell in fitted] == [(3, "focal")]
    assert len(cells(plugins, architectures=["net"], training=axes)) == 8


@pytest.mark.parametrize(
    ("axes", "count"),
    [
        ({"sampling_rate": [8_000, 16_000]}, 2),
        ({"limit": [10, 20]}, 2),
        ({"evaluation": ["whole", "centre"], "window": [1.0, 2.0]}, 4),  # a network may hear its window in any case
        ({"evaluation": "windows", "window": [1.0, 2.0]}, 2),
        ({"loss": ["focal", "ordinal"], "optimizer": ["sgd", "adam"]}, 1),
    ],
)
def test_what_decides_the_audio_of_a_fit_and_its_evaluation_stays_an_axis(plugins, axes, count):
    assert len(cells(plugins, architectures=["svm"], training=axes)) == count


@pytest.mark.parametrize("values", [{"training": {"epochs": []}}, {"options": {"net": {"width": []}}}])
def test_an_empty_list_is_named_and_not_blamed_on_what_is_excluded(plugins, values):
    with pytest.raises(
        ConfigError, match=r"(training.epochs|options.net.width): an empty list; give at least one value"
    ):
        cells(plugins, **values)


SMALL = {
    "corpora": ["synthetic-acted", "synthetic-calls"],
    "architectures": ["cnn", "svm"],
    "strategies": ["scratch", "multi-task", "adapters"],
    "seeds": [0],
    "source": "multi-task",
    "training": {"epochs": 1, "batch_size": 8, "limit": 12, "device": "cpu", "precision": "float32"},
    "options": {"cnn": {"number_of_filters": 2, "num_mels": 16}},
}
# Computed by the code of commit 24dcc8f, with the same stand-ins for the corpora.
RUN_IDS = {
    "synthetic-acted cnn scratch s0": "fbddd7ed7c4a660e",
    "synthetic-acted+synthetic-calls cnn multi-task s0": "a5a6ac9939c1a27d",
    "synthetic-calls cnn scratch s0": "521ccbf0b923dc81",
    "synthetic-acted cnn adapters s0": "732e84c2819b6569",
    "synthetic-acted svm scratch s0": "22df2cbc417b7211",
    "synthetic-acted+synthetic-calls svm multi-task s0": "da9db46ccd4b9b32",
    "synthetic-acted svm adapters s0": "1a1349cf79fc73c3",
    "synthetic-calls cnn adapters s0": "8ed36043a3e3590c",
    "synthetic-calls svm scratch s0": "4db3b03e3d5a536c",
    "synthetic-calls svm adapters s0": "3cad3a17f9377e66",
}


def test_run_ids_of_earlier_releases_stay_so_that_finished_cells_are_never_run_twice():
    shipped = Plugins()
    for origin in shipped.origins:
        origin.version = "0.1.0"  # of a release, whose code nobody has edited
    matrix = parse(Matrix, SMALL, "m.toml")
    planner = Planner(matrix, shipped, lambda name, *_: Opened(name, [None]), lambda training: training)
    assert {cell.spec.title: cell.run_id for cell in planner.cells()} == RUN_IDS


def test_a_training_may_differ_for_one_architecture_or_strategy(plugins):
    training = {"epochs": 5, "window": 2.0, "svm": {"window": "none"}, "finetune": {"learning_rate": [1e-3, 2e-3]}}
    planned = cells(
        plugins,
        corpora=["one", "two"],
        architectures=["net", "svm"],
        strategies=["scratch", "finetune"],
        training=training,
    )
    wanted = [cell.spec for cell in planned if cell.wanted and not cell.skip]
    found = {(s.architecture, s.strategy, s.training.window, s.training.learning_rate) for s in wanted}
    default = Training().learning_rate
    assert found == {
        ("net", "scratch", 2.0, default),
        ("net", "finetune", 2.0, 1e-3),
        ("net", "finetune", 2.0, 2e-3),
        ("svm", "scratch", None, default),
    }


def test_a_teacher_is_planned_before_its_student_on_the_same_corpus_in_the_same_fold_and_of_the_same_seed(plugins):
    planned = cells(plugins, corpora=["one", "two"], strategies=["distill"], folds=(0, 1), seeds=[3, 4])
    place = {cell.run_id: i for i, cell in enumerate(planned)}
    students = [cell for cell in planned if cell.wanted]
    assert len(students) == len(planned) - len(students) == 2 * 2 * 2
    for student in students:
        teacher = planned[place[student.source]]
        assert place[teacher.run_id] < place[student.run_id]
        assert (teacher.spec.architecture, teacher.spec.strategy) == ("svm", "scratch")
        assert [getattr(teacher.spec, name) for name in ("corpus", "fold", "seed")] == [
            getattr(student.spec, name) for name in ("corpus", "fold", "seed")
        ]
        assert student.spec.source == teacher.run_id


@pytest.mark.parametrize("architectures", [["svm", "net"], ["net", "svm"]])
def test_a_row_of_the_matrix_teaches_as_it_is(plugins, architectures):
    planned = cells(plugins, architectures=architectures, strategies=["scratch", "distill"])
    (student,) = (cell for cell in planned if cell.spec.strategy == "distill" and not cell.skip)
    (teacher,) = (cell for cell in planned if cell.spec.architecture == "svm" and cell.spec.strategy == "scratch")
    assert (student.source, teacher.wanted) == (teacher.run_id, True)
    assert {cell.spec.architecture for cell in planned if cell.skip} == {"svm"}, "a fit has nothing to be taught by"


def test_one_run_teaches_and_its_options_say_which(plugins):
    values = {"strategies": ["distill"], "options": {"net": {"width": [4, 8]}}}
    with pytest.raises(ConfigError, match=r"2 runs of net scratch could teach, .*: teacher_options"):
        cells(plugins, **values | {"options": {"net": {"width": [4, 8]}, "distill": {"teacher": "net"}}})
    chosen = {"teacher": "net", "teacher_options": {"width": 8}}
    planned = cells(plugins, **values | {"options": {"net": {"width": [4, 8]}, "distill": chosen}})
    (teacher,) = (cell for cell in planned if not cell.wanted)
    assert teacher.spec.architecture_options["width"] == 8
    assert len(planned) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"teacher": "svn"}, r"options\.distill: no teacher 'svn' is registered; did you mean 'svm'"),
        ({"teacher_strategy": "finetune"}, "'finetune' does not train a teacher from nothing on one corpus"),
        ({"teacher_strategy": "multi-task"}, "'multi-task' does not train a teacher"),
        ({"teacher_strategy": "distill"}, "'distill' does not train a teacher"),
        ({"teacher_options": {"widht": 8}}, r"options\.svm\.widht: unknown option"),
    ],
)
def test_a_teacher_that_there_cannot_be_is_refused(plugins, options, message):
    with pytest.raises(ConfigError, match=message):
        cells(plugins, strategies=["distill"], options={"distill": options})


PRETRAINED = {"teacher": "net", "teacher_strategy": "none", "teacher_options": {"width": 4}}


def test_a_network_that_is_not_trained_teaches_sources_of_all_corpora_one_for_each_fold(plugins):
    values = {"corpora": ["one", "two"], "strategies": ["finetune", "adapters"], "folds": (0, 1)}
    sources = {"source": "multi-task+target", "source_strategy": "distill"}
    planned = cells(plugins, **values, **sources, options={"distill": PRETRAINED})
    by_id = {cell.run_id: cell for cell in planned}
    assert len(planned) == 2 * 2 * 2 + 2
    for cell in planned:
        if cell.wanted:
            source = by_id[cell.source].spec
            assert (source.corpus, source.strategy, source.fold) == ("one+two", "distill", cell.spec.fold)
            assert source.teacher.architecture == "net"
            assert source.teacher.options == {"width": 4, "dropout": [0.0, 0.5]}
            assert source.source is None


def test_who_teaches_without_training_is_part_of_a_runs_identity(plugins):
    def of(options):
        (cell,) = cells(plugins, strategies=["distill"], options={"distill": PRETRAINED, **options})
        return cell

    first, second = of({}), of({"net": {"dropout": [0.1, 0.1]}})
    assert first.spec.teacher != second.spec.teacher
    assert first.run_id != second.run_id
    plugins.architectures.origin("net").version = "1.1"
    assert of({}).run_id != first.run_id


def test_unlabelled_audio_is_that_of_the_matrixs_other_corpora_and_part_of_the_identity(plugins):
    values = {"strategies": ["distill"], "folds": (0,)}

    def of(*corpora, **options):
        planned = cells(plugins, corpora=list(corpora), options={"distill": options}, **values)
        return next(cell for cell in planned if cell.wanted and cell.spec.corpus == "one")

    taught = of("one", "two", "three", unlabelled=True)
    assert taught.spec.unlabelled == {"two": "speakers", "three": "speakers"}
    assert [pair[0] for pair in taught.context["corpora"]] == ["f-one", "f-two", "f-three"]
    assert len({of("one", *rest, unlabelled=True).run_id for rest in (["three"], ["two"], ["two", "three"])}) == 3
    with pytest.raises(ConfigError, match=r"options\.distill: unlabelled audio is that of other corpora; name some"):
        of("one", unlabelled=True)
    assert of("one").run_id == of("one", "two").run_id
    assert "unlabelled" not in of("one", "two").spec.model_dump()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source_strategy": "distil"}, "source_strategy: unknown strategy 'distil'; did you mean 'distill'"),
        ({"source_strategy": "finetune"}, "source_strategy: 'finetune' needs a source itself"),
        ({"source_strategy": "distill"}, "the teacher svm scratch is trained on one corpus, and the source on 2"),
        (
            {"source_strategy": "distill", "options": {"distill": PRETRAINED, "net": {"dropout": [[0, 0], [0, 1e-1]]}}},
            "2 of net could teach, by lists in options or training; name the options of one: teacher_options",
        ),
    ],
)
def test_a_source_that_cannot_be_taught_is_refused_in_one_line(plugins, values, message):
    matrix = {"corpora": ["one", "two"], "strategies": ["finetune"], "source": "multi-task+target"}
    with pytest.raises(ConfigError) as caught:
        cells(plugins, **matrix, **values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
