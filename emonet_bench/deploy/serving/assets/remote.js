// The engine of the served page: the server hears.
const told = JSON.parse(document.getElementById("told").textContent);
const engine = {
  keyed: told.keyed,
  privacy: "Audio goes to the server of this page, which keeps none of it.",
  rate: () => 48000,

  async ask(path, options = {}) {
    const key = document.getElementById("key").value;
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const response = await fetch(path, { ...options, headers }).catch(() => { throw new Error("The server cannot be reached."); });
    const answer = await response.json().catch(() => ({ error: `The server answers with status ${response.status}.` }));
    if (answer.error) throw new Error(answer.error);
    return answer;
  },

  async models() {
    return (await this.ask("v1/models")).data;
  },

  async file(file, decoded, { model, task, window }) {
    if (file.size > told.bytes) throw new Error(`The file is larger than ${told.bytes} bytes.`);
    const form = new FormData();
    form.append("file", file);
    form.append("model", model);
    form.append("window", window);
    if (task) form.append("task", task);
    return (await this.ask("v1/audio/emotions", { method: "POST", body: form })).segments;
  },

  stream({ model, task, window, rate }, scored, failed) {
    const address = new URL("v1/stream", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    return new Promise((opened, refused) => {
      let ended = null;
      let over = false; // a close follows each error, and says less
      const lost = (error) => {
        if (over) return;
        over = true;
        if (ended) ended.no(error); else { refused(error); failed(error); }
      };
      const handle = {
        push: (samples) => { if (socket.readyState === 1) socket.send(samples); },
        finish: () => new Promise((yes, no) => { ended = { yes, no }; socket.send('{"type":"end"}'); }),
      };
      socket.onopen = () => socket.send(JSON.stringify({
        encoding: "f32le", sampling_rate: rate, channels: 1, window, model, task,
        api_key: document.getElementById("key").value || null,
      }));
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "ready") opened(handle);
        if (message.type === "scores") scored(message);
        if (message.type === "summary") { ended.yes(message); ended = { no() {} }; }
        if (message.type === "error") lost(new Error(message.message));
      };
      socket.onclose = ({ code }) => {
        if (code !== 1000) lost(new Error(code === 1006 ? "The server cannot be reached." : `The connection has ended (${code}).`));
      };
    });
  },
};
