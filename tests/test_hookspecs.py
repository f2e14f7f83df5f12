"""The seam: every hook is known to pluggy, and a corpora plugin is told where to look."""

import inspect
from pathlib import Path

import pluggy
import pytest

from emonet_bench import hookimpl, hookspecs
from emonet_bench.hookspecs import CorporaConfig

HOOKS = [name for name in vars(hookspecs) if name.startswith("emonet_")]


@pytest.fixture
def manager():
    made = pluggy.PluginManager("emonet_bench")
    made.add_hookspecs(hookspecs)
    return made


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_specified_and_documents_its_arguments(manager, name):
    caller = getattr(manager.hook, name)
    assert caller.spec is not None
    documented = inspect.getdoc(getattr(hookspecs, name))
    assert all(f"\n    {argument}: " in documented for argument in caller.spec.argnames)


@pytest.mark.filterwarnings("ignore:emonet_executor is asked no more:DeprecationWarning")
@pytest.mark.parametrize("name", ["emonet_executor", "emonet_skip"])
def test_the_first_answer_decides(manager, name):
    arguments = getattr(manager.hook, name).spec.argnames

    def answering(answer):
        class Plugin:
            pass

        plugin = Plugin()
        setattr(plugin, name, hookimpl(specname=name)(lambda: answer))
        return plugin

    for answer in ("later", "first", None):  # the last that was registered is asked first
        manager.register(answering(answer))
    assert getattr(manager.hook, name)(**dict.fromkeys(arguments)) == "first"


def test_a_plugin_with_an_argument_that_no_hook_has_is_refused(manager):
    class Plugin:
        @hookimpl
        def emonet_skip(self, cell):
            return None

    with pytest.raises(pluggy.PluginValidationError, match="cell"):
        manager.register(Plugin())


def test_a_corpus_lies_where_its_own_place_says_or_in_the_directory():
    config = CorporaConfig(Path("all"), Path("cache"), {"mine": Path("elsewhere")})
    assert config.folder("mine") == Path("elsewhere")
    assert config.folder("other") == Path("all", "other")


def test_a_corpus_of_which_nothing_says_where_it_lies_has_no_folder():
    assert CorporaConfig(None, Path("cache")).folder("mine") is None
