// The engine of the served page: the server hears.
const told = JSON.parse(document.getElementById("told").textContent);
const engine = {
  keyed: told.keyed,
  privacy: "Audio goes to the server of this page, which keeps none of it.",
  rate: () => 48000,

  async ask(path, options = {}) {
    const key = document.getElementById("key").value;
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const response = await fetch(path, { ...options, headers });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
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
      const lost = (error) => { if (ended) ended.no(error); else { refused(error); failed(error); } };
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
      socket.onclose = ({ code }) => { if (code !== 1000) lost(new Error(`The connection has ended (${code}).`)); };
    });
  },
};
