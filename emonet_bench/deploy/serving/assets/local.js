// The engine of the serverless page: onnxruntime-web hears, in this browser.
const told = JSON.parse(document.getElementById("told").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const engine = {
  keyed: false,
  privacy: "The model runs in this page: audio does not leave this machine.",
  rate: () => told.model.sampling_rate,
  queue: Promise.resolve(),

  async models() {
    if (!this.session) {
      const glue = new Blob([bytes(runtimeFiles.glue)], { type: "text/javascript" });
      ort.env.wasm.wasmBinary = bytes(runtimeFiles.wasm);
      ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
      ort.env.wasm.numThreads = 1;
      this.session = await ort.InferenceSession.create(bytes(modelFile), { executionProviders: ["wasm"] });
    }
    return [told.model];
  },

  // Scores of samples at the model's rate, rounded to 16 bits as everywhere else; one call after the other.
  score(samples, task) {
    const rounded = samples.map((one) => Math.fround(Math.round(Math.min(Math.max(one, -1), 32767 / 32768) * 32768) / 32768));
    const feeds = { waveform: new ort.Tensor("float32", rounded, [1, rounded.length]) };
    if (this.session.inputNames.includes("lengths")) {
      feeds.lengths = new ort.Tensor("int64", BigInt64Array.of(BigInt(rounded.length)), [1]);
    }
    if (task) feeds.task = new ort.Tensor("int64", BigInt64Array.of(BigInt(told.model.tasks.indexOf(task))), []);
    const labels = task ? told.model.labels[task] : told.model.labels;
    const run = this.queue.then(() => this.session.run(feeds, ["probabilities"]));
    this.queue = run.catch(() => {});
    return run.then(({ probabilities }) => labels
      .map((label, index) => ({ label, score: probabilities.data[index] }))
      .sort((a, b) => b.score - a.score));
  },

  async file(file, decoded, { task, window }) {
    if (!decoded) throw new Error(`${file.name}: not audio that this browser can read.`);
    const samples = new Float32Array(decoded.length);
    for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
      decoded.getChannelData(channel).forEach((one, index) => { samples[index] += one / decoded.numberOfChannels; });
    }
    const size = Math.round(window * told.model.sampling_rate);
    const found = [];
    for (let first = 0; first < Math.max(1, samples.length); first += size) {
      found.push(await this.segment(samples.subarray(first, first + size), first, task));
    }
    return found;
  },

  async segment(samples, first, task) {
    const rate = told.model.sampling_rate;
    const scores = await this.score(samples, task);
    return { start: first / rate, end: (first + samples.length) / rate, label: scores[0].label, scores };
  },

  async stream({ task, window, rate }, scored, failed) {
    const own = told.model.sampling_rate;
    const size = Math.round(window * rate);
    let kept = new Float32Array(0);
    let first = 0;
    const work = [];
    const resampled = async (samples) => {
      if (rate === own) return samples;
      const context = new OfflineAudioContext(1, Math.max(1, Math.round(samples.length * own / rate)), own);
      const source = context.createBufferSource();
      source.buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
      source.buffer.copyToChannel(samples, 0);
      source.connect(context.destination);
      source.start();
      return (await context.startRendering()).getChannelData(0);
    };
    const hear = async (samples, at) => {
      const segment = await this.segment(await resampled(samples), Math.round(at * own / rate), task);
      scored(segment);
    };
    const take = (samples) => { work.push(hear(samples, first).catch(failed)); first += samples.length; };
    return {
      push: (samples) => {
        const joined = new Float32Array(kept.length + samples.length);
        joined.set(kept);
        joined.set(samples, kept.length);
        kept = joined;
        while (kept.length >= size) { take(kept.slice(0, size)); kept = kept.slice(size); }
      },
      finish: async () => {
        if (kept.length) take(kept);
        await Promise.all(work);
      },
    };
  },
};
