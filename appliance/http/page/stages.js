// The optional stages: a switch each, and what there is to set, made from what the API says.
"use strict";

const STAGES_POLL_MS = 4000;
let stagesTold = ""; // what is shown

async function loadStages() {
  try {
    showStageList((await (await ask("/api/stages")).json()).stages);
  } catch (error) {
    complain(error);
  }
}

async function changeStage(stage, settings) {
  try {
    const body = { stages: { [stage]: settings }, keep: kept() };
    const answer = await askWith("PATCH", "/api/stages", body);
    controlHeld = "";
    showStageList((await answer.json()).stages);
    say(keptWords());
  } catch (error) {
    controlHeld = "";
    complain(error);
    // The control shows what was refused: back to what is.
    stagesTold = "";
    loadStages();
  }
}

function showStageList(stages) {
  if (controlHeld) return;
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
  const set = (name, value) => changeStage(stage.name, { [name]: value });
  const body = element("div", undefined, "effect-body");
  const words = element("p", stage.description);
  words.className = "hint";
  body.append(words, switchOf(`stage-${stage.name}`, "enabled", "on", stage.enabled, set));
  if (stage.resting) {
    const why = element("p", `It failed and is left out for now: ${stage.resting}`);
    why.className = "hint bad";
    body.append(why);
  }
  body.append(...stage.fields.map((field) => controlOf(`stage-${stage.name}`, field, set)));
  if (window.stageExtras?.[stage.name]) body.append(window.stageExtras[stage.name](stage));
  box.append(head, body);
  return box;
}

function stateOf(stage) {
  if (stage.resting) return "left out";
  if (!stage.enabled) return "off";
  return stage.mean_ms ? ms(stage.mean_ms) : "on";
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
    complain(error);
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
