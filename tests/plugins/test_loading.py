"""Plugins are loaded one at a time: whatever one of them does, it costs only itself."""

from __future__ import annotations

import base64
import hashlib
import inspect
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import click
import pytest
from click.testing import CliRunner

from emonet_bench import hookspecs
from emonet_bench.cli import main
from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import DuplicateNameError

HEADER = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import (
    Architecture, Augmentation, Corpus, ExecutorKind, Loss, Metric, Optimizer, ReportFormat, SplitRule, Strategy
)

def architecture(name, options=Options):
    return Architecture(name, "test", options, build=None)

def corpus(name):
    return Corpus(name, ("a", "b"), list, {"own": SplitRule()})

def strategy(name):
    return Strategy(name, Options, prepare=None)
"""

GOOD = """
@hookimpl
def emonet_architectures():
    return [architecture("tiny")]

@hookimpl
def emonet_corpora(config):
    return [corpus("toy")]
"""


@dataclass
class Site:
    """A folder on sys.path in which packages with entry points can be installed."""

    folder: Path

    def install(
        self, name: str, code: str, version: str = "1.0", distribution: str = "", requires: str = "emonet-bench>=0.1"
    ) -> None:
        distribution = distribution or f"dist-{name}"
        module = f"{distribution.replace('-', '_')}_module"
        (self.folder / f"{module}.py").write_text(HEADER + dedent(code))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\nRequires-Dist: {requires}\n"
        )
        (info / "entry_points.txt").write_text(f"[emonet_bench]\n{name} = {module}\n")
        digest = hashlib.sha256((self.folder / f"{module}.py").read_bytes()).digest()
        value = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        (info / "RECORD").write_text(f"{module}.py,sha256={value},\n{info.name}/RECORD,,\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.delenv("EMONET_BENCH_PLUGINS", raising=False)
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield Site(tmp_path)
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def _file(folder: Path, code: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(HEADER + dedent(code))
    return path


def test_a_plugin_registers_what_it_returns_with_its_origin(site):
    site.install("good", GOOD, version="2.3")
    plugins = Plugins(Selection(names=("good",)))
    assert list(plugins.architectures) == ["tiny"]
    assert plugins.corpora["toy"].labels == ("a", "b")
    origin = plugins.architectures.origin("tiny")
    assert (origin.name, origin.version, origin.source) == ("good", "2.3", "dist_good_module")
    assert origin.registers == ["corpus toy", "architecture tiny"]
    assert plugins.versions() == {"good": "2.3"}


KINDS = {
    "losses": """Loss("mine", Options, build=None)""",
    "metrics": """Metric("mine", ("label",), compute=None)""",
    "optimizers": """Optimizer("mine", Options, build=None)""",
    "augmentations": """Augmentation("mine", Options, build=None)""",
    "report_formats": """ReportFormat("mine", Options, render=None)""",
    "executors": """ExecutorKind("mine", Options, start=None)""",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_hook_a_registry_and_an_unknown_name_its_nearest(site, kind):
    site.install("good", f"@hookimpl\ndef emonet_{kind}(): return [{KINDS[kind]}]")
    plugins = Plugins(Selection(names=("good",)))
    registry = getattr(plugins, kind)
    assert list(registry) == ["mine"]
    assert plugins.origins[0].registers == [f"{registry.kind} mine"]
    with pytest.raises(ConfigError, match=f"unknown {registry.kind} 'mone'; did you mean 'mine'?"):
        registry["mone"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_descriptor_of_another_kind_breaks_the_plugin(site, kind):
    site.install("odd", f"@hookimpl\ndef emonet_{kind}(): return [strategy('mine')]")
    with pytest.warns(RuntimeWarning, match=rf"emonet_{kind} must return \w+ descriptors; got Strategy"):
        assert not getattr(Plugins(Selection(names=("odd",))), kind)


BROKEN = {
    "import error": ("import surely_not_installed", "ModuleNotFoundError: No module named 'surely_not_installed'"),
    "a newer host's name": (
        "from emonet_bench.types import SurelyNotYet",
        "ImportError: cannot import name 'SurelyNotYet' from 'emonet_bench.types'",
    ),
    "syntax error": ("def broken(:", "SyntaxError: invalid syntax"),
    "exit at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "wrong argument name": (
        "@hookimpl\ndef emonet_corpora(configuration): return []",
        r"Argument\(s\) {'configuration'} are declared in the hookimpl but can not be found",
    ),
    "unknown hook": (
        "@hookimpl\ndef emonet_architecture(): return []",
        "unknown hook 'emonet_architecture'; did you mean 'emonet_architectures'?",
    ),
    "forgotten mark": (
        "def emonet_strategies(): return []",
        "emonet_strategies is not marked with @emonet_bench.hookimpl",
    ),
    "wrapper": (
        "@hookimpl(wrapper=True)\ndef emonet_strategies():\n    return (yield)",
        "emonet_strategies is a wrapper",
    ),
    "junk": (
        "@hookimpl\ndef emonet_architectures(): return 7",
        r"must return Architecture descriptors in a list; got 7",
    ),
    "a name": ("@hookimpl\ndef emonet_strategies(): return 'scratch'", "descriptors in a list; got 'scratch'"),
    "junk in a list": (
        "@hookimpl\ndef emonet_corpora(config): return [corpus('x'), None]",
        "must return Corpus .* got None",
    ),
    "junk options": (
        "@hookimpl\ndef emonet_architectures(): return [architecture('x', options=dict)]",
        "options of 'x' must be a subclass of emonet_bench.config.Options",
    ),
    "raising hook": ("@hookimpl\ndef emonet_corpora(config): raise OSError('disk\\non fire')", "OSError: disk on fire"),
    "raising half-way": (
        "@hookimpl\ndef emonet_corpora(config):\n    yield corpus('half')\n    raise ValueError('way')",
        "ValueError: way",
    ),
    "raising after another hook": (
        "@hookimpl\ndef emonet_corpora(config): return [corpus('kept')]\n@hookimpl\ndef emonet_strategies(): return 1 / 0",
        "ZeroDivisionError",
    ),
    "the same name twice": (
        "@hookimpl\ndef emonet_strategies(): return [strategy('s'), strategy('s')]",
        "strategy 's' is registered twice",
    ),
    "a name that is no file name": (
        "@hookimpl\ndef emonet_strategies(): return [strategy('a/b')]",
        "strategy name 'a/b'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_costs_only_itself(site, case):
    code, reason = BROKEN[case]
    site.install("bad", code)
    site.install("good", GOOD)
    with pytest.warns(RuntimeWarning, match=rf"plugin bad \(dist_bad_module\) is left out: .*{reason}"):
        plugins = Plugins(Selection(names=("good", "bad")))
    assert list(plugins.architectures) == ["tiny"]
    assert list(plugins.corpora) == ["toy"], "what a broken plugin had registered is taken back"
    assert list(plugins.strategies) == []
    assert list(plugins.versions()) == ["good"]
    broken = plugins.origins[0]
    assert broken.registers == []
    assert "\n" not in broken.broken


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_fatal_when_strict(site, case):
    code, reason = BROKEN[case]
    site.install("bad", code)
    with pytest.raises(PluginError, match=rf"plugin bad \(dist_bad_module\) is broken: .*{reason}"):
        Plugins(Selection(names=("bad",), strict=True))


def test_two_plugins_with_one_name_are_fatal_and_both_are_named(site):
    site.install("one", GOOD)
    site.install("two", GOOD)
    with pytest.raises(
        DuplicateNameError, match=r"corpus 'toy' .* one \(dist_one_module\) and two \(dist_two_module\)"
    ):
        Plugins(Selection(names=("one", "two")))


def test_a_plugin_installed_twice_is_fatal_and_both_packages_are_named(site):
    site.install("same", GOOD, distribution="first")
    site.install("same", GOOD, distribution="second")
    with pytest.raises(DuplicateNameError, match=r"'same' is installed twice: .*(first|second).*(first|second)"):
        Plugins(Selection(names=("same",)))


def test_what_a_plugin_prints_does_not_reach_stdout(site, capsys):
    site.install(
        "loud", "print('importing')\n@hookimpl\ndef emonet_corpora(config):\n    print('looking')\n    return []"
    )
    Plugins(Selection(names=("loud",)))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "importing\nlooking\n"


def test_a_keyboard_interrupt_is_not_swallowed(site):
    site.install("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Plugins(Selection(names=("slow",)))


@pytest.mark.parametrize("value", ["", " , "])
def test_an_empty_selection_loads_what_is_built_in_alone(site, monkeypatch, value):
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", value)
    assert [(origin.name, origin.shipped) for origin in Plugins().origins] == [("builtins", True)]


def test_the_environment_selects_the_named_plugins_beside_what_is_built_in_in_sorted_order(site, monkeypatch):
    for name in ("zeta", "alpha", "other"):
        site.install(name, f"@hookimpl\ndef emonet_strategies(): return [strategy('{name}-b'), strategy('{name}-a')]")
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "zeta, alpha,zeta")
    plugins = Plugins()
    assert [origin.name for origin in plugins.origins] == ["alpha", "builtins", "zeta"]
    assert list(plugins.strategies) == ["alpha-a", "alpha-b", "zeta-a", "zeta-b"]


def test_a_plugin_that_is_selected_and_not_installed_is_an_error(site, monkeypatch):
    site.install("good", GOOD)
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "goud")
    with pytest.raises(ConfigError, match=r"EMONET_BENCH_PLUGINS: no plugin 'goud' .*; did you mean 'good'\?"):
        Plugins()


def test_a_single_file_is_a_plugin_whose_version_is_its_content(site, tmp_path):
    path = _file(tmp_path, GOOD)
    plugins = Plugins(Selection(names=(), files=(path, path)))
    assert list(plugins.architectures) == ["tiny"]
    first = plugins.versions()["mine"]
    _file(tmp_path, GOOD + "# changed")
    second = Plugins(Selection(names=(), files=(path,))).versions()["mine"]
    assert first.startswith("sha256:")
    assert first != second, "a changed file must make a new run id"


def test_two_files_of_one_name_do_not_replace_each_other(site, tmp_path):
    (tmp_path / "other").mkdir()
    files = (
        _file(tmp_path, GOOD),
        _file(tmp_path / "other", "@hookimpl\ndef emonet_strategies(): return [strategy('s')]"),
    )
    with pytest.warns(RuntimeWarning, match="already registered"):
        plugins = Plugins(Selection(names=(), files=files))
    assert list(plugins.architectures) == ["tiny"]


LIFECYCLE = """
heard = []

