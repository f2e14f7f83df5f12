"""Text of strangers on the console: cards, records, notes, paths and plugins' names are shown, never obeyed or lost."""

import json
import re
import shlex
from types import SimpleNamespace as Made

import pytest
from click.testing import CliRunner

from emonet_bench import escaping
from emonet_bench.audit import Finding
from emonet_bench.cli import main
from emonet_bench.cli.audit import Audit, show_findings
from emonet_bench.data.coverage import Coverage
from emonet_bench.export.card import model_card
from tests.hostile import ESCAPES, HOSTILE, MARKUP, obeyed
from tests.written import Results

TEXTS = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def wide(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "")
    monkeypatch.chdir(tmp_path)


def shown(*arguments, statuses=(0,)):
    """Run a command line; return all that it prints, which obeys nothing."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code in statuses, (done.output, done.exception)
    assert obeyed(done.output) == []
    return done.output


def flat(text):
    return " ".join(escaping.one_line(text).split())


@TEXTS
def test_status_and_report_show_a_reason_as_it_stands(tmp_path, text):
    results = Results(tmp_path / "results")
    results.add()
    results.add(strategy="broken", error=text)
    told = shown("status", results.folder)
    if "\ud800" in text:
        assert "1 unreadable" in told, "no JSON of UTF-8 holds it"
        return
    assert escaping.printable(text).splitlines()[0] in told
    assert flat(" ".join(text.split()))[:40] in flat(shown("report", results.folder))


@TEXTS
def test_a_record_of_a_stranger_costs_one_line_in_each_command(tmp_path, text):
    results = Results(tmp_path / "results")
    results.add()
    odd = results.add(seed=1)
    record = json.loads((odd / "result.json").read_text())
    for name in ("corpus", "protocol", "architecture", "strategy"):
        record["spec"][name] = text
    record["labels"] = [text, "joy", "neutral"]
    record |= {"notes": {"halved_batch": text}, "licence": text, "protocol_id": text, "run_id": text}
    (odd / "result.json").write_text(json.dumps(record))
    for command in ("status", "report", "verify"):
        assert "Traceback" not in shown(command, results.folder, statuses=(0, 1))


@TEXTS
def test_a_card_is_listed_and_shown_as_it_stands(tmp_path, text, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "corpora")
    folder = tmp_path / "corpora" / "mine"
    folder.mkdir(parents=True)
    quoted = json.dumps(escaping.printable(text) if "\ud800" in text or "\udcff" in text else text).replace(
        "\\u007f", "\x7f"
    )
    (folder / "card.toml").write_text(
        f'title = {quoted}\nlicence = {quoted}\ncitation = {quoted}\nlabels = ["a", "b"]\nfiles = "(?P<label>.)_(?P<speaker>.)\\\\.wav"\n',
        encoding="utf-8",
    )
    for command in (("list",), ("show", "mine")):
        told = shown("--corpora-dir", tmp_path / "corpora", "corpora", *command, statuses=(0, 2))
        assert "Traceback" not in told


@pytest.mark.parametrize("name", ["[x]", "a[b]c", "[/s]", "a\x1b[2J", "a\u202eb", "=1+1", ":smile:"])
@pytest.mark.parametrize("code", ["", "raise ValueError('[/s] [red]x\\x1b[2J')"])
def test_a_plugin_of_any_name_is_listed_whole_or_broken(tmp_path, name, code):
    path = tmp_path / f"{name.replace('/', '|')}.py"
    path.write_text(f"from emonet_bench import hookimpl\n{code}\n")
    told = shown("--plugin", path, "plugins", "list")
    assert escaping.printable(path.stem) in told
    if code:
        assert r"[/s] [red]x\x1b[2J" in told


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE.values() if "/" not in text and "\0" not in text and "\ud800" not in text]
)
def test_paths_are_shown_and_commands_to_copy_are_quoted(tmp_path, text):
    told = shown("report", tmp_path / text, statuses=(2,))
    assert flat(text) in flat(told)
    directory = tmp_path / "made" / text
    told = shown("plugins", "new", "my-net", "--kind", "corpus", "--directory", directory)
    command = told.partition("Next: cd ")[2].partition(" && pip")[0]
    assert shlex.split(command) == [escaping.printable(str(directory / "my-net"))]


@TEXTS
def test_findings_of_an_audit_are_shown_as_they_stand(text, capsys):
    audit = Audit(text, Coverage(2), [Finding("labels", "warning", text, (text,))])
    show_findings(text, audit, as_json=False)
    show_findings(text, audit, as_json=True)
    told = capsys.readouterr().out
    assert obeyed(told) == []
    assert json.loads(told[told.index("\n{") :])["findings"][0]["message"] == text


@TEXTS
def test_a_model_card_has_the_structure_of_a_harmless_one(text):
    def card(word):
        labels = [word, "joy"]
        scores = Made(uar=0.5, accuracy=0.5, recall=dict.fromkeys(labels, 0.5))
        spec = Made(corpus=word, architecture=word, strategy=word, protocol=word, seed=0, fold=None)
        record = Made(
            spec=spec, labels=labels, synthetic=False, protocol_id=word, licence=word, scores={"test": scores},
            partitions={"test": Made(clips=2, speakers=1)}, elicitation=word, target=None,
        )  # fmt: skip
        metadata = {
            "uar_interval": "", "uar_onnx": "", "window": "", "hop": "", "sampling_rate": "16000", "run_id": word,
            "packages": json.dumps({"torch": word}), "date": word, "parity_max_delta": "1e-6",
        }  # fmt: skip
        return model_card(metadata, record, f"{word}.onnx")

    odd, plain = card(text), card("x")
    assert obeyed(odd) == []
    assert "<" not in re.sub(r"(?s)(`+).*?\1", "", odd), "no HTML but in code"
    assert list(map(kind_of, odd.splitlines())) == list(map(kind_of, plain.splitlines()))
    assert list(map(columns_of, odd.splitlines())) == list(map(columns_of, plain.splitlines()))


def kind_of(line):
    """What Markdown makes of a line: a heading, a row, the border of code, or text."""
    if re.match(r"```[^`]*$", line):  # a border has no further backtick
        return "```"
    return next((mark for mark in ("# ", "## ", "| ") if line.startswith(mark)), "text" if line else "")


def columns_of(line):
    """The cells of a row."""
    return line.replace("\\\\", "").replace("\\|", "").count("|") if line.startswith("| ") else 0


def test_the_texts_cover_what_the_sanitisers_are_for():
    assert len(ESCAPES) + len(MARKUP) == len(HOSTILE) >= 20
