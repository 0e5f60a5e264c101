// The page: asks for the status once a second, shows the preview while somebody can see it.
"use strict";

const POLL_MS = 1000;
const MOST_PART = 4_000_000;
const $ = (id) => document.getElementById(id);

let token = sessionStorage.getItem("mattebox-token") || "";
let last = null; // the latest status
let past = []; // the last few statuses, for rates
let folder = null; // the latest list of backgrounds
let thumbnails = new Map(); // name and size -> object URL
let previewing = null; // the stream's AbortController

// --- asking -----------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  const used = token;
  if (used) headers.Authorization = `Bearer ${used}`;
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.ok) return answer;
  let words = `${answer.status} ${answer.statusText}`;
  try {
    words = (await answer.json()).error || words;
  } catch {
    // Not ours but a proxy's page; its status code says enough.
  }
  // A late answer may be about an older, wrong token.
  if (answer.status === 401 && used === token) askForToken();
  throw new Refused(answer.status, words);
}

function askWith(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method, headers, body: JSON.stringify(body) });
}

function askForToken() {
  const dialog = $("token-dialog");
  if (dialog.open) return;
  $("token-wrong").hidden = !token;
  dialog.showModal();
}

$("token-form").addEventListener("submit", () => {
  token = $("token").value.trim();
  sessionStorage.setItem("mattebox-token", token);
  $("token").value = "";
  refresh();
  loadBackgrounds();
  watch();
});

let toastTimer = 0;
function say(words, bad = false) {
  const toast = $("toast");
  toast.textContent = words;
  toast.classList.toggle("bad", bad);
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.hidden = true), bad ? 9000 : 3500);
}

// --- the status -------------------------------------------------------------------------------

async function refresh() {
  try {
    const answer = await ask("/api/status", { signal: AbortSignal.timeout(5000) });
    show(await answer.json());
  } catch (error) {
    lamp("off", error.status === 401 ? "locked" : "no answer");
    $("words").textContent =
      error.status === 401
        ? "A token is needed to see and steer this appliance."
        : "The appliance does not answer. It is asked again every second.";
  }
}

function lamp(state, words) {
  $("lamp").dataset.state = state;
  $("lamp").textContent = words;
}

function show(status) {
  const now = performance.now();
  lamp(status.state, status.state);
  $("words").textContent = status.words;
  $("notes").replaceChildren(...status.notes.map((note) => element("li", note)));
  $("canvas-format").textContent = `${status.width}×${status.height}, ${trim(status.fps)} fps`;
  const people = status.people === 1 ? "one person" : `${status.people} people`;
  $("people").textContent = status.state === "live" ? people : "nobody is cut out";
  showRates(now, status);
  figure("latency", status.latency ? status.latency.median_ms.toFixed(0) : "–", "ms");
  $("dropped").textContent = Object.values(status.frames.dropped)
    .reduce((sum, count) => sum + count, 0)
    .toLocaleString("en");
  $("dropped-words").textContent = status.frames.dropped_words;
  $("dropped-words").parentElement.hidden = !status.frames.dropped_words;
  $("clients").textContent = status.outputs.reduce((sum, output) => sum + output.clients, 0);
  const degrees = Object.values(status.temperatures);
  $("warmest").hidden = !degrees.length;
  figure("celsius", Math.max(...degrees, 0).toFixed(0), "°C");
  showStages(status);
  showWays(status);
  showPicture(status.picture);
  $("version").textContent = `Mattebox ${status.version}, up for ${duration(status.uptime_s)}`;
  last = status;
}

// Rates over the last few seconds, so that they do not flicker.
function showRates(at, status) {
  if (past.length && status.uptime_s < past[0].status.uptime_s) past = []; // a restart
  past = [...past.slice(-4), { at, status }];
  const seconds = (at - past[0].at) / 1000;
  if (seconds < 0.5) return;
  const { taken, composites } = past[0].status.frames;
  rate("fps-in", (status.frames.taken - taken) / seconds);
  rate("fps-out", (status.frames.composites - composites) / seconds);
}