@hookimpl
def emonet_run_started(spec):
    heard.append(spec)
    if {fails}:
        raise RuntimeError("deaf")

@hookimpl
def emonet_skip(spec):
    return {answer}
"""


def test_a_file_that_is_left_out_takes_no_hooks_of_its_namesake_with_it(site, tmp_path):
    (tmp_path / "other").mkdir()
    files = (
        _file(tmp_path, LIFECYCLE.format(fails=False, answer="'too short'")),
        _file(tmp_path / "other", "@hookimpl\ndef emonet_strategies(): return [strategy('s')]"),
    )
    with pytest.warns(RuntimeWarning, match="already registered"):
        plugins = Plugins(Selection(names=(), files=files))
    assert plugins.ask("emonet_skip", spec="cell") == "too short"


def test_a_plugin_that_fails_to_listen_does_not_stop_the_others(site):
    site.install("a", LIFECYCLE.format(fails=True, answer=None))
    site.install("b", LIFECYCLE.format(fails=False, answer="'too short'"))
    plugins = Plugins(Selection(names=("a", "b")))
    with pytest.warns(
        RuntimeWarning, match=r"plugin a \(dist_a_module\): emonet_run_started raised RuntimeError\('deaf'\)"
    ):
        plugins.notify("emonet_run_started", spec="cell", directory=None)
    assert sys.modules["dist_a_module"].heard == sys.modules["dist_b_module"].heard == ["cell"]
    assert plugins.ask("emonet_skip", spec="cell") == "too short"


def test_a_question_is_answered_by_the_first_plugin_in_name_order(site):
    site.install("b", LIFECYCLE.format(fails=False, answer="'b'"))
    site.install("a", LIFECYCLE.format(fails=False, answer="'a'"))
    assert Plugins(Selection(names=("b", "a"))).ask("emonet_skip", spec=None) == "a"
    assert Plugins(Selection(names=())).ask("emonet_skip", spec=None) is None


def test_a_mistake_of_the_users_that_a_plugin_finds_is_told_as_such(site, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from emonet_bench import hookimpl\nfrom emonet_bench.errors import ConfigError\n"
        "@hookimpl\ndef emonet_skip(spec):\n    raise ConfigError('quota: there is none; ask for some')\n"
    )
    plugins = Plugins(Selection(names=(), files=(plugin,)))
    with pytest.raises(ConfigError, match=r"^quota: there is none; ask for some$"):
        plugins.ask("emonet_skip", spec=None)


def test_a_plugin_that_raises_when_asked_is_named(site):
    site.install("a", LIFECYCLE.format(fails=False, answer="1 / 0"))
    with pytest.raises(PluginError, match=r"plugin a \(dist_a_module\): emonet_skip raised ZeroDivisionError"):
        Plugins(Selection(names=("a",))).ask("emonet_skip", spec=None)


COMMAND = """
@hookimpl
def emonet_commands(cli):
    @cli.command("{name}")
    def command():
        "Say hello."
