// Sections of the settings that can be set while running, such as sound: a panel each.
"use strict";

let sectionsTold = "";

async function loadSections() {
  try {
    showSections((await askJson("/api/settings")).sections);
  } catch (error) {
    complain(error);
  }
}

function showSections(sections) {
  const mark = JSON.stringify(sections);
  if (controlHeld || mark === sectionsTold) return;
  sectionsTold = mark;
  const focus = document.activeElement?.id;
  // Load has a panel already, with what it is about.
  const own = sections.filter((section) => section.name !== "load");
  $("sections").replaceChildren(...own.map(sectionPanel));
  const load = sections.find((section) => section.name === "load");
  if (load) $("load-settings").replaceChildren(...controlsOf(load));
  if (focus && $(focus)) $(focus).focus({ preventScroll: true });
}

function sectionPanel(section) {
  const panel = element("section", undefined, "panel");
  panel.dataset.section = section.name;
  const title = element("h2", section.title);
  title.id = `section-${section.name}`;
  panel.setAttribute("aria-labelledby", title.id);
  const controls = element("div", undefined, "controls");
  controls.append(...controlsOf(section));
  panel.append(title);
  if (section.name === "sound") panel.append(...soundParts());
  panel.append(controls);
  return panel;
}

// What is to be heard, and how loud it goes out.
function soundParts() {
  const words = element("p", "", "hint");
  words.id = "sound-words";
  const meter = document.createElement("meter");
  meter.id = "sound-level";
  meter.min = -60;
  meter.max = 0;
  meter.high = -6;
  meter.optimum = -20;
  meter.setAttribute("aria-label", "Loudness that goes out, in decibels below full scale");
  return [words, meter];
}

function showSound(sound) {
  if (!sound || !$("sound-words")) return;
  setText("sound-words", sound.words);
  $("sound-level").value = Math.max(-60, sound.level_db);
}

// Each with its sentence: unlike a stage's, these are read by whoever has no manual at hand.
function controlsOf(section) {
  const change = (name, value) => changeSection(section.name, { [name]: value });
  return section.fields.flatMap((field) => [
    controlOf(`set-${section.name}`, field, change),
    element("p", `${field.description[0].toUpperCase()}${field.description.slice(1)}.`, "hint"),
  ]);
}

async function changeSection(section, settings) {
  try {
    const body = { sections: { [section]: settings }, keep: kept() };
    const answer = await askWith("PATCH", "/api/settings", body);
    controlHeld = "";
    showSections((await answer.json()).sections);
    say(keptWords());
  } catch (error) {
    controlHeld = "";
    complain(error);
    // The control shows what was refused: back to what is.
    sectionsTold = "";
    loadSections();
  }
}

started.push(loadSections);
