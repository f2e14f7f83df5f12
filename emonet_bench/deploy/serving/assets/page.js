"use strict";
const $ = (id) => document.getElementById(id);
const theme = (name) => { document.documentElement.dataset.theme = name; draw(); };
const state = { models: [], seconds: 0, peaks: [], segments: [], recording: null, starting: false, turn: 0 };
const PEAKS = 100; // of the waveform, in each second

// What is heard and found

function chosen() {
  const [model, task] = JSON.parse($("model").value);
  return { model, task, window: Number($("window").value) };
}

function facts() {
  const { model, task } = chosen();
  const found = state.models.find((one) => one.id === model);
  const ours = (value) => (value && typeof value === "object" && !Array.isArray(value) && task in value ? value[task] : value);
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, ours(value)]));
}

function reset() {
  Object.assign(state, { seconds: 0, peaks: [], segments: [], turn: state.turn + 1 });
  $("rows").replaceChildren();
  $("label").textContent = "–";
  $("score").textContent = "";
  const labels = facts().labels;
  $("head").replaceChildren(...["Start", "End", "Label", ...labels].map((text) => element("th", text)));
  $("bars").replaceChildren(...labels.map((label) => {
    const bar = element("div", "", "bar");
    const track = element("div", "", "track");
    track.append(element("div", "", "fill"));
    bar.append(element("span", label), track, element("span", "", "value"));
    bar.dataset.label = label;
    return bar;
  }));
  draw();
}

function element(tag, text, name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = name;
  return made;
}

function show(segment) {
  state.segments.push(segment);
  state.seconds = Math.max(state.seconds, segment.end);
  tell(segment);
  const scores = Object.fromEntries(segment.scores.map((one) => [one.label, one.score]));
  const row = element("tr", "");
  const cells = [segment.start.toFixed(2), segment.end.toFixed(2), segment.label, ...facts().labels.map((label) => scores[label].toFixed(3))];
  row.append(...cells.map((text) => element("td", text)));
  $("rows").append(row);
  draw();
}

function tell(scored) {
  $("label").textContent = scored.label;
  $("score").textContent = `${(100 * scored.scores[0].score).toFixed(0)} %`;
  for (const { label, score } of scored.scores) {
    const bar = [...$("bars").children].find((one) => one.dataset.label === label);
    bar.querySelector(".fill").style.width = `${100 * score}%`;
    bar.querySelector(".value").textContent = score.toFixed(2);
  }
}

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function summarise() {
  const { segments } = state;
  if (!segments.length) { say("Too short: nothing was heard."); return; }
  const mean = facts().labels.map((label) => ({
    label,
    score: segments.reduce((sum, one) => sum + one.scores.find((it) => it.label === label).score, 0) / segments.length,
  })).sort((a, b) => b.score - a.score);
  tell({ label: mean[0].label, scores: mean });
  say(`${state.seconds.toFixed(1)} s heard: ${mean[0].label}, the mean of ${segments.length} window${segments.length > 1 ? "s" : ""}.`);
  $("timeline").setAttribute("aria-label", `Timeline of ${segments.length} windows: ` + segments.map((one) => `${one.start.toFixed(1)} s ${one.label}`).join(", "));
}

// Files

async function hear(file) {
  if (!ready()) return;
  if (state.recording) await stop();
  reset();
  const { turn } = state; // another file, or another model, may be chosen meanwhile
  say(`Listening to ${file.name} …`);
  try {
    const decoded = await decode(file);
    if (decoded && turn === state.turn) {
      state.seconds = decoded.duration;
      addPeaks(decoded.getChannelData(0), decoded.sampleRate);
      draw();
    }
    const segments = await engine.file(file, decoded, chosen());
    if (turn === state.turn) {
      segments.forEach(show);
      summarise();
    }
  } catch (error) {
    if (turn === state.turn) say(error.message, true);
  }
}

function ready() {
  if (!state.models.length) say(engine.keyed ? "Enter the API key first." : "No model is open yet.", true);
  return state.models.length > 0;
}

async function decode(file) {
  const context = new OfflineAudioContext(1, 1, engine.rate(chosen()));
  try {
    return await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    return null; // the browser knows fewer formats than the server does
  }
}

// The microphone

const WORKLET = `registerProcessor("tap", class extends AudioWorkletProcessor {
  constructor() { super(); this.kept = []; this.size = 0; }
  process([[samples]]) {
    if (samples) { this.kept.push(samples.slice()); this.size += samples.length; }
    if (this.size >= sampleRate / 50) {
      const all = new Float32Array(this.size);
      let at = 0;
      for (const part of this.kept) { all.set(part, at); at += part.length; }
      this.port.postMessage(all, [all.buffer]);
      this.kept = []; this.size = 0;
    }
    return true;
  }
});`;

