"""The page: what it holds, and how it behaves in a browser."""

import re
import shutil
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from emonet_bench import report
from emonet_bench.cli import main
from emonet_bench.report.html import render_html, transfers
from tests.written import LABELS, Results, clips

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PARTITIONS = {
    part: {"clips": 120, "speakers": 8, "labels": dict.fromkeys(LABELS, 40)} for part in ("train", "dev", "test")
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    written = Results(tmp_path_factory.mktemp("page") / "results")
    for corpus, level in (("emo", 0.5), ("ravi", 0.4)):
        sources = {seed: f"{corpus}{seed}".encode().hex().ljust(16, "0") for seed in (0, 1)}
        for seed in (0, 1):
            other = {"emo": "ravi", "ravi": "emo"}[corpus]
            source = f"{other}{seed}".encode().hex().ljust(16, "0")
            facts = {
                "partitions": PARTITIONS,
                "audit": "clean" if corpus == "emo" else "leaking",
                "environment": {"torch": "9.8.7"},
            }
            add = {"corpus": corpus, "seed": seed, **facts}
            paths = [
                written.add(**add, right=level, run_id=sources[seed]),
                written.add(**add, strategy="finetune", right=level + 0.3, source=source),
                written.add(**add, strategy="adapters", right=level + 0.2, source=source, parameters={"total": 9, "trainable": 7}),
            ]  # fmt: skip
            for path in paths:
                (path / "history.csv").write_text(
                    "epoch,loss,dev_uar,learning_rate,seconds\n1,1.5,0.3,1e-3,1\n2,1.4,0.5,1e-3,1\n"
                )
        written.add(corpus, "rnn", right=0.3, licence="<script>", **facts)
        there = {"corpus": {"emo": "ravi", "ravi": "emo"}[corpus], "protocol": "fixed:two", "labels": {}}
        written.add(corpus, right=0.6, source=sources[0], evaluate=there, protocol_id="bbbb", **facts)
        written.add(corpus, right=0.2, seed=1, source=sources[1], evaluate=there, protocol_id="bbbb", **facts)
    written.add(
        "emo",
        "tdnn",
        error="no source",
        source="f" * 16,
        evaluate={"corpus": "ravi", "protocol": "fixed:two", "labels": {}},
    )
    written.add("emo", "svm", error="<b>boom</b>")
    return written.folder


@pytest.fixture(scope="module")
def table(results):
    return report.summarise(report.load(results))


@pytest.fixture(scope="module")
def page(table):
    return render_html(table)


class Tags(HTMLParser):
    """Collects elements, and finds those that are never closed."""

    VOID = ("meta", "link", "input", "line", "circle", "path", "polyline")

    def __init__(self, page):
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_from_elsewhere_and_is_well_formed(page):
    tags = Tags(page)
    assert tags.open == []
    outside = [value for _, attrs in tags.found for name, value in attrs.items() if name in ("src", "href", "srcset")]
    assert all(value.startswith("#") or value == "data:," for value in outside)
    assert not re.search(r"https?://|@import|url\(|fetch\(", page)


def test_links_lead_to_what_is_there_and_no_name_occurs_twice(page):
    tags = Tags(page).found
    names = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["href"][1:] for tag, attrs in tags if tag == "a"} <= set(names)


def test_names_and_messages_are_escaped(page):
    assert "&lt;script&gt;" in page
    assert "<b>boom</b>" not in page
    assert page.count("<script") == 1


def test_what_a_plugin_measured_is_among_the_details(tmp_path):
    Results(tmp_path).add(extensions={"energy": {"joules": 12.5, "of": "<cpu>"}}, schema_version=2)
    page = render_html(report.summarise(report.load(tmp_path)))
    measured = page.partition("What plugins measured of the first run")[2].partition("</details>")[0]
    assert "12.5" in measured
    assert "&lt;cpu&gt;" in measured


def test_the_confusion_counts_all_seeds(table):
    from emonet_bench.report.details import gather

    confusion_matrix = pytest.importorskip("sklearn.metrics").confusion_matrix
    item = next(item for item in gather(table) if (item.row.corpus, item.column.strategy) == ("emo", "finetune"))
    rows = [row for seed in (0, 1) for row in clips(right=0.8, seed=seed)]
    expected = confusion_matrix([row[2] for row in rows], [row[3] for row in rows], labels=LABELS)
    assert item.confusion == expected.tolist()
    assert [curve.best for curve in item.curves] == [2, 2]
    for speaker in item.speakers:
        own = [row for row in rows if row[1] == speaker.name]
        recalls = [
            sum(row[3] == label for row in mine) / len(mine)
            for label in LABELS
            if (mine := [row for row in own if row[2] == label])
        ]
        assert (speaker.score, speaker.clips) == (pytest.approx(sum(recalls) / len(recalls)), len(own))