"""


def test_plugins_add_commands(site):
    site.install("greeter", COMMAND.format(name="hello"))
    plugins = Plugins(Selection(names=("greeter",)))
    plugins.add_commands(click.Group, reserved=("run",))
    assert plugins.commands["hello"].help == "Say hello."
    assert plugins.origins[0].registers == ["command hello"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (COMMAND.format(name="run"), "command 'run' has the name of a command"),
        (
            "@hookimpl\ndef emonet_architectures(): return [architecture('run')]",
            "architecture 'run' has the name of a command",
        ),
        ("@hookimpl\ndef emonet_commands(cli): cli.nothing", "has no attribute 'nothing'"),
    ],
)
def test_a_plugin_cannot_take_a_commands_name(site, code, reason):
    site.install("bad", code)
    site.install("good", GOOD)
    plugins = Plugins(Selection(names=("bad", "good")))
    with pytest.warns(RuntimeWarning, match=reason):
        plugins.add_commands(click.Group, reserved=("run",))
    assert list(plugins.commands) == []
    assert list(plugins.architectures) == ["tiny"]


@pytest.mark.parametrize("requires", ["emonet-bench>=99", "emonet_bench==99.*; python_version > '3'"])
def test_a_plugin_that_needs_a_newer_host_is_left_out_and_says_so(site, requires):
    site.install("bad", "import surely_not_installed", requires=requires)
    site.install("good", GOOD)
    reason = r"needs emonet-bench.=99.*, this is emonet-bench \d.*; upgrade one of the two"
    with pytest.warns(RuntimeWarning, match=rf"plugin bad \(dist_bad_module\) is left out: {reason}"):
        plugins = Plugins(Selection(names=("good", "bad")))
    assert list(plugins.architectures) == ["tiny"]
    with pytest.raises(PluginError, match=rf"plugin bad \(dist_bad_module\) is broken: {reason}"):
        Plugins(Selection(names=("bad",), strict=True))


@pytest.mark.parametrize("requires", ["other>=99", "emonet-bench>=99; extra == 'test'"])
def test_what_does_not_concern_the_host_is_not_asked_of_it(site, requires):
    site.install("good", GOOD, requires=requires)
    assert Plugins(Selection(names=("good",), strict=True)).working


def test_a_plugin_that_sleeps_is_named_and_works(site, monkeypatch):
    monkeypatch.setattr("emonet_bench.plugins.loading.PATIENCE", 0.05)
    site.install("sleepy", f"import time; time.sleep(0.1)\n{GOOD}")
    reason = r"plugin sleepy \(dist_sleepy_module\) took \d+\.\d s to load"
    with pytest.warns(RuntimeWarning, match=reason):
        assert list(Plugins(Selection(names=("sleepy",))).architectures) == ["tiny"]
    del sys.modules["dist_sleepy_module"]
    with pytest.raises(PluginError, match=reason):
        Plugins(Selection(names=("sleepy",), strict=True))


HOOKS = {name: inspect.signature(hook) for name, hook in vars(hookspecs).items() if name.startswith("emonet_")}
IN_WORKERS = "emonet_extend_record"  # see test_extensions
LISTENING = ("emonet_run_started", "emonet_epoch_finished", "emonet_run_finished", "emonet_run_failed")
DECIDING = ("emonet_skip", "emonet_executor")
LEAVING = pytest.mark.filterwarnings("ignore:emonet_executor is asked no more:DeprecationWarning")


def does(hook: str, body: str) -> str:
    return f"@hookimpl\ndef {hook}({', '.join(HOOKS[hook].parameters)}):\n    {body}\n"


def driven(selection: Selection) -> Plugins:
    """Load plugins and let every hook be called once."""
    plugins = Plugins(selection)
    plugins.add_commands(click.Group, reserved=())
    for hook in LISTENING:
        plugins.notify(hook, **dict.fromkeys(HOOKS[hook].parameters))
    for hook in DECIDING:
        plugins.ask(hook, **dict.fromkeys(HOOKS[hook].parameters))
    return plugins


def test_an_error_that_explains_itself_is_the_warning(site):
    site.install(
        "lost",
        does(
            "emonet_run_started", "from emonet_bench.errors import ConfigError; raise ConfigError('server: no answer')"
        ),
    )
    plugins = Plugins(Selection(names=("lost",)))
    with pytest.warns(RuntimeWarning, match=r"^plugin lost \(dist_lost_module\): server: no answer$"):
        plugins.notify("emonet_run_started", spec=None, directory=None)


@pytest.mark.parametrize("hook", sorted(set(HOOKS) - {*DECIDING, IN_WORKERS}))
def test_a_plugin_that_raises_in_a_hook_is_named_and_the_others_go_on(site, hook):
    site.install("bad", does(hook, "raise OSError('on fire')"))
    site.install("good", GOOD)
    with pytest.warns(RuntimeWarning, match=r"plugin bad \(dist_bad_module\).*on fire"):
        assert list(driven(Selection(names=("bad", "good"))).architectures) == ["tiny"]
    with pytest.raises(PluginError, match=r"plugin bad \(dist_bad_module\).*on fire"):
        driven(Selection(names=("bad", "good"), strict=True))


@LEAVING
@pytest.mark.parametrize(
    ("hook", "body", "reason"),
    [
        ("emonet_skip", "raise OSError('on fire')", "on fire"),
        ("emonet_executor", "raise OSError('on fire')", "on fire"),
        ("emonet_skip", "return 7", "must return a reason or None; got 7"),
        ("emonet_executor", "return 'ray'", "must return an executor of concurrent.futures or None; got 'ray'"),
    ],
)
def test_a_plugin_that_cannot_decide_stops_the_program_and_is_named(site, hook, body, reason):
    site.install("bad", does(hook, body))
    with pytest.raises(PluginError, match=rf"plugin bad \(dist_bad_module\).*{reason}.*; mend or uninstall it"):
        driven(Selection(names=("bad",)))


@LEAVING
def test_what_a_hook_prints_does_not_reach_stdout(site, capsys):
    site.install("loud", "".join(does(hook, f"print('{hook}')") for hook in (*LISTENING, *DECIDING)))
    driven(Selection(names=("loud",)))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.split() == [*LISTENING, *DECIDING]


def test_the_list_of_plugins_shows_all_of_them_and_why_one_is_broken(site, monkeypatch):
    site.install("bad", "import surely_not_installed")
    site.install("good", GOOD)
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "bad,good")
    listed = CliRunner().invoke(main, ["plugins", "list"])
    assert listed.exit_code == 0
    assert "architecture: tiny" in listed.output
    assert "bad (dist_bad_module): ModuleNotFoundError: No module named 'surely_not_installed'" in listed.output
    assert CliRunner().invoke(main, ["--strict", "plugins", "list"]).exit_code == 1


def test_the_built_in_plugins_load_without_a_warning(monkeypatch):
    monkeypatch.delenv("EMONET_BENCH_PLUGINS", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Plugins().working


def test_what_one_plugin_does_to_what_it_hears_no_other_one_hears(site, capsys):
    site.install(
        "first", "@hookimpl\ndef emonet_run_finished(spec, result): spec.pop('seed'), result['scores'].clear()"
    )
    site.install("second", "@hookimpl\ndef emonet_run_finished(spec, result): print(spec, result)")
    spec, result = {"seed": 0}, {"scores": {"uar": 0.5}}
    Plugins(Selection(names=("first", "second"))).notify(
        "emonet_run_finished", spec=spec, result=result, directory=None
    )
    assert capsys.readouterr().err == "{'seed': 0} {'scores': {'uar': 0.5}}\n"
    assert (spec, result) == ({"seed": 0}, {"scores": {"uar": 0.5}})
