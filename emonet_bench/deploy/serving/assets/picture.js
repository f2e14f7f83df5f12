// The picture: the waveform, and a lane for each label

function draw() {
  const canvas = $("timeline");
  const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  if (!width || !state.models.length) return;
  Object.assign(canvas, { width: width * scale, height: height * scale });
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  pen.scale(scale, scale);
  pen.font = "12px system-ui, sans-serif";
  const labels = facts().labels;
  const left = Math.min(110, Math.max(...labels.map((label) => pen.measureText(label).width)) + 10);
  const seconds = Math.max(state.seconds, 1);
  const x = (time) => left + (time / seconds) * (width - left);
  const wave = height * 0.34;
  const axis = height - 18;
  const lane = (axis - wave - 8) / labels.length;
  pen.fillStyle = colour("soft");
  for (let index = 0; index < state.peaks.length; index++) {
    const half = Math.max(0.5, state.peaks[index] * wave / 2);
    pen.fillRect(x(index / PEAKS), wave / 2 - half, Math.max(1, (width - left) / seconds / PEAKS), 2 * half);
  }
  labels.forEach((label, number) => {
    const top = wave + 8 + number * lane;
    pen.globalAlpha = 1;
    pen.fillStyle = colour("soft");
    pen.fillText(label, 0, top + lane / 2 + 4, left - 6);
    pen.fillStyle = colour("line");
    pen.fillRect(left, top + lane - 1, width - left, 1);
    pen.fillStyle = colour("accent");
    for (const segment of state.segments) {
      pen.globalAlpha = segment.scores.find((one) => one.label === label).score;
      pen.fillRect(x(segment.start), top + 1, Math.max(1, x(segment.end) - x(segment.start) - 1), lane - 3);
    }
  });
  pen.globalAlpha = 1;
  pen.fillStyle = colour("soft");
  const most = (width - left) / 50;
  const step = [0.5, 1, 2, 5, 10, 30, 60, 120].find((one) => seconds / one < most) || 300;
  for (let time = 0; time <= seconds; time += step) {
    const text = `${time} s`;
    pen.fillText(text, Math.min(x(time), width - pen.measureText(text).width), height - 4);
  }
}

function addPeaks(samples, rate) {
  const size = Math.round(rate / PEAKS);
  for (let first = 0; first < samples.length; first += size) {
    let peak = 0;
    for (const sample of samples.subarray(first, first + size)) peak = Math.max(peak, Math.abs(sample));
    state.peaks.push(Math.min(1, peak));
  }
}