def test_the_transfer_map_has_a_cell_for_each_source_and_target(table):
    found = {way.title: way for way in transfers(table)}
    assert list(found) == ["cnn adapters", "cnn finetune"]
    cells = {
        (source, way.targets[target].corpus)
        for way in found.values()
        for source, row in way.cells.items()
        for target in row
    }
    assert cells == {("scratch on ravi", "emo"), ("scratch on emo", "ravi")}


def test_a_zero_shot_map_is_coloured_from_chance_and_names_what_failed(page):
    map_ = page[page.index('id="zero-shot"') : page.index('id="cells"')]
    assert map_.count('<span class="badge">zero-shot</span>') == 2
    assert map_.count("chance .33") == 2, "of the network that failed nothing is known"
    assert 'class="badge failed"' in map_
    colours = [float(value) for value in re.findall(r"--v:([\d.]+)", map_)]
    scores = [float(value) for value in re.findall(r">(\.\d{3})<small> ±", map_)]
    assert colours == pytest.approx([(score - 1 / 3) / (2 / 3) for score in scores], abs=2e-3)
    assert len(colours) == 2


@pytest.mark.parametrize("arrangement", [{"columns": "corpus"}, {"rows": "corpus,architecture", "sort": "score"}])
def test_every_layout_and_metric_makes_a_page(results, arrangement):
    table = report.arranged(report.summarise(report.load(results), "macro_f1"), **arrangement)
    assert "<h1>Macro F1 on test</h1>" in render_html(table)


def test_a_page_of_nothing_is_still_a_page():
    assert Tags(render_html(report.summarise([]))).open == []


def test_the_command_writes_the_page_and_says_nothing(results, tmp_path):
    path = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["report", str(results), "--format", "html", "-o", str(path)])
    assert (done.exit_code, done.output) == (0, "")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


# In a browser


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=[(1200, 900, "light"), (390, 844, "dark")], ids=["desk", "phone"])
def view(browser, page, tmp_path, request):
    width, height, scheme = request.param
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
    context.set_default_timeout(60_000)  # a busy machine is no error
    view = context.new_page()
    said = []
    view.on("console", lambda message: said.append(message.text))
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    view.goto((tmp_path / "report.html").as_uri())
    yield view
    context.close()
    assert said == [], "no console message, no error, no request"


def column(view, index):
    return view.locator("#cells-table tbody tr:visible").evaluate_all(
        "(rows, index) => rows.map(row => row.cells[index].textContent.trim())", index
    )


def numbers(texts):
    return [float(re.match(r"~?(-?[\d.]+)", text).group(1)) for text in texts if text[:1] in ".~0123456789"]


@pytest.mark.slow
def test_the_table_sorts_both_ways_and_keeps_what_is_unknown_last(view):
    head = view.get_by_role("columnheader", name="UAR", exact=True).first
    head.get_by_role("button").click()
    rising = numbers(column(view, 3))
    assert rising == sorted(rising)
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(view, 3)[-1] == "failed"
    head.get_by_role("button").click()
    assert numbers(column(view, 3)) == sorted(rising, reverse=True)
    assert column(view, 3)[-1] == "failed"


@pytest.mark.slow
def test_the_table_filters_by_words_and_by_choice_and_counts(view):
    view.get_by_label("Find").fill("ravi FINE")
    assert column(view, 2) == ["finetune"]
    assert view.locator("#shown").text_content() == "1 of 9 cells"
    view.get_by_label("Find").fill("")
    view.get_by_label("Strategy").select_option("adapters")
    assert set(column(view, 2)) == {"adapters"}
    view.locator("select[data-filter=corpus]").select_option("emo")
    assert view.locator("#shown").text_content() == "1 of 9 cells"


@pytest.mark.slow
def test_the_keyboard_sorts_and_opens_a_cell(view):
    view.get_by_role("columnheader", name="Strategy").get_by_role("button").focus()
    view.keyboard.press("Enter")
    assert column(view, 2) == sorted(column(view, 2))
    view.locator("#cells-table tbody a").first.focus()
    view.keyboard.press("Enter")
    view.wait_for_function("document.querySelector('details.cell[open]')")
    opened = view.locator("details.cell[open]")
    assert opened.count() == 1
    assert opened.locator("table.confusion tbody tr").count() == len(LABELS)
    assert view.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.slow
def test_the_page_is_no_wider_than_its_window(view):
    view.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.slow
def test_light_and_dark_change_places_and_text_keeps_its_contrast(view):
    style = "element => { const s = getComputedStyle(element); return [s.backgroundColor, s.color] }"
    seen = [view.locator("body").evaluate(style)]
    view.get_by_role("button", name="Switch between light and dark").click()
    seen.append(view.locator("body").evaluate(style))
    assert seen[0] != seen[1]
    for paper, ink in seen:
        assert contrast(paper, ink) > 7


def contrast(first, second):
    """Contrast ratio of WCAG 2."""

    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
