// Ways in and out: the source chosen from what is there, outputs added, removed, their addresses.
"use strict";

const WAYS_POLL_MS = 2000;
let waysTold = ""; // what is shown
let addSettings = {}; // what was set for the next output

// --- in ---------------------------------------------------------------------------------------

async function loadSources() {
  try {
    showSources(await askJson("/api/devices"));
  } catch (error) {
    complain(error);
  }
}

function showSources(devices) {
  $("source").replaceChildren(...devices.sources.map((source) => {
    const option = element("option", `${source.uri} (${source.words})`);
    option.value = source.uri;
    option.selected = source.chosen;
    return option;
  }));
  const wrong = $("source-wrong");
  wrong.textContent = devices.unusable.join("; ");
  wrong.hidden = !devices.unusable.length;
}

function showSource(source) {
  setText("source-words", source.reason ? `${source.state}: ${source.reason}` : source.state);
  $("source-avatar").hidden = !source.uri.startsWith("avatar:");
}

$("source").addEventListener("change", async () => {
  $("source").disabled = true;
  try {
    const answer = await askWith("PATCH", "/api/source", { uri: $("source").value, keep: kept() });
    showSources(await answer.json());
    say(keptWords());
  } catch (error) {
    complain(error);
    loadSources();
  } finally {
    $("source").disabled = false;
  }
});

// --- out --------------------------------------------------------------------------------------

async function loadWays() {
  try {
    showWays(await askJson("/api/outputs"));
  } catch (error) {
    complain(error);
  }
}

function showWays(told) {
  // What only says something else now is not built anew: a click on it that has begun is not lost.
  const mark = JSON.stringify(told.outputs.map(({ id, uri, what, recording }) => [id, uri, what, recording]));
  if (mark === waysTold) {
    for (const output of told.outputs) tellWay($(`words-${output.id}`), output);
  } else {
    waysTold = mark;
    const focus = document.activeElement?.id;
    const rows = told.outputs.map((output) => wayOf(output, told.outputs.length));
    $("ways").replaceChildren(...rows, pageRow());
    if (focus && $(focus)) $(focus).focus({ preventScroll: true });
  }
  if (!$("add-kinds").children.length) {
    $("add-kinds").append(...["rtsp://127.0.0.1:8554/second", "recording.mp4", "display://", "v4l2:///dev/video9"]
      .map((uri) => Object.assign(document.createElement("option"), { value: uri })));
    $("add-fields").replaceChildren(...told.fields.map((field) =>
      controlOf("add", field, (name, value) => (addSettings[name] = value))));
    $("add-uri").title = `What there is: ${told.kinds.join(", ")}`;
  }
}

function wayOf(output, count) {
  const item = document.createElement("li");
  const address = reachable(output.uri);
  const buttons = element("div", undefined, "buttons");
  if (/^rtsps?:/.test(address)) buttons.append(...addressButtons(address, output.id));
  if (!output.recording && count > 1) {
    const remove = buttonOf("Remove", () => removeWay(output), "small");
    remove.id = `remove-${output.id}`;
    remove.setAttribute("aria-label", `Remove ${address}`);
    buttons.append(remove);
  }
  const words = element("span");
  words.id = `words-${output.id}`;
  tellWay(words, output);
  item.append(element("span", address, "address"), words, buttons);
  return item;
}

function tellWay(place, output) {
  const shows = output.what === "picture" ? "" : `${output.what}: `;
  const words = shows + (output.recording ? `recording, ${output.words}` : output.words);
  if (place.textContent !== words) place.textContent = words;
  place.className = ["failed", "retrying", "stalled"].includes(output.state) ? "hint bad" : "hint";
}

// The page itself, for a telephone in the same network.
function pageRow() {
  const item = document.createElement("li");
  const buttons = element("div", undefined, "buttons");
  buttons.append(...addressButtons(`${location.origin}/`, "page"));
  item.append(element("span", `${location.origin}/`, "address"), element("span", "this page", "hint"), buttons);
  return item;
}

// "All addresses" is none that a player could ask for: the one by which this page was reached is.
function reachable(uri) {
  return uri.replace(/^(rtsps?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/])/, `$1${location.hostname}`);
}

function addressButtons(address, id) {
  const take = buttonOf("Copy", () => copy(address), "small");
  take.id = `copy-${id}`;
  take.setAttribute("aria-label", `Copy ${address}`);
  const code = buttonOf("QR", () => showCode(address), "small");
  code.id = `code-${id}`;
  code.setAttribute("aria-label", `QR code of ${address}`);
  return [take, code];
}

async function removeWay(output) {
  if (!confirm(`Remove ${output.uri}? Its readers are sent away; the other outputs go on.`)) return;
  try {
    const answer = await ask(`/api/outputs/${output.id}?keep=${kept()}`, { method: "DELETE" });
    const told = await answer.json();
    showWays(told);
    say(told.note || "Removed; the other outputs go on.");
  } catch (error) {
    complain(error);
    loadWays();
  }
}

$("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = $("add-uri");
  const uri = field.value.trim();
  if (!uri) return fault(field, "An address is needed, such as rtsp://127.0.0.1:8554/second.");
  try {
    const body = { uri, settings: addSettings, keep: kept() };
    const told = await (await askWith("POST", "/api/outputs", body)).json();
    fault(field, "");
    field.value = "";
    showWays(told);
    say(told.note || "Added; the other outputs go on.");
  } catch (error) {
    if (error.status !== 401) fault(field, error.message);
    field.focus();
  }
  return undefined;
});

// --- a code for telephones ---------------------------------------------------------------------

async function showCode(address) {
  try {
    const drawn = await (await ask(`/api/qr?text=${encodeURIComponent(address)}`)).blob();
    if ($("qr").src) URL.revokeObjectURL($("qr").src);
    $("qr").src = URL.createObjectURL(drawn);
  } catch (error) {
    return complain(error);
  }
  $("qr").alt = `QR code of ${address}`;
  $("qr-address").textContent = address;
  const here = /^\w+:\/\/(localhost|127\.|\[::1\])/.test(address);
  $("qr-note").textContent = "Only this machine itself can open it. For others: http.address and "
    + "http.token, or an output at 0.0.0.0, in the configuration.";
  $("qr-note").hidden = !here;
  return $("qr-dialog").showModal();
}

$("qr-copy").addEventListener("click", () => copy($("qr-address").textContent));
$("qr-close").addEventListener("click", () => $("qr-dialog").close());

setInterval(() => !document.hidden && loadWays(), WAYS_POLL_MS);
started.push(loadSources, loadWays);
