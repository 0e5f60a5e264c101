// The scenes: a button each, and the keys that the configuration gives them.
"use strict";

const SCENES_POLL_MS = 2000;
let scenesTold = ""; // what is shown
let sceneKeys = new Map(); // key -> name
const NOT_TYPED = new Set(["button", "checkbox", "file", "radio", "range"]);

async function loadScenes() {
  try {
    showScenes(await (await ask("/api/scenes")).json());
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
  }
}

function showScenes(answer) {
  const told = JSON.stringify(answer);
  if (told === scenesTold) return;
  scenesTold = told;
  $("scenes-panel").hidden = !answer.scenes.length;
  sceneKeys = new Map(answer.scenes.filter((s) => s.key !== "none").map((s) => [s.key, s.name]));
  const focus = document.activeElement?.dataset?.scene;
  const none = { name: "none", key: "none", active: answer.active === "none" };
  $("scenes").replaceChildren(...[...answer.scenes, none].map(sceneButton));
  const again = [...$("scenes").children].find((button) => button.dataset.scene === focus);
  if (focus) again?.focus({ preventScroll: true });
}

function sceneButton(scene) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.scene = scene.name;
  button.className = scene.active ? "primary" : "";
  button.setAttribute("aria-pressed", String(scene.active));
  button.append(element("span", scene.name === "none" ? "No scene" : scene.name));
  if (scene.key !== "none") {
    button.append(" ", element("kbd", scene.key));
    button.setAttribute("aria-keyshortcuts", scene.key);
  }
  button.addEventListener("click", () => switchScene(scene.name));
  return button;
}

async function switchScene(name) {
  try {
    const answer = await askWith("POST", `/api/scenes/${encodeURIComponent(name)}`, {});
    const done = await answer.json();
    await loadScenes();
    const words = name === "none" ? "No scene is on." : `${name} is on.`;
    say(done.note ? `${words} It was ${done.note}.` : words);
    refresh();
  } catch (error) {
    if (error.status !== 401) say(error.message, true);
    loadScenes();
  }
}

// Not while something is typed, chosen or asked, and not with what the browser uses itself.
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const at = event.target;
  if (at.isContentEditable || document.querySelector("dialog[open]")) return;
  if (at.closest("select, textarea") || (at.matches("input") && !NOT_TYPED.has(at.type))) return;
  // What fills in forms sends keys without a name.
  const key = event.key || "";
  const name = sceneKeys.get(key.length === 1 ? key.toLowerCase() : key);
  if (name === undefined) return;
  event.preventDefault();
  switchScene(name);
});

async function pollScenes() {
  if (!document.hidden) await loadScenes();
  setTimeout(pollScenes, SCENES_POLL_MS);
}

pollScenes();
