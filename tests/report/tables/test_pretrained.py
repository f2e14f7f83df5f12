"""What trains inside a pre-trained network is held on dev against the probes on top of it."""

from emonet_bench import report


def add(results, architecture, strategy, dev, *, fold=0, weights="sha256:1", **changes):
    """A run that scored so on dev."""
    scores = {"dev": {"uar": dev}, "test": {"uar": 0.5}}
    options = {"weights": weights} if weights else {}
    results.add(architecture=architecture, strategy=strategy, fold=fold, options=options, scores=scores, **changes)


def told(results):
    table = report.summarise(report.load(results.folder))
    return [note for note in table.notes if "leaves it frozen" in note]


def test_an_adapted_run_below_the_best_probe_is_told_with_both_means(results):
    for fold, (adapted, probe, other) in enumerate([(0.8, 0.9, 0.7), (0.7, 0.8, 0.7)]):
        add(results, "whisper", "lora", adapted, fold=fold)
        add(results, "whisper-probe", "scratch", probe, fold=fold)
        add(results, "whisper", "scratch", other, fold=fold)
    (note,) = told(results)
    assert note == (
        "emo, fixed: whisper lora trains inside the pre-trained network, and its mean dev score of 0.750 is below the "
        "0.850 of whisper-probe scratch, which leaves it frozen."
    )


def test_only_folds_that_both_have_are_compared(results):
    add(results, "whisper", "lora", 0.9, fold=0)
    for fold, dev in enumerate((0.8, 1.0)):
        add(results, "whisper-probe", "scratch", dev, fold=fold)
    assert told(results) == []


def test_a_network_that_says_that_it_trains_inside_is_held_against_probes_whatever_its_strategy(results):
    add(results, "whisper", "scratch", 0.5, notes={"trained_inside": "above the frozen part"})
    add(results, "whisper-probe", "scratch", 0.6)
    assert len(told(results)) == 1


def test_probes_other_weights_and_students_are_not_called_adapted(results):
    add(results, "whisper", "scratch", 0.5)
    add(results, "whisper-probe", "scratch", 0.9)
    add(results, "whisper", "distill", 0.4, notes={"teacher": "whisper-probe scratch"})
    add(results, "wavlm", "lora", 0.4, weights="sha256:2")
    add(results, "cnn", "finetune", 0.4, weights=None)
    assert told(results) == []