const MICROPHONE = {
  NotAllowedError: "The microphone was refused. Allow it for this page in the browser's settings.",
  NotFoundError: "There is no microphone. Connect one, or choose a file.",
  NotReadableError: "The microphone is taken by another program.",
};

async function microphone() {
  if (!navigator.mediaDevices) throw new Error("The microphone needs https, or a page from this machine.");
  const raw = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: raw });
  } catch (error) {
    throw new Error(MICROPHONE[error.name] || error.message);
  }
}

async function record() {
  const media = await microphone();
  const context = new AudioContext();
  try {
    return { media, context, ...(await listen(media, context)) };
  } catch (error) {
    release({ media, context });
    throw error;
  }
}

function release({ media, context }) {
  for (const track of media.getTracks()) track.stop();
  return context.close();
}

async function listen(media, context) {
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(WORKLET)}`);
  reset();
  const failed = (error) => { say(error.message, true); void stop(true); };
  const stream = await engine.stream({ ...chosen(), rate: context.sampleRate }, show, failed);
  const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
  const source = context.createMediaStreamSource(media);
  tap.port.onmessage = ({ data }) => {
    addPeaks(data, context.sampleRate);
    state.seconds += data.length / context.sampleRate;
    stream.push(data);
    draw();
  };
  source.connect(tap);
  return { stream, tap };
}

async function start() {
  if (state.starting || !ready()) return; // the button stays enabled: one that is not loses the keyboard's place
  state.starting = true;
  say("Waiting for the microphone …");
  try {
    state.recording = await record();
    pressed(true);
    say("Listening. Press again to stop.");
  } catch (error) {
    say(error.message, true);
  }
  state.starting = false;
}

async function stop(failed = false) {
  const { recording } = state;
  if (!recording) return;
  state.recording = null;
  pressed(false);
  recording.tap.port.onmessage = null;
  await release(recording);
  if (failed) return;
  try {
    await recording.stream.finish();
    summarise();
  } catch (error) {
    say(error.message, true);
  }
}

function pressed(on) {
  $("model").disabled = on; // what is heard now is the chosen model's
  $("record").setAttribute("aria-pressed", String(on));
  $("record-text").textContent = on ? "Stop" : "Record";
}

// What the model is

function describe() {
  const told = facts();
  const interval = Array.isArray(told.uar_interval) ? ` (95 % interval ${told.uar_interval.map((one) => one.toFixed(3)).join(" to ")})` : "";
  const warnings = [];
  if (told.synthetic) warnings.push("Trained on generated audio: for trying things out, not for use.");
  if (told.elicitation === "acted") warnings.push("Trained on acted speech.");
  $("warning").hidden = !warnings.length;
  $("warning").textContent = warnings.join(" ");
  const rows = {
    Corpus: told.corpus,
    Elicitation: told.elicitation,
    "Licence of its audio": told.licence,
    "UAR on test": told.uar == null ? null : Number(told.uar).toFixed(3) + interval,
    Protocol: [told.protocol, told.protocol_id].filter(Boolean).join(", "),
    Network: [told.architecture, told.strategy, told.quantisation].filter(Boolean).join(", "),
    Labels: told.labels.join(", "),
    Run: told.run_id,
  };
  const known = Object.entries(rows).filter(([, text]) => text);
  $("facts").replaceChildren(...known.flatMap(([name, text]) => [element("dt", name), element("dd", String(text))]));
}

async function open() {
  try {
    state.models = await engine.models();
  } catch (error) {
    say(error.message, true);
    return;
  }
  const options = state.models.flatMap((model) => (model.tasks.length ? model.tasks : [null]).map((task) => {
    const option = element("option", task ? `${model.id}: ${task}` : model.id);
    option.value = JSON.stringify([model.id, task]);
    return option;
  }));
  $("model").replaceChildren(...options);
  describe();
  reset();
  say("Nothing heard yet.");
  document.body.dataset.ready = "true";
}

$("record").addEventListener("click", () => (state.recording ? stop() : start()));
$("file").addEventListener("change", ({ target }) => { if (target.files[0]) void hear(target.files[0]); target.value = ""; });
$("model").addEventListener("change", () => { describe(); reset(); say("Nothing heard yet."); });
$("key").addEventListener("change", () => open());
$("choices").addEventListener("submit", (event) => event.preventDefault());
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
document.addEventListener("keydown", (event) => {
  if (event.key === "r" && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey && !/INPUT|SELECT/.test(event.target.tagName)) $("record").click();
});
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.toggle("over", over); });
}
document.addEventListener("drop", ({ dataTransfer }) => { if (dataTransfer.files[0]) void hear(dataTransfer.files[0]); });
window.addEventListener("resize", draw);
$("key-row").hidden = !engine.keyed;
$("privacy").textContent = engine.privacy;
theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
if (engine.keyed) say("Enter the API key."); else void open();