function rate(id, value) {
  // A new source counts from 0 again.
  if (value >= 0) figure(id, value.toFixed(value < 9.95 ? 1 : 0), "fps");
}

function figure(id, value, unit) {
  $(id).replaceChildren(value, element("small", ` ${unit}`));
}

function showStages(status) {
  const order = [...status.stages].sort((a, b) => b.mean_ms - a.mean_ms);
  const most = Math.max(...order.map((stage) => stage.mean_ms), 0.001);
  $("stages").replaceChildren(
    ...order.map((stage) => {
      const row = document.createElement("tr");
      const meter = document.createElement("meter");
      meter.max = most;
      meter.value = stage.mean_ms;
      const name = element("th", stage.name);
      name.scope = "row";
      const bar = document.createElement("td");
      bar.append(meter);
      row.append(name, bar);
      row.append(element("td", ms(stage.mean_ms)), element("td", ms(stage.slowest_ms)));
      return row;
    }),
  );
  // Not their sum: some steps are skipped on some frames, and others overlap.
  $("stages-total").textContent = `${Math.round(100 * status.load.busy)} %`;
  $("stages-budget").textContent = `of ${(1000 / status.fps).toFixed(1)} ms`;
}

function showWays(status) {
  const source = status.source;
  const rows = [["in", source.uri, source.reason ? `${source.state}: ${source.reason}` : source.state]];
  for (const output of status.outputs) {
    const shows = output.what === "picture" ? "" : `${output.what}: `;
    rows.push(["out", output.uri, shows + output.words]);
  }
  $("ways").replaceChildren(
    ...rows.map(([way, uri, words]) => {
      const item = document.createElement("li");
      item.append(element("b", way), element("div", uri), element("span", words));
      return item;
    }),
  );
}

