// The optional stages: a switch each, and what there is to set, made from what the API says.
"use strict";

const STAGES_POLL_MS = 4000;
let stagesTold = ""; // what is shown
let stageHeld = ""; // a control being used, which must not be redrawn under the finger

async function loadStages() {
  try {
    showStageList((await (await ask("/api/stages")).json()).stages);
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  }
}

async function changeStage(stage, settings) {
  try {
    const body = { stages: { [stage]: settings }, keep: $("keep").checked };
    const answer = await askWith("PATCH", "/api/stages", body);
    stageHeld = "";
    showStageList((await answer.json()).stages);
    say($("keep").checked ? "Changed, and kept in the file." : "Changed.");
  } catch (error) {
    stageHeld = "";
    if (error.status !== 401) say(error.message, true);
    // The control shows what was refused: back to what is.
    stagesTold = "";
    loadStages();
  }
}

function showStageList(stages) {
  if (stageHeld) return;
  // What only takes another time now is not built anew: whoever reads or clicks it keeps it.
  const told = JSON.stringify(stages.map((stage) => ({ ...stage, mean_ms: null })));
  if (told === stagesTold) {
    for (const stage of stages) {
      document.querySelector(`[data-stage="${stage.name}"] .told`).textContent = stateOf(stage);
    }
    return;
  }
  stagesTold = told;
  const open = new Set([...document.querySelectorAll("#effects details[open]")].map((d) => d.dataset.stage));
  const focus = document.activeElement?.id;
  $("effects").replaceChildren(...stages.map((stage) => stageBox(stage, open.has(stage.name))));
  if (focus && $(focus)) $(focus).focus({ preventScroll: true });
}

function stageBox(stage, open) {
  const box = document.createElement("details");
  box.dataset.stage = stage.name;
  box.className = "effect";
  box.open = open;
  const head = document.createElement("summary");
  const told = element("span", stateOf(stage));
  told.className = stage.resting ? "told bad" : "told";
  head.append(element("b", stage.title), told);
  const body = document.createElement("div");
  body.className = "effect-body";
  const words = element("p", stage.description);
  words.className = "hint";
  body.append(words, switchOf(stage.name, "enabled", "on", stage.enabled));
  if (stage.resting) {
    const why = element("p", `It failed and is left out for now: ${stage.resting}`);
    why.className = "hint bad";
    body.append(why);
  }
  body.append(...stage.fields.map((field) => controlOf(stage.name, field)));
  if (window.stageExtras?.[stage.name]) body.append(window.stageExtras[stage.name](stage));
  box.append(head, body);
  return box;
}

function stateOf(stage) {
  if (stage.resting) return "left out";
  if (!stage.enabled) return "off";
  return stage.mean_ms ? ms(stage.mean_ms) : "on";
}

function switchOf(stage, name, words, value, title = "") {
  const label = document.createElement("label");
  label.className = "check";
  label.title = title;
  const input = document.createElement("input");
  input.type = "checkbox";
  input.id = `stage-${stage}-${name}`;
  input.checked = value;
  input.addEventListener("change", () => changeStage(stage, { [name]: input.checked }));
  label.append(input, element("span", words));
  return label;
}

function controlOf(stage, field) {
  const words = field.name.replaceAll("_", " ");
  if (field.kind === "switch") return switchOf(stage, field.name, words, field.value, field.description);
  const label = document.createElement("label");
  label.className = "slider";
  label.title = `${field.description}; ${field.allowed}`;
  const shown = document.createElement("output");
  const input = field.kind === "choice" ? choiceOf(field) : document.createElement("input");
  input.id = `stage-${stage}-${field.name}`;
  shown.htmlFor = input.id;
  const isNumber = field.kind === "number" || field.kind === "whole number";
  if (isNumber && field.minimum !== null && field.maximum !== null) {
    input.type = "range";
    input.min = field.minimum;
    input.max = field.maximum;
    const step = (field.maximum - field.minimum) / 200;
    input.step = field.kind === "number" ? 10 ** Math.floor(Math.log10(step)) : 1;
    shown.textContent = trim(field.value);
    input.addEventListener("input", () => {
      stageHeld = input.id;
      shown.textContent = trim(Number(input.value));
    });
  } else if (isNumber) {
    input.type = "number";
    input.step = field.kind === "number" ? "any" : 1;
  } else if (field.kind === "text") {
    input.type = "text";
    input.addEventListener("input", () => (stageHeld = input.id));
    input.addEventListener("blur", () => (stageHeld = ""));
  }
  input.value = field.value;
  input.addEventListener("change", () => {
    changeStage(stage, { [field.name]: isNumber ? Number(input.value) : input.value });
  });
  label.append(element("span", words), input, shown);
  return label;
}

function choiceOf(field) {
  const select = document.createElement("select");
  for (const choice of field.choices) {
    const option = element("option", choice);
    option.value = choice;
    select.append(option);
  }
  return select;
}

// The empty room: a button to press with nobody in view.
function plateBox(stage) {
  const row = document.createElement("div");
  row.className = "buttons";
  const told = element("span", "");
  told.className = "hint";
  for (const [words, wish] of [["Nobody is in view: learn", "learn"], ["Forget", "forget"]]) {
    const button = element("button", words);
    button.type = "button";
    button.disabled = !stage.enabled;
    button.addEventListener("click", () => askPlate(wish, told));
    row.append(button);
  }
  row.append(told);
  if (stage.enabled) askPlate(null, told);
  return row;
}

async function askPlate(wish, told) {
  try {
    const asked = wish ? askWith("POST", "/api/plate", { wish }) : ask("/api/plate");
    const plate = await (await asked).json();
    const state = plate.state === "refused" ? `refused: ${plate.why}` : plate.state;
    told.textContent = `${Math.round(100 * plate.known)} % known, ${plate.used ? "in use" : "not in use"}; ${state}`;
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  }
}

window.stageExtras = { ...window.stageExtras, plate: plateBox };

async function pollStages() {
  if (!document.hidden && $("effects-panel").open) await loadStages();
  setTimeout(pollStages, STAGES_POLL_MS);
}

$("effects-panel").addEventListener("toggle", () => {
  if ($("effects-panel").open) loadStages();
});

pollStages();
