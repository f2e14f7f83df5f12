"""The pages in Chromium: a file and a microphone are heard rightly, by the server and by the browser itself."""

import re
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.serving.browser import write_page
from emonet_bench.errors import ConfigError
from emonet_bench.export import export_single
from emonet_bench.export.quantisation import quantise_graph
from tests.export.test_multi_task import TASKS
from tests.exported import SIGNAL, export_cnn, whole_cnn

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory, noise):
    """A clip of 4 s at 48 kHz, which the fake microphone repeats."""
    file = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    soundfile.write(file, noise(4, 48_000), 48_000, subtype="PCM_16")
    return file


@pytest.fixture(scope="module")
def browser(spoken):
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={spoken}"]
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """onnxruntime-web, as npm gives it."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    from emonet_bench.deploy.serving.browser import RUNTIME

    folder = tmp_path_factory.mktemp("runtime")
    packed = subprocess.run(
        ["npm", "pack", "--silent", RUNTIME], cwd=folder, capture_output=True, check=False, timeout=300
    )
    if packed.returncode:
        pytest.skip(f"npm cannot fetch {RUNTIME}")
    (archive,) = folder.glob("*.tgz")
    shutil.unpack_archive(archive, folder, filter="data")
    return folder / "package"


@pytest.fixture(scope="module")
def written(model, runtime, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_page(model, folder, runtime)
    return folder


class View:
    """A page, and everything that it asks for or complains of."""

    def __init__(self, context, url):
        context.set_default_timeout(60_000)  # a busy machine is no error
        self.page = context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)
        self.page.locator("body[data-ready]").wait_for()

    def hear(self, file):
        self.page.set_input_files("#file", file)
        return self.summary()

    def record(self, windows):
        self.page.keyboard.press("r")
        self.page.locator("#status", has_text="Listening.").wait_for()
        assert self.page.locator("#record").get_attribute("aria-pressed") == "true"
        self.page.locator("#rows tr").nth(windows - 1).wait_for(state="attached")
        self.page.get_by_role("button", name="Stop").click()
        return self.summary()

    def summary(self):
        """Wait for the end; return the label that is told and the rows of the table."""
        status = self.page.locator("#status")
        status.filter(has_text=re.compile("s heard:")).wait_for()
        cells = self.page.locator("#rows tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return self.page.locator("#label").text_content(), cells


@pytest.fixture(params=[(1100, 900, "light"), (390, 844, "dark")], ids=["desk", "phone"])
def look(browser, request):
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield context
    context.close()


def expected(predictor, spoken):
    return list(predictor.predict([spoken], window=1.0))


def check_rows(found, truth, labels):
    label, cells = found
    mean = np.mean([one.probabilities for one in truth], axis=0)
    assert label == labels[mean.argmax()]
    assert [cell[2] for cell in cells] == [one.label for one in truth]
    for cell, one in zip(cells, truth, strict=True):
        np.testing.assert_allclose(
            [float(text) for text in cell[3:]], one.probabilities, atol=2e-3
        )  # the table shows three places


def fits(view):
    return view.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.slow
def test_the_served_page_hears_a_file_and_a_microphone(server, look, predictor, spoken, quiet):
    view = View(look, server.url)
    truth = expected(predictor, spoken)
    check_rows(view.hear(spoken), truth, predictor.labels)
    assert fits(view)
    _, cells = view.record(2)
    assert {cell[2] for cell in cells} <= set(predictor.labels)
    assert len(cells) >= 2
    assert view.said == [], "no console message and no error"
    assert all(url.startswith((server.url, "data:", "blob:")) for url in view.asked)


@pytest.mark.slow
def test_the_microphone_gets_the_label_of_what_it_hears(start, model, browser, predictor, noise, spoken):
    """The fake microphone repeats one clip, so each second of it has one of the labels of the clip's windows."""
    samples, rate = soundfile.read(spoken, dtype="float32")
    shifts = [np.roll(np.tile(samples, 2), -shift)[:rate] for shift in range(0, len(samples), rate // 20)]
    known = np.stack([one.probabilities for one in predictor.predict_arrays(shifts, rate)])
    context = browser.new_context()
    view = View(context, start().url)
    _, cells = view.record(3)
    context.close()
    for cell in cells[:3]:
        found = np.array([float(text) for text in cell[3:]])
        assert np.abs(known - found).max(axis=1).min() < 0.1


@pytest.mark.slow
def test_the_served_page_asks_for_a_key_and_uses_it(start, browser, spoken):
    key = "correct horse battery staple"
    server = start(keys=(key,))
    context = browser.new_context()
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.url)
    page.locator("#status", has_text="Enter the API key.").wait_for()
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Tab")
    page.locator("body[data-ready]").wait_for()
    page.set_input_files("#file", spoken)
    page.locator("#status", has_text="s heard:").wait_for()
    page.locator("h1").click()
    page.keyboard.press("r")
    page.locator("#status", has_text="Listening.").wait_for()
    page.locator("#rows tr").nth(0).wait_for(state="attached")
    assert page.locator("#status").text_content() == "Listening. Press again to stop."
    context.close()


@pytest.mark.slow
def test_the_served_page_says_what_is_wrong(server, look, tmp_path):
    view = View(look, server.url)
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    view.page.set_input_files("#file", tmp_path / "broken.wav")
    view.page.locator("#status.bad").wait_for()
    told = view.page.locator("#status").text_content()
    assert told == "audio: not audio that libsndfile can read, or damaged"


@pytest.fixture
def opened_page(browser):
    """Open a page without waiting for its models; a browser of its own where the microphone is refused."""
    contexts, browsers = [], []

    def opened(url, *, refusing=False, script=""):
        source = browser
        if refusing:
            flags = [flag for flag in FLAGS if flag != "--use-fake-ui-for-media-stream"]
            source = browser.browser_type.launch(executable_path=shutil.which("chromium"), args=flags)
            browsers.append(source)
        contexts.append(source.new_context())
        contexts[-1].set_default_timeout(60_000)
        contexts[-1].add_init_script(script)
        page = contexts[-1].new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(url)
        return page

    yield opened
    for one in (*contexts, *browsers):
        one.close()


def assert_told(page, text):
    page.locator("#status", has_text=text).wait_for()
    assert page.locator("#status").get_attribute("class") == "bad"
    assert page.errors == []


@pytest.mark.slow
def test_a_microphone_that_is_refused_is_told_with_what_to_do(server, opened_page):
    page = opened_page(server.url, refusing=True)
    page.locator("body[data-ready]").wait_for()
    page.get_by_role("button", name="Record").click()
    assert_told(page, "The microphone was refused. Allow it for this page in the browser's settings.")
    assert page.get_by_role("button", name="Record").is_enabled()


@pytest.mark.slow
def test_without_a_key_a_file_and_a_recording_are_told_to_need_one(start, opened_page, spoken):
    page = opened_page(start(keys=("correct horse battery staple",)).url)
    page.locator("#status", has_text="Enter the API key.").wait_for()
    page.set_input_files("#file", spoken)
    assert_told(page, "Enter the API key first.")
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    assert_told(page, "API key: missing or wrong")
    page.get_by_role("button", name="Record").click()
    assert_told(page, "Enter the API key first.")


@pytest.mark.slow
def test_a_server_that_has_gone_is_told(model, start, opened_page, spoken):
    server = start()
    page = opened_page(server.url)
    page.locator("body[data-ready]").wait_for()
    server.stop()
    page.set_input_files("#file", spoken)
    assert_told(page, "The server cannot be reached.")
    page.locator("h1").click()
    page.keyboard.press("r")
    page.locator("#status", has_text="Waiting").wait_for(state="detached")
    assert_told(page, "The server cannot be reached.")


@pytest.mark.slow
def test_a_stream_that_is_refused_is_told_and_lets_the_microphone_go(start, connect, opened_page):
    server = start(limits={"streams": 1})
    script = """const real = MediaDevices.prototype.getUserMedia;
    MediaDevices.prototype.getUserMedia = async function (...given) { return (window.heard = await real.apply(this, given)); };"""
    page = opened_page(server.url, script=script)
    page.locator("body[data-ready]").wait_for()
    with connect(server) as other:
        other.send("{}")
        other.recv(10)
        page.keyboard.press("r")
        assert_told(page, "busy: 1 streams are open; try again")
        page.wait_for_function("heard.getTracks().every((track) => track.readyState === 'ended')")


@pytest.mark.slow
def test_two_models_are_chosen_by_keyboard_and_the_place_of_the_keyboard_is_seen(server, opened_page, spoken):
    page = opened_page(server.url)
    page.locator("body[data-ready]").wait_for()
    places = []
    for _ in range(6):
        page.keyboard.press("Tab")
        places.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert places == ["theme", "model", "window", "record", "file", "SUMMARY"]
    page.locator("#record").focus()
    page.keyboard.press("Tab")
    outline = page.locator("label[for=file]").evaluate("label => getComputedStyle(label).outlineStyle")
    assert outline == "solid"
    page.locator("#model").focus()
    page.keyboard.type("bank: theirs")
    assert page.locator("#bars .bar").count() == len(TASKS["theirs"])
    page.set_input_files("#file", spoken)
    page.locator("#status", has_text="s heard:").wait_for()
    page.locator("#record").focus()
    page.keyboard.press("Enter")
    page.locator("#status", has_text="Listening.").wait_for()
    assert page.locator("#model").is_disabled()
    page.keyboard.press("Enter")
    page.locator("#status").filter(has_text=re.compile("s heard:|Too short")).wait_for()
    assert page.locator("#model").is_enabled()
    assert page.errors == []


@pytest.mark.slow
def test_light_and_dark_change_places(server, look):
    view = View(look, server.url)
    style = "element => getComputedStyle(element).backgroundColor"
    before = view.page.locator("body").evaluate(style)
    view.page.get_by_role("button", name="Switch between light and dark").click()
    assert view.page.locator("body").evaluate(style) != before


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_the_serverless_page_hears_what_the_predictor_hears(written, look, predictor, tmp_path, noise, scheme):
    soundfile.write(tmp_path / "clip.wav", noise(3), 16_000, subtype="PCM_16")
    truth = expected(predictor, tmp_path / "clip.wav")
    if scheme == "file":
        url = (written / "index.html").as_uri()
    else:
        url = "http://localhost:1/index.html"  # answered from the folder, whatever else is asked for
        look.route("**/*", lambda route: route.fulfill(path=written / route.request.url.rpartition("/")[2]))
    view = View(look, url)
    check_rows(view.hear(tmp_path / "clip.wav"), truth, predictor.labels)
    view.record(2)
    assert view.said == []
    own = {f"{url.rpartition('/')[0]}/{name}" for name in ("index.html", "runtime.js", "model.js")}
    assert {one for one in view.asked if not one.startswith(("data:", "blob:"))} == own, "nothing leaves the machine"


@pytest.mark.slow
@pytest.mark.network
def test_the_serverless_page_says_what_is_wrong(written, opened_page, tmp_path):
    page = opened_page((written / "index.html").as_uri(), refusing=True)
    page.locator("body[data-ready]").wait_for()
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    page.set_input_files("#file", tmp_path / "broken.wav")
    assert_told(page, "broken.wav: not audio that this browser can read.")
    page.get_by_role("button", name="Record").click()
    assert_told(page, "The microphone was refused.")


@pytest.mark.slow
@pytest.mark.network
def test_the_serverless_page_of_a_bank_has_its_tasks(bank, runtime, browser, tmp_path, noise):
    write_page(bank, tmp_path / "page", runtime)
    soundfile.write(tmp_path / "clip.wav", noise(1), 16_000, subtype="PCM_16")
    context = browser.new_context()
    view = View(context, (tmp_path / "page" / "index.html").as_uri())
    view.page.locator("#model").select_option(label="bank: theirs")
    found = view.hear(tmp_path / "clip.wav")
    check_rows(found, expected(Predictor(bank, "cpu", task="theirs"), tmp_path / "clip.wav"), TASKS["theirs"])
    context.close()


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.downstream
@pytest.mark.parametrize(("variant", "atol"), [("single", 2e-3), ("int8", 0.02)])
def test_the_serverless_page_runs_a_files_variants(variant, atol, runtime, browser, tmp_path, noise):
    file = export_cnn(tmp_path / "model.onnx")
    twin, _ = export_single(whole_cnn(), "ours", file, SIGNAL)
    quantise_graph(twin, tmp_path / "model.int8.onnx", ({"waveform": noise(0.5, seed=n)[None]} for n in range(8)))
    write_page(tmp_path / f"model.{variant}.onnx", tmp_path / "page", runtime)
    soundfile.write(tmp_path / "clip.wav", noise(3), 16_000, subtype="PCM_16")
    context = browser.new_context()
    view = View(context, (tmp_path / "page" / "index.html").as_uri())
    _, cells = view.hear(tmp_path / "clip.wav")
    context.close()
    for cell, one in zip(
        cells,
        Predictor(tmp_path / f"model.{variant}.onnx", "cpu").predict(tmp_path / "clip.wav", window=1.0),
        strict=True,
    ):
        np.testing.assert_allclose([float(text) for text in cell[3:]], one.probabilities, atol=atol)
    assert view.said == []


def test_the_runtime_may_be_a_folder_and_the_page_holds_everything(model, tmp_path):
    dist = tmp_path / "onnxruntime-web" / "dist"
    dist.mkdir(parents=True)
    for name in ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        (dist / name).write_text(f"/* {name} */")
    for folder in (dist, dist.parent):
        write_page(model, tmp_path / "page", folder)
        assert {path.name for path in (tmp_path / "page").iterdir()} == {"index.html", "model.js", "runtime.js"}
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(", page)
    assert "connect-src 'none'" in page


def test_text_of_a_model_leaves_no_script(tmp_path, model):
    import onnx

    proto = onnx.load(model)
    next(one for one in proto.metadata_props if one.key == "corpus").value = "</script><script>alert(1)</script>"
    onnx.save(proto, tmp_path / "model.onnx")
    for name in ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        (tmp_path / name).write_text("")
    write_page(tmp_path / "model.onnx", tmp_path / "page", tmp_path)
    assert "<script>alert(1)" not in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


def test_without_npm_or_a_runtime_it_is_one_line(model, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"holds no ort-wasm-simd-threaded\.wasm; name the folder of onnxruntime-web"):
        write_page(model, tmp_path / "page", tmp_path / "empty")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="npm is not installed; install it, or name a folder of onnxruntime-web"):
        write_page(model, tmp_path / "page")
    assert not (tmp_path / "page").exists()
