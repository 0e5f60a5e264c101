// What every part of the page uses: asking the appliance, the token, telling what came of it.
"use strict";

const $ = (id) => document.getElementById(id);

let token = sessionStorage.getItem("mattebox-token") || "";
let last = null; // the latest status
const started = []; // what to call once asking is possible (again): at the start, after a token

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

async function askJson(path, options) {
  return (await ask(path, options)).json();
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
  for (const start of started) start();
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

// What went wrong, unless the page is asking for the token already.
function complain(error) {
  if (error.status !== 401) say(error.message, true);
}

// A mistake at the field that it is about; none: it is put right.
function fault(field, words) {
  const told = $(field.getAttribute("aria-describedby"));
  told.textContent = words || "";
  told.hidden = !words;
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function element(kind, text, style) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (style) made.className = style;
  return made;
}

function buttonOf(words, click, style = "") {
  const button = element("button", words, style);
  button.type = "button";
  button.addEventListener("click", click);
  return button;
}

// Text that is read aloud when it changes must not be set when it does not.
function setText(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words;
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    say("Copied.");
  } catch {
    // Only pages by https or on this machine may: then by hand.
    window.prompt("Copy this:", words);
  }
}

const kept = () => $("keep").checked;
const keptWords = () => (kept() ? "Changed, and kept in the file." : "Changed.");
const ms = (value) => `${value.toFixed(value < 9.95 ? 2 : 1)} ms`;
const trim = (value) => String(Math.round(value * 100) / 100);

function duration(seconds) {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

function size(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
