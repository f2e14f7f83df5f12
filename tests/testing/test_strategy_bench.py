"""The bench of strategies: plans, sources that were made as a strategy asks, and clips."""

import pytest
import torch

from emonet_bench.config import Options
from emonet_bench.errors import Skipped
from emonet_bench.networks import build_classifier
from emonet_bench.testing.networks import ADAPTABLE, PLAIN
from emonet_bench.testing.strategy_bench import StrategyBench
from emonet_bench.training import checkpoints
from emonet_bench.types import ParameterGroup, Plan, Strategy, TeacherRun


def whole(network, corpora, source, options):
    if source is not None and corpora[0].corpus != "kit-source":
        network.load_state_dict(source.network())
    made = build_classifier(network, corpora)
    return Plan(made, [ParameterGroup(list(made.parameters()))])


def skips_plain(network, corpora, source, options):
    if not network.adapter_points():
        raise Skipped("no adapter points")
    return whole(network, corpora, None, options)


def bench(prepare=whole, **facts):
    return StrategyBench(Strategy("toy", Options, prepare, **facts), Options())


def test_a_strategy_of_several_corpora_has_two_and_any_other_one():
    assert [corpus.corpus for corpus in bench().corpora] == ["kit-one"]
    assert [corpus.corpus for corpus in bench(multi_corpus=True).corpora] == ["kit-one", "kit-two"]


@pytest.mark.parametrize("facts", [{}, {"source_strategies": ("toy",)}])
def test_a_source_is_the_same_for_a_seed_knows_another_corpus_and_has_moved_from_its_start(facts):
    one, same, other = (bench(**facts).source(ADAPTABLE, seed) for seed in (1, 1, 2))
    assert list(one.header["corpora"]) == ["kit-source"]
    assert all(torch.equal(tensor, same.tensors[name]) for name, tensor in one.tensors.items())
    assert not torch.equal(one.tensors["network.dense.weight"], other.tensors["network.dense.weight"])
    assert (one.tensors["network.norm.running_mean"] != 0).all()


def test_a_teacher_says_something_of_every_clip_and_another_seed_something_else():
    made = bench(teacher=lambda _: TeacherRun("svm", "scratch"), multi_corpus=True)
    one, other = (made.teacher(ADAPTABLE, seed).outputs for seed in (1, 2))
    for corpus in made.corpora:
        assert one[corpus.corpus].logits.shape == (len(made.clips(corpus)), len(corpus.labels))
        assert not torch.equal(one[corpus.corpus].embeddings, other[corpus.corpus].embeddings)


def test_a_network_is_prepared_from_the_source_of_the_seed_or_from_none():
    made = bench()
    plan = made.prepare(PLAIN, seed=2)
    expected = made.source(PLAIN, 2).network()
    for name, tensor in plan.classifier.network.state_dict().items():
        assert torch.equal(tensor, expected[name])
    without = made.prepare(PLAIN, source=False).classifier.network.state_dict()
    assert not torch.equal(without["dense.weight"], expected["dense.weight"])


def test_networks_that_a_strategy_skips_have_no_plan():
    made = bench(skips_plain)
    assert made.attempt(PLAIN) is None
    assert made.attempt(ADAPTABLE) is not None
    assert len(list(made.plans())) == 1
    assert len(list(bench().plans())) == 2


def test_clips_have_the_labels_of_their_corpus_and_no_others():
    first, second = bench(multi_corpus=True).corpora
    for corpus in (first, second):
        clips = bench().clips(corpus)
        assert clips.labels == corpus.labels
        assert sorted(set(clips.targets.tolist())) == list(range(len(corpus.labels)))
        assert len(clips) == corpus.clips


def test_a_checkpoint_with_the_benchs_header_is_built_again_by_its_plugins(tmp_path):
    made = bench()
    plan = made.prepare(ADAPTABLE)
    made.stir(plan.classifier)
    checkpoints.save(plan.classifier, tmp_path / "m.safetensors", made.header(ADAPTABLE, made.corpora))
    again = checkpoints.rebuild(checkpoints.load(tmp_path / "m.safetensors"), made.plugins)
    assert torch.equal(made.logits_of_clips(again), made.logits_of_clips(plan.classifier))
