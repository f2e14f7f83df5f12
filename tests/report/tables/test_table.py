"""Tables from run directories that are written here by hand, scored by an independent oracle."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

from emonet_bench import report
from emonet_bench.cli import main
from emonet_bench.config import Training
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.runs.spec import Cell, RunSpec
from tests.report.tables.oracle import uar
from tests.written import LABELS, clips


def text(table, width=80):
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(report.render_rich(table))
    return capture.get()


def test_the_calibration_error_is_shown_where_asked_for_and_less_of_it_is_better(results):
    for strategy, right in (("scratch", 0.5), ("adapters", 0.9)):
        results.add(strategy=strategy, right=right)
    table = report.summarise(report.load(results.folder), "ece")
    cells = {column.strategy: cell for column, cell in table.rows[0].cells.items()}
    plain = report.summarise(report.load(results.folder), "accuracy").rows[0].cells
    for column, cell in plain.items():  # each prediction was written down as certain
        assert cell.ece == cells[column.strategy].score == pytest.approx(1 - cell.score)
    assert (cells["adapters"].best, cells["scratch"].best) == (True, False)
    assert all(cell.interval is None and cell.against is None for cell in cells.values())
    assert report.arranged(table, sort="score").columns[0].strategy == "adapters"
    assert "less is better" in table.notes[0]
    assert "[" not in report.render_markdown(table) + report.render_latex(table).partition(r"\toprule")[2]


def test_different_protocols_never_share_a_row_and_their_ids_tell_equal_names_apart(results):
    results.add(protocol="fixed", protocol_id="aaaa", right=0.9)
    results.add(protocol="fixed", protocol_id="bbbb", right=0.5, strategy="adapters")
    results.add(protocol="loso", protocol_id="cccc", right=0.7)
    results.add(protocol="fixed", protocol_id="aaaa", right=0.7, training={"limit": 20})
    table = report.summarise(report.load(results.folder))
    assert [(row.subtitle, row.protocol_id) for row in table.rows] == [
        ("fixed aaaa", "aaaa"), ("fixed, limit 20", "aaaa"), ("fixed bbbb", "bbbb"), ("loso", "cccc"),
    ]  # fmt: skip
    assert not any(cell.best for _, _, cell in table.cells()), "nothing to rank in rows of one cell"


def test_the_best_complete_cell_of_a_row_is_bold(results):
    results.add(strategy="scratch", right=0.6)
    results.add(strategy="adapters", right=0.95)
    table = report.summarise(report.load(results.folder))
    assert {str(column): cell.best for _, column, cell in table.cells()} == {"cnn adapters": True, "cnn scratch": False}
    assert f"**{table.rows[0].cells[table.columns[1]].score:.3f}".replace("0.", ".") in report.render_markdown(table)


def test_an_incomplete_cell_is_shown_and_not_ranked(results):
    for fold in (0, 1):
        results.add(fold=fold, right=0.6, rows=clips(60, right=0.6, prefix=f"f{fold}-"))
        results.add(fold=fold, strategy="finetune", rows=clips(60, right=0.5, prefix=f"f{fold}-"))
    results.add(fold=0, strategy="adapters", right=1.0)
    table = report.summarise(report.load(results.folder))
    cells = {column.strategy: cell for _, column, cell in table.cells()}
    assert (cells["adapters"].complete, cells["adapters"].best) == (False, False)
    assert cells["scratch"].best
    assert "~1.000" in text(table)
    assert any("incomplete" in note for note in table.notes)


def test_failed_and_skipped_cells_are_shown_with_their_reason(results):
    results.add(right=0.8)
    results.add(seed=1, error="loss is\nnan")
    results.add(architecture="rnn", error="[boom]")
    spec = RunSpec(
        corpus="emo", protocol="fixed", architecture="svm", architecture_options={}, strategy="adapters",
        strategy_options={}, training=Training(epochs=2), seed=0,
    )  # fmt: skip
    records = [*report.load(results.folder), report.skipped(Cell(spec, "f" * 16), "has no adapter points")]
    table = report.summarise(records)
    states = {str(column): (cell.state, cell.failed) for _, column, cell in table.cells()}
    assert len(table.rows) == 1, "a failed run joins the row of its protocol"
    assert states == {"cnn scratch": ("done", 1), "rnn scratch": ("failed", 1), "svm adapters": ("skipped", 0)}
    assert table.problems == (
        "failed: emo cnn scratch s1: RuntimeError: loss is nan",
        "failed: emo rnn scratch s0: RuntimeError: [boom]",
        "skipped: emo svm adapters s0: has no adapter points",
    )


def test_no_record_makes_an_empty_table():
    table = report.summarise([])
    assert (table.rows, table.columns, table.notes) == ((), (), ())
    assert "UAR on test" in text(table)
    assert report.render_csv(table) == "\n"


THREE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_run_on_several_corpora_has_a_cell_in_each_row_unless_it_is_only_a_source(results):
    facts = {"labels": list(LABELS), "protocol_id": "aaaa", "synthetic": True}
    for strategy, run_id in (("multi-task", "1" * 16), ("joint", "2" * 16)):
        path = results.add(
            corpus="a+b", protocol="x+y", strategy=strategy, run_id=run_id,
            corpora={"a": facts, "b": facts | {"protocol_id": "bbbb"}},
            per_corpus={name: {"test": {"scores": {"uar": 0.5}, "confusion": THREE}} for name in "ab"},
        )  # fmt: skip
        results.predictions(path / "predictions-a.csv", clips(right=0.9))
        results.predictions(path / "predictions-b.csv", clips(right=0.7))
    results.add(corpus="a", protocol="x", strategy="adapters", source="1" * 16, synthetic=True)
    results.add(corpus="c", protocol="x", strategy="adapters", source="2" * 16, synthetic=True)
    table = report.summarise(report.load(results.folder))
    shown = {(row.title, row.protocol, column.strategy) for row, column, _ in table.cells()}
    assert shown == {
        ("a (synthetic)", "x", "adapters"), ("a (synthetic)", "x", "multi-task"), ("b (synthetic)", "y", "multi-task"),
        ("c (synthetic)", "x", "adapters"),
    }  # fmt: skip
    by_corpus = {row.corpus: cell.score for row, column, cell in table.cells() if column.strategy == "multi-task"}
    assert by_corpus["a"] == pytest.approx(uar(clips(right=0.9)))
    assert by_corpus["b"] == pytest.approx(uar(clips(right=0.7)))


def test_all_columns_are_compared_with_the_one_that_is_named(results):
    for architecture, strategy, right in (("cnn", "scratch", 0.3), ("cnn", "finetune", 0.4), ("rnn", "scratch", 0.95)):
        results.add(architecture=architecture, strategy=strategy, right=right)
    table = report.summarise(report.load(results.folder), baseline="cnn scratch")
    cells = {str(column): cell for column, cell in table.rows[0].cells.items()}
    assert cells["cnn scratch"].against is None
    for name in ("cnn finetune", "rnn scratch"):
        assert cells[name].against.difference == pytest.approx(cells[name].score - cells["cnn scratch"].score)
    assert "rnn scratch against cnn scratch: 1 better, 0 worse, 0 undecided." in table.notes
    assert any(note.startswith("* differs from cnn scratch: p < .05") for note in table.notes)


def test_a_baseline_that_is_no_column_is_refused(results):
    results.add(architecture="cnn")
    with pytest.raises(
        ConfigError, match=r"--baseline: no strategy and no column is called 'cnn scrach'.*'cnn scratch'"
    ):
        report.summarise(report.load(results.folder), baseline="cnn scrach")


def test_significance_is_marked_against_the_baseline_of_the_same_architecture(results):
    rows = clips(240, speakers=12, right=0.4)
    results.add(rows=rows)
    results.add(strategy="adapters", rows=[(*row[:3], row[2]) for row in rows])
    results.add(strategy="last-layer", rows=rows)
    results.add(architecture="rnn", strategy="adapters", rows=rows)
    table = report.summarise(report.load(results.folder))
    cells = {str(column): cell for _, column, cell in table.cells()}
    assert cells["cnn adapters"].significant
    assert cells["cnn adapters"].against.difference == pytest.approx(1 - uar(rows))
    assert (cells["cnn last-layer"].p, cells["cnn last-layer"].significant) == (1.0, False)
    assert cells["rnn adapters"].against is None
    assert "adapters against scratch: 1 better, 0 worse, 0 undecided." in table.notes
    assert "1.000*" in text(table)


def test_seeds_are_ordered_where_there_are_ten_and_not_where_there_are_nine(results):
    for seed in range(10):
        results.add(seed=seed, right=0.4)
        results.add(seed=seed, strategy="adapters", right=0.8)
        if seed < 9:
            results.add(seed=seed, strategy="last-layer", right=0.8)
    table = report.summarise(report.load(results.folder))
    cells = {column.strategy: cell for _, column, cell in table.cells()}
    assert cells["adapters"].order == 0
    assert cells["last-layer"].order is None
    assert "adapters over seeds: almost stochastically above scratch in 1 of 1 cells." in table.notes
    assert not any(note.startswith("last-layer over seeds") for note in table.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{not json", "damaged"),
        ("[]", "damaged"),
        ("{}", "not a run's record .run_id: field required"),
        ('{"schema_version": 99}', "written by a newer emonet-bench .schema 99.; upgrade"),
        ('{"spec": {"corpus": 3}}', "not a run's record"),
    ],
)
def test_a_foreign_directory_is_named_and_left_out(results, content, message):
    results.add(right=0.8)
    strange = results.folder / "strange"
    strange.mkdir()
    (strange / "result.json").write_text(content)
    with pytest.warns(RuntimeWarning, match=f"left out: .*strange/result.json: .*{message}"):
        assert len(report.load(results.folder)) == 1


def test_a_directory_without_runs_is_one_clear_error(tmp_path):
    with pytest.raises(StoreError, match="no such directory; name the --results"):
        report.load(tmp_path / "absent")
    with pytest.raises(StoreError, match="no run that can be read"):
        report.load(tmp_path)


def test_a_single_run_can_be_loaded_and_hidden_directories_are_not(results):
    path = results.add()
    path.rename(results.folder / ".pending")
    path = results.add(seed=3)
    assert [record.seed for record in report.load(path)] == [3]
    assert [record.seed for record in report.load(results.folder)] == [3]


@pytest.fixture
def golden(results):
    truth = ["anger", "anger", "joy", "neutral"]
    guess = ["anger", "joy", "joy", "neutral"]
    results.add(rows=[(n, "", t, g) for n, t, g in zip("abcd", truth, guess, strict=True)], synthetic=True)
    results.add(strategy="adapters", rows=[(n, "", t, t) for n, t in zip("abcd", truth, strict=True)], synthetic=True)
    results.add(corpus="other_one", protocol="loso", error="no & such | file")
    return report.summarise(report.load(results.folder))


def test_markdown_is_as_expected(golden):
    assert report.render_markdown(golden).replace("\N{EN DASH}", "-").splitlines()[:5] == [
        "| corpus | cnn scratch | cnn adapters |",
        "| --- | --: | --: |",
        "| emo (synthetic), fixed | .833 [.67-1.00] | **1.000** [1.00-1.00] |",
        "| other_one, loso | failed |  |",
        "",
    ]


def test_latex_is_as_expected(golden):
    lines = [line for line in report.render_latex(golden).splitlines() if not line.startswith("%")]
    assert lines == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Corpus & cnn scratch & cnn adapters \\",
        r"\midrule",
        r"emo (synthetic), fixed & .833 {\scriptsize [.67--1.00]} & \textbf{1.000} {\scriptsize [1.00--1.00]} \\",
        r"other\_one, loso & failed &  \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_csv_and_json_hold_full_precision(golden):
    lines = list(csv.DictReader(io.StringIO(report.render_csv(golden))))
    cells = json.loads(report.render_json(golden))["cells"]
    assert [line["architecture"] + line["strategy"] for line in lines] == ["cnnscratch", "cnnadapters", "cnnscratch"]
    assert float(lines[0]["score"]) == cells[0]["score"] == pytest.approx(5 / 6, abs=1e-12)
    assert (cells[0]["trainable"], cells[0]["synthetic"], cells[2]["state"]) == (4321, True, "failed")


def test_report_imports_neither_torch_nor_pandas_nor_scikit_learn(results):
    results.add()
    code = (
        "import sys\nfrom emonet_bench.cli import main\ntry: main(['report', sys.argv[1]])\nexcept SystemExit: pass\n"
    )
    code += "sys.exit(str({'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code, results.folder], capture_output=True, text=True, check=False)
    assert run.stderr.strip() == "set()"
    assert "UAR on test" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "corpora"], "--rows corpora: no dimension 'corpora'; did you mean 'corpus'?"),
        (
            ["--rows", "corpus", "--columns", "strategy"],
            "--rows corpus --columns strategy: share corpus, architecture, strategy out",
        ),
        (["--columns", "corpus,corpus"], "--columns corpus,corpus: share corpus, architecture, strategy out"),
        (["--columns", "corpus,architecture,strategy"], "share corpus, architecture, strategy out"),
    ],
)
def test_a_wrong_layout_is_a_mistake(results, arguments, message):
    results.add()
    shown = run(results.folder, *arguments)
    assert shown.exit_code == 2
    assert message in shown.stderr


@pytest.mark.slow
def test_the_latex_compiles(results, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    results.add(corpus="a_b", strategy="finetune", right=0.5, options={"layers": "50%~{2}^$#&\\"}, audit="leaking")
    results.add(corpus="a_b", strategy="finetune", right=0.5, options={"layers": 3}, seed=1)
    results.add(corpus="a_b", strategy="scratch", error="no & such | file_name")
    results.add(corpus="a_b", source="ab" * 8, evaluate={"corpus": "c_d", "protocol": "fixed:a&b", "labels": {}})
    table = report.render_latex(report.summarise(report.load(results.folder), baseline="finetune"))
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + table + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").is_file()


def run(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)], prog_name="emonet-bench")


def test_the_command_prints_the_table_and_the_reasons_unwrapped(results):
    results.add(right=0.7)
    results.add(architecture="rnn", error="x" * 200)
    shown = run(results.folder)
    assert shown.exit_code == 0
    assert "UAR on test" in shown.stdout
    assert shown.stdout.endswith(f"failed: emo rnn scratch s0: RuntimeError: {'x' * 200}\n")


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json", "rich"])
def test_the_command_writes_files(results, tmp_path, form):
    results.add(right=0.7)
    shown = run(results.folder, "--format", form, "-o", tmp_path / "table.txt", "--metric", "accuracy")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "")
    assert "ccuracy" in (tmp_path / "table.txt").read_text()


def test_a_file_that_cannot_be_written_is_a_mistake(results, tmp_path):
    results.add(right=0.7)
    shown = run(results.folder, "--format", "csv", "-o", tmp_path / "absent" / "table.csv")
    assert shown.exit_code == 2
    assert (
        shown.stderr
        == f"Error: --output {tmp_path}/absent/table.csv: cannot be written (No such file or directory); make the folder {tmp_path}/absent first\n"
    )


def test_runs_can_be_filtered(results):
    for architecture in ("cnn", "rnn", "svm"):
        for seed in (0, 1):
            results.add(architecture=architecture, seed=seed)
    shown = run(results.folder, "--format", "json", "--filter", "architecture=cnn,svm", "--filter", "seed=1")
    cells = json.loads(shown.stdout)["cells"]
    assert [(cell["architecture"], cell["seeds"]) for cell in cells] == [("cnn", 1), ("svm", 1)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("corpora=emo", "--filter corpora=emo: write it as key=value; did you mean 'corpus'?"),
        ("architecture=cnnn", "--filter architecture=cnnn: no run has the architecture 'cnnn'; did you mean 'cnn'?"),
    ],
)
def test_a_wrong_filter_is_a_mistake(results, given, message):
    results.add()
    assert run(results.folder, "--filter", given).stderr == f"Error: {message}\n"
