// Recording: begun and ended by a button, and the takes that are there.
"use strict";

const TAKES_POLL_MS = 3000;
let recordingNow = null; // what the appliance said last
let recordingSince = 0; // performance.now() at its beginning

async function loadTakes() {
  try {
    showTakes(await askJson("/api/recordings"));
  } catch (error) {
    if ($("takes-panel").open) complain(error);
  }
}

function showTakes(told) {
  showRecording(told.now);
  const free = told.free_bytes === null ? "" : `${size(told.free_bytes)} free`;
  setText("takes-told", told.entries.length ? `${told.entries.length} here, ${free}` : free);
  setText("takes-folder", `They are in ${told.folder} on the appliance.`);
  const mark = JSON.stringify(told.entries);
  if (mark === $("takes").dataset.mark) return;
  $("takes").dataset.mark = mark;
  $("takes").replaceChildren(...told.entries.map(takeOf));
}

function takeOf(entry) {
  const item = document.createElement("li");
  const buttons = element("div", undefined, "buttons");
  const fetchIt = buttonOf("Download", () => download(entry.name), "small");
  fetchIt.setAttribute("aria-label", `Download ${entry.name}`);
  buttons.append(fetchIt);
  const when = new Date(1000 * entry.changed).toLocaleString();
  item.append(element("span", entry.name, "address"), element("span", `${size(entry.bytes)}, ${when}`, "hint"), buttons);
  return item;
}

// By a link that is good for once: a browser saves it without holding it all in memory.
async function download(name) {
  try {
    const told = await (await ask(`/api/recordings/${encodeURIComponent(name)}/ticket`, { method: "POST" })).json();
    const link = document.createElement("a");
    link.href = told.path;
    link.download = name;
    link.click();
  } catch (error) {
    complain(error);
  }
}

function showRecording(now) {
  recordingNow = now;
  if (now.recording) recordingSince = performance.now() - 1000 * now.seconds;
  $("record").setAttribute("aria-pressed", now.recording);
  tickRecording();
  $("record").title = now.recording ? `${now.name}: ${now.words}` : "Record what goes out";
}

function tickRecording() {
  if (!recordingNow?.recording) return setText("record-words", "Record");
  if (recordingNow.state !== "running") return setText("record-words", `Not recording: ${recordingNow.state}`);
  const seconds = Math.floor((performance.now() - recordingSince) / 1000);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return setText("record-words", `Stop ${hours ? `${hours}:` : ""}${clock}`);
}

$("record").addEventListener("click", async () => {
  const wanted = recordingNow?.recording ? "stop" : "start";
  $("record").disabled = true;
  try {
    const now = await (await askWith("POST", "/api/recording", { do: wanted })).json();
    showRecording(now);
    say(now.recording ? `Recording ${now.name}` : `Recorded: ${now.name}`);
    loadTakes();
    loadWays();
  } catch (error) {
    complain(error);
  } finally {
    $("record").disabled = false;
  }
});

$("takes-panel").addEventListener("toggle", loadTakes);
setInterval(tickRecording, 500);
setInterval(() => {
  if (!document.hidden && (recordingNow?.recording || $("takes-panel").open)) loadTakes();
}, TAKES_POLL_MS);
started.push(loadTakes);