function element(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

const ms = (value) => `${value.toFixed(value < 9.95 ? 2 : 1)} ms`;
const trim = (value) => String(Math.round(value * 100) / 100);

function duration(seconds) {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

// --- changing ---------------------------------------------------------------------------------

async function change(what) {
  try {
    const answer = await askWith("PATCH", "/api/picture", { ...what, keep: $("keep").checked });
    const done = await answer.json();
    showPicture(done.picture, true);
    say(done.note || (done.kept ? "Changed, and kept in the file." : "Changed."));
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
    if (last) showPicture(last.picture, true);
  }
}

let held = null; // a slider being dragged, which must not move under the finger

function showPicture(picture, now = false) {
  for (const [id, [key, words]] of Object.entries(SLIDERS)) {
    if (held !== id || now) {
      $(id).value = picture[key];
      $(`${id}-value`).textContent = words(picture[key]);
    }
  }
  for (const radio of document.querySelectorAll("#fit input")) {
    radio.checked = radio.value === picture.fit;
  }
  for (const radio of document.querySelectorAll("#people-kept input")) {
    radio.checked = radio.value === picture.people;
  }
  $("people-hint").textContent = PEOPLE[picture.people];
  const blurred = picture.background === "blur://";
  $("blur").disabled = !blurred;
  $("blur").parentElement.classList.toggle("off", !blurred);
  for (const tile of document.querySelectorAll(".tile")) {
    const chosen = tile.dataset.colour
      ? picture.background.startsWith("colour:")
      : tile.dataset.background === picture.background;
    tile.setAttribute("aria-checked", chosen);
    if (tile.dataset.colour && chosen) {
      tile.querySelector("input").value = picture.background.slice("colour:".length);
      tile.querySelector(".face").style.backgroundColor = picture.background.slice("colour:".length);
    }
  }
}

const PEOPLE = {
  "taking-part": "Whoever is whole, near, and there for half a second, until they leave. Passers-by and "
    + "half a head at the edge are left out.",
  all: "Everyone whom the camera sees, half a passer-by at the edge too.",
  largest: "One person at a time: the largest. Hands that are apart from the body go, too.",
};

const percent = (value) => `${(value * 100).toFixed(1)} %`;

const pixels = (value) => `${value} px`;
const choked = (value) => (value === 0 ? "0 px" : `${value > 0 ? "shrunk" : "grown"} ${Math.abs(value)} px`);

// What each slider changes, and how its value is put into words.
const SLIDERS = {
  softness: ["edge_softness", pixels],
  choke: ["edge_choke", choked],
  blur: ["blur_radius", percent],
};

for (const [id, [key, words]] of Object.entries(SLIDERS)) {
  $(id).addEventListener("input", () => {
    held = id;
    $(`${id}-value`).textContent = words(Number($(id).value));
  });
  $(id).addEventListener("change", async () => {
    await change({ [key]: Number($(id).value) });
    held = null;
  });
}

for (const radio of document.querySelectorAll("#fit input")) {
  radio.addEventListener("change", () => change({ fit: radio.value }));
}

for (const radio of document.querySelectorAll("#people-kept input")) {
  radio.addEventListener("change", () => change({ people: radio.value }));
}

$("reset").addEventListener("click", async () => {
  try {
    const done = await (await askWith("POST", "/api/reset", {})).json();
    showPicture(done.picture, true);
    say(done.changed.length ? "Back to what the file says." : "As the file says; the matte starts over.");
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  }
});

$("snapshot").addEventListener("click", async () => {
  try {
    const picture = await (await ask("/api/snapshot?format=png")).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = `mattebox-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  }
});

// --- backgrounds ------------------------------------------------------------------------------

async function loadBackgrounds() {
  try {
    folder = await (await ask("/api/backgrounds")).json();
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
    return;
  }
  const tiles = [plainTile("gradient://", "gradient"), colourTile(), plainTile("blur://", "blur")];
  for (const entry of folder.entries) tiles.push(fileTile(entry));
  $("tiles").replaceChildren(...tiles);
  $("tiles-empty").hidden = folder.entries.length > 0 || folder.upload_bytes === 0;
  $("upload-label").hidden = folder.upload_bytes === 0;
  if (last) showPicture(last.picture);
}

function tileOf(background, name, face) {
  const tile = document.createElement("button");
  tile.type = "button";
  tile.className = "tile";
  tile.role = "radio";
  tile.dataset.background = background;
  tile.title = name;
  const label = element("span", name);
  label.className = "name";
  tile.append(face, label);
  return tile;
}

function faceOf(kind, text = "") {
  const face = element("span", text);
  face.className = `face ${kind}`;
  return face;
}

function plainTile(background, name) {
  const words = name === "blur" ? "the room, blurred" : name;
  const tile = tileOf(background, words, faceOf(name));
  tile.addEventListener("click", async () => {
    if (background !== "blur://" || (await sure())) change({ background });
  });
  return tile;
}

function sure() {
  const dialog = $("blur-dialog");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

function colourTile() {
  const face = faceOf("colour");
  face.style.backgroundColor = "#00b140";
  const tile = document.createElement("label");
  tile.className = "tile";
  tile.role = "radio";
  tile.dataset.colour = "yes";
  const label = element("span", "a colour");
  label.className = "name";
  const input = document.createElement("input");
  input.type = "color";
  input.value = "#00b140";
  input.setAttribute("aria-label", "a colour");
  input.addEventListener("change", () => {
    face.style.backgroundColor = input.value;
    change({ background: `colour:${input.value}` });
  });
  tile.append(face, label, input);
  return tile;
}

function fileTile(entry) {
  const face = faceOf("", entry.kind === "video" ? "▶" : "");
  const tile = tileOf(entry.name, entry.name, face);
  tile.addEventListener("click", () => change({ background: entry.name }));
  if (entry.kind === "picture") thumbnail(entry, face);
  const box = document.createElement("div");
  box.className = "tile-box";
  const remove = element("button", "×");
  remove.type = "button";
  remove.className = "remove";
  remove.title = `Delete ${entry.name}`;
  remove.addEventListener("click", async () => {
    if (!confirm(`Delete ${entry.name} from the appliance?`)) return;
    try {
      await ask(`/api/backgrounds/${encodeURIComponent(entry.name)}`, { method: "DELETE" });
      say(`${entry.name} is deleted.`);
    } catch (error) {
      say(error.message, true);
    }
    loadBackgrounds();
  });
  box.append(tile, remove);
  return box;
}

let thumbnailQueue = Promise.resolve(); // one at a time: the appliance has better things to do

function thumbnail(entry, face) {
  const key = `${entry.name}/${entry.bytes}`;
  const put = (url) => (face.style.backgroundImage = `url("${url}")`);
  if (thumbnails.has(key)) {
    put(thumbnails.get(key));
    return;
  }
  thumbnailQueue = thumbnailQueue.then(async () => {
    if (!face.isConnected) return;
    try {
      const path = `/api/backgrounds/${encodeURIComponent(entry.name)}/thumbnail`;
      const url = URL.createObjectURL(await (await ask(path)).blob());
      thumbnails.set(key, url);
      put(url);
    } catch {
      face.textContent = "?"; // the name below it says which
    }
  });
}

async function upload(file) {
  const label = $("upload-label");
  if (folder && file.size > folder.upload_bytes) {
    say(`${file.name} is larger than ${folder.upload_bytes / 1e6} MB.`, true);
    return;
  }
  label.classList.add("off");
  say(`Sending ${file.name} …`);
  try {
    const path = `/api/backgrounds/${encodeURIComponent(file.name)}`;
    const options = { method: "PUT", headers: { "Content-Type": file.type }, body: file };
    const taken = await (await ask(path, options)).json();
    await loadBackgrounds();
    await change({ background: taken.name });
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  } finally {
    label.classList.remove("off");
    $("upload").value = "";
  }
}

$("upload").addEventListener("change", () => {
  if ($("upload").files.length) upload($("upload").files[0]);
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  $("chooser").addEventListener(kind, (event) => {
    event.preventDefault();
    $("chooser").classList.toggle("drop", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
  });
}

// --- the preview ------------------------------------------------------------------------------

// One stream carries both pictures side by side, so that they match. It is read here rather than by
// an <img>, which could send no token, and it stops while nobody can see the page.
async function watch() {
  if (previewing || document.hidden) return;
  previewing = new AbortController();
  try {
    const answer = await ask("/api/preview?show=both", { signal: previewing.signal });
    $("no-preview").hidden = true;
    await readParts(answer.body.getReader(), draw);
  } catch (error) {
    if (error.name !== "AbortError" && error instanceof Refused && error.status !== 401) {
      $("no-preview").textContent = `No preview: ${error.message}`;
      $("no-preview").hidden = false;
    }
  }
  previewing = null;
  setTimeout(watch, 2000);
}

async function readParts(reader, take) {
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = joined;
    for (let part = cut(rest); part; part = cut(rest)) {
      rest = rest.slice(part.end);
      await take(part.picture);
    }
    if (rest.length > MOST_PART) throw new Error("a part of the preview is too large");
  }
}

function cut(bytes) {
  // The header is short ASCII, ended by an empty line.
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 300));
  const length = /Content-Length: (\d+)\r\n/i.exec(head);
  const start = head.indexOf("\r\n\r\n") + 4;
  if (!length || start < 4) return null;
  const end = start + Number(length[1]);
  if (bytes.length < end + 2) return null;
  return { picture: bytes.slice(start, end), end: end + 2 };
}

async function draw(jpeg) {
  const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const width = bitmap.width / 2;
  for (const [id, x] of [["composite", 0], ["matte", width]]) {
    const canvas = $(id);
    if (canvas.width !== width || canvas.height !== bitmap.height) {
      canvas.width = width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, x, 0, width, bitmap.height, 0, 0, width, bitmap.height);
  }
  bitmap.close();
  document.body.dataset.frames = Number(document.body.dataset.frames || 0) + 1;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && previewing) previewing.abort();
  if (!document.hidden) {
    refresh();
    watch();
  }
});

// --- start ------------------------------------------------------------------------------------

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

loadBackgrounds();
poll();
watch();
