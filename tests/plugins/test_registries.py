"""Registries: sorted, each thing with its plugin, and no name twice."""

import pytest

from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.plugins.registries import DuplicateNameError, Origin, Registry

FIRST, SECOND = "first (first_module)", "second (second_module)"


@pytest.fixture
def origins():
    return Origin("first", "1.0", "first_module"), Origin("second", "1.0", "second_module")


def test_names_are_sorted_and_each_thing_knows_its_plugin(origins):
    registry = Registry("architecture")
    for name, origin in zip(("zeta", "alpha"), origins, strict=True):
        registry.add(name, name.upper(), origin)
    assert dict(registry) == {"alpha": "ALPHA", "zeta": "ZETA"}
    assert list(registry) == ["alpha", "zeta"]
    assert registry.origin("alpha") is origins[1]
    assert origins[0].registers == ["architecture zeta"]


def test_an_unknown_name_suggests_the_nearest_and_is_no_error_where_it_is_only_asked_about(origins):
    registry = Registry("architecture")
    registry.add("tiny", 1, origins[0])
    with pytest.raises(ConfigError, match=r"^unknown architecture 'tinny'; did you mean 'tiny'\?$"):
        registry["tinny"]
    assert "tinny" not in registry
    assert registry.get("tinny") is None
    assert registry.get("tinny", 3) == 3


def test_what_is_there_and_cannot_be_used_is_refused_with_the_reason(origins):
    registry = Registry("corpus")
    registry.add("mint", 1, origins[0])
    registry.left_out = {"mine": "mine/utterances.csv: line 3: a fault"}
    with pytest.raises(ConfigError, match=r"^corpus 'mine' is left out: mine/utterances.csv: line 3: a fault$"):
        registry["mine"]
    assert "mine" not in registry


def test_a_name_of_two_plugins_is_fatal_and_both_are_named(origins):
    registry = Registry("corpus")
    registry.add("toy", 1, origins[0])
    expected = rf"corpus 'toy' is registered by two plugins: {FIRST} and {SECOND}".replace("(", r"\(").replace(
        ")", r"\)"
    )
    with pytest.raises(DuplicateNameError, match=expected):
        registry.add("toy", 2, origins[1])
    with pytest.raises(PluginError, match="registered twice") as caught:
        registry.add("toy", 2, origins[0])
    assert not isinstance(caught.value, DuplicateNameError), "one plugin's fault, which costs only itself"
    assert registry["toy"] == 1


def test_a_replaced_thing_belongs_to_who_replaced_it(origins):
    registry = Registry("corpus")
    registry.add("toy", 1, origins[0])
    registry.replace("toy", 2, origins[1])
    assert (registry["toy"], registry.origin("toy"), len(registry)) == (2, origins[1], 1)
    registry.discard(origins[0])
    assert list(registry) == ["toy"]


def test_what_a_plugin_registered_can_be_taken_back_and_nothing_else(origins):
    registry = Registry("corpus")
    for name, origin in (("a", origins[0]), ("b", origins[1]), ("c", origins[0])):
        registry.add(name, name, origin)
    registry.discard(origins[0])
    assert dict(registry) == {"b": "b"}


@pytest.mark.parametrize(
    ("release", "code", "version"),
    [
        ("0.1.0", "", "0.1.0"),
        ("0.1.0", "sha256.1a2b", "0.1.0+sha256.1a2b"),
        ("0.1.0+local", "sha256.1a2b", "0.1.0+local.sha256.1a2b"),
    ],
)
def test_a_version_names_changed_code_and_looks_at_it_once(release, code, version):
    asked = []
    origin = Origin("mine", release, "module", code=lambda: asked.append(1) or code)
    assert asked == []
    assert (origin.version, origin.version) == (version, version)
    assert asked == [1]
