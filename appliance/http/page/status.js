// How the appliance is: asked once a second while somebody can see the page.
"use strict";

const POLL_MS = 1000;
let past = []; // the last few statuses, for rates

async function refresh() {
  try {
    show(await askJson("/api/status", { signal: AbortSignal.timeout(5000) }));
  } catch (error) {
    lamp("off", error.status === 401 ? "locked" : "no answer");
    setText("words", error.status === 401
      ? "A token is needed to see and steer this appliance."
      : "The appliance does not answer. It is asked again every second.");
  }
}

function lamp(state, words) {
  $("lamp").dataset.state = state;
  setText("lamp", words);
}

function show(status) {
  lamp(status.state, status.state);
  setText("words", status.words);
  showNotes(status.notes);
  setText("canvas-format", `${status.width}×${status.height}, ${trim(status.fps)} fps`);
  setText("people", status.state === "live" ? String(status.people) : "–");
  showRates(performance.now(), status);
  figure("latency", status.latency ? status.latency.median_ms.toFixed(0) : "–", "ms");
  figure("busy", Math.round(100 * status.load.busy), "%");
  const { dropped, dropped_words: words } = status.frames;
  setText("dropped", Object.values(dropped).reduce((sum, count) => sum + count, 0).toLocaleString("en"));
  setText("dropped-words", words);
  $("dropped-line").hidden = !words;
  setText("clients", String(status.outputs.reduce((sum, output) => sum + output.clients, 0)));
  const degrees = Object.values(status.temperatures);
  $("warmest").hidden = !degrees.length;
  figure("celsius", Math.max(...degrees, 0).toFixed(0), "°C");
  showStages(status);
  showSource(status.source);
  showSound(status.sound);
  showPicture(status.picture);
  setText("version", `Mattebox ${status.version}, up for ${duration(status.uptime_s)}`);
  last = status;
}

function showNotes(notes) {
  if ([...$("notes").children].map((item) => item.textContent).join("\n") === notes.join("\n")) return;
  $("notes").replaceChildren(...notes.map((note) => element("li", note)));
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
  // Not the sum of the steps: some are skipped on some frames, and others overlap.
  const busy = `${Math.round(100 * status.load.busy)} %`;
  const budget = `of ${(1000 / status.fps).toFixed(1)} ms`;
  setText("load-told", `busy ${busy}`);
  setText("stages-total", busy);
  setText("stages-budget", budget);
  if (!$("load-panel").open) return;
  const order = [...status.stages].sort((a, b) => b.mean_ms - a.mean_ms);
  const most = Math.max(...order.map((stage) => stage.mean_ms), 0.001);
  $("stages").replaceChildren(
    ...order.map((stage) => {
      const row = document.createElement("tr");
      const meter = document.createElement("meter");
      meter.max = most;
      meter.value = stage.mean_ms;
      meter.setAttribute("aria-hidden", "true"); // the figures beside it say it
      const name = element("th", stage.name);
      name.scope = "row";
      const bar = document.createElement("td");
      bar.append(meter);
      row.append(name, bar, element("td", ms(stage.mean_ms)), element("td", ms(stage.slowest_ms)));
      return row;
    }),
  );
}

$("load-panel").addEventListener("toggle", () => last && showStages(last));
