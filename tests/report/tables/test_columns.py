"""Columns: each way to get a network is one, named by as few options as tell it from the others."""

from emonet_bench import report
from emonet_bench.report.tables.columns import columns_of
from emonet_bench.report.tables.rows import Column


def test_option_sets_of_one_architecture_are_separate_columns_named_by_what_varies(results):
    results.add(options={"width": 8, "depth": 2})
    results.add(options={"width": 16, "depth": 2})
    results.add(options={"width": 16, "depth": 2}, training={"epochs": 5})
    results.add(architecture="rnn", options={"depth": 1})
    table = report.summarise(report.load(results.folder))
    assert [str(column) for column in table.columns] == [
        "cnn scratch width=16, epochs=2", "cnn scratch width=16, epochs=5", "cnn scratch width=8, epochs=2", "rnn scratch",
    ]  # fmt: skip


def test_options_of_a_loss_make_columns_also_where_one_run_has_the_defaults(results):
    results.add(training={"loss": "focal"}, right=0.4)
    results.add(training={"loss": "focal", "loss_options": {"gamma": 1.0, "alpha": 0.25}})
    results.add(training={"loss": "focal", "augment": ["mixup"], "augmentation_options": {"mixup": {"alpha": 1.0}}})
    table = report.summarise(report.load(results.folder))
    assert {str(column) for column in table.columns} == {
        "cnn scratch augmentation.mixup.alpha=default, loss.alpha=default",
        "cnn scratch augmentation.mixup.alpha=default, loss.alpha=0.25",
        "cnn scratch augmentation.mixup.alpha=1.0, loss.alpha=default",
    }
    assert "Columns of cnn scratch differ in augment, loss.gamma, too." in table.notes
    assert [cell.seeds for _, _, cell in table.cells()] == [1, 1, 1]


def test_seeds_that_start_from_different_sources_of_one_recipe_are_one_column(results):
    for seed in (0, 1):
        source = f"{seed}b" * 8
        results.add(corpus="other", seed=seed, run_id=source)
        results.add(strategy="finetune", seed=seed, source=source)
    results.add(strategy="finetune", seed=0, source="ab" * 32)
    table = report.summarise(report.load(results.folder))
    cells = {str(column): cell.seeds for row, column, cell in table.cells() if row.corpus == "emo"}
    assert cells == {"cnn finetune source=scratch on other": 2, "cnn finetune source=abababab": 1}


def test_a_limit_on_the_clips_makes_rows_and_no_column(results):
    results.add(training={"limit": None})
    results.add(training={"limit": 20})
    assert set(columns_of(report.load(results.folder)).by_run.values()) == {Column("cnn", "scratch")}


def joint(results, corpora, mark):
    """Write a run that was trained on several corpora, as a source."""
    results.add(
        corpora,
        strategy="multi-task",
        protocol="+".join(["fixed"] * len(corpora.split("+"))),
        run_id=mark * 16,
        error="only a source",
    )


def test_of_options_that_vary_together_one_of_few_words_is_the_tag_and_a_note_names_the_others(results):
    results.add(options={"width": 8, "front_end": "log-mel"}, training={"epochs": 10})
    results.add(options={"width": 16, "front_end": "waveform"}, training={"epochs": 20})
    results.add(architecture="rnn", options={"depth": 1})
    table = report.summarise(report.load(results.folder))
    assert [str(column) for column in table.columns] == ["cnn scratch width=16", "cnn scratch width=8", "rnn scratch"]
    (note,) = [note for note in table.notes if "differ in" in note]
    assert note == "Columns of cnn scratch differ in front_end, epochs, too."


def test_teachers_that_are_runs_on_their_own_corpora_make_one_column(results):
    for corpus, mark in (("emo", "1"), ("other", "2")):
        results.add(corpus, architecture="probe", run_id=mark * 16)
        results.add(corpus, strategy="distill", source=mark * 16)
        results.add(corpus, strategy="distill")
    table = report.summarise(report.load(results.folder))
    taught = [str(column) for column in table.columns if column.strategy == "distill"]
    assert taught == ["cnn distill source=none", "cnn distill source=probe scratch"]


def test_sources_of_other_corpora_are_told_as_seen_from_each_target(results):
    joint(results, "a+b", "1")
    joint(results, "b+c", "2")
    joint(results, "a+b+c", "3")
    for corpus, others in (("a", "2"), ("c", "1")):
        results.add(corpus, strategy="finetune", source=others * 16)
        results.add(corpus, strategy="finetune", source="3" * 16)
    table = report.summarise(report.load(results.folder))
    assert [str(column) for column in table.columns if column.strategy == "finetune"] == [
        "cnn finetune source=multi-task on 2 other corpora", "cnn finetune source=multi-task on 3 corpora with its own",
    ]  # fmt: skip


def test_two_sources_that_would_be_called_alike_keep_their_names(results):
    joint(results, "a+b", "1")
    joint(results, "b+c", "2")
    for source in "12":
        results.add("d", strategy="finetune", source=source * 16)
    table = report.summarise(report.load(results.folder))
    assert [str(column) for column in table.columns if column.strategy == "finetune"] == [
        "cnn finetune source=multi-task on a+b", "cnn finetune source=multi-task on b+c",
    ]  # fmt: skip
