// The configuration file: checked while it is written, each message at its line, saved once only.
"use strict";

const CHECK_MS = 500;
const LINE_PX = 20; // as in editor.css
const YAML = { "Content-Type": "application/yaml" };
let editorVersion = ""; // of the file as it was opened
let editorText = ""; // as it was opened or saved last
let editorTimer = 0;
let editorCheck = 0; // counts checks, so that a late answer does not replace a newer one
let editorMistakes = [];

async function openEditor() {
  try {
    const file = await askJson("/api/config");
    editorVersion = file.version;
    editorText = file.text;
    $("editor-file").textContent = file.file;
    $("editor-may").textContent = "*** stands for a secret; leave it where it is, and it stays. "
      + (file.may === "full" ? "" : "Secrets, files, addresses of sources and who may come in are changed in "
        + "the file itself (or http.editor: full).");
  } catch (error) {
    return complain(error);
  }
  $("editor-text").value = editorText;
  $("editor-again").hidden = true;
  tellEditor("");
  showMistakes([]);
  if (!$("editor-dialog").open) $("editor-dialog").showModal();
  $("editor-text").focus();
  $("editor-text").setSelectionRange(0, 0);
  $("editor-text").scrollTop = 0;
  return checkText();
}

function tellEditor(words, bad = false) {
  setText("editor-told", words);
  $("editor-told").className = bad ? "wrong" : "hint";
}

async function checkText() {
  const mine = ++editorCheck;
  const body = $("editor-text").value;
  try {
    const answer = await ask("/api/config/check", { method: "POST", headers: YAML, body });
    const { mistakes } = await answer.json();
    if (mine !== editorCheck) return;
    showMistakes(mistakes);
    const many = mistakes.length === 1 ? "One mistake." : `${mistakes.length} mistakes.`;
    if (mistakes.length) tellEditor(many, true);
    else tellEditor(body === editorText ? "As it is in use; no mistakes." : "No mistakes. Not saved yet.");
  } catch (error) {
    if (mine === editorCheck) tellEditor(error.message, true);
  }
}

function showMistakes(mistakes) {
  editorMistakes = mistakes;
  $("editor-save").disabled = mistakes.length > 0;
  $("editor-text").setAttribute("aria-invalid", mistakes.length > 0);
  $("editor-mistakes").replaceChildren(...mistakes.map((mistake) => {
    const item = document.createElement("li");
    const where = mistake.line ? `line ${mistake.line}` : "the file";
    const go = buttonOf("", () => goTo(mistake.line, mistake.column));
    go.append(element("b", where), element("span", `${mistake.key ? `${mistake.key}: ` : ""}${mistake.message}`));
    item.append(go);
    return item;
  }));
  drawLines();
}

function drawLines() {
  const wrong = new Map();
  for (const { line, message } of editorMistakes) if (line && !wrong.has(line)) wrong.set(line, message);
  const count = $("editor-text").value.split("\n").length;
  const lines = Array.from({ length: count }, (_, index) =>
    element("span", index + 1, wrong.has(index + 1) ? "wrong-line" : ""));
  $("editor-lines").replaceChildren(...lines);
  $("editor-notes").replaceChildren(...[...wrong].map(([line, message]) => {
    const note = element("p", message);
    note.dataset.line = line;
    return note;
  }));
  followScroll();
}

function followScroll() {
  const top = $("editor-text").scrollTop;
  $("editor-lines").scrollTop = top;
  for (const note of $("editor-notes").children) {
    note.style.top = `${10 + LINE_PX * (note.dataset.line - 1) - top}px`;
  }
}

function goTo(line, column) {
  const area = $("editor-text");
  const lines = area.value.split("\n");
  const start = lines.slice(0, Math.max(0, line - 1)).reduce((sum, one) => sum + one.length + 1, 0);
  const at = start + Math.max(0, Math.min(column - 1, (lines[line - 1] || "").length));
  area.focus();
  area.setSelectionRange(at, start + (lines[line - 1] || "").length);
  area.scrollTop = Math.max(0, LINE_PX * (line - 6));
}

async function saveText() {
  const body = $("editor-text").value;
  $("editor-save").disabled = true;
  try {
    const headers = { ...YAML, "If-Match": `"${editorVersion}"` };
    const done = await (await ask("/api/config", { method: "PUT", headers, body })).json();
    editorVersion = done.version;
    editorText = body;
    tellEditor(done.words, !done.applied);
    if (last) refresh();
    for (const load of [loadSections, loadSources, loadWays, loadBackgrounds]) load();
  } catch (error) {
    tellEditor(error.message, true);
    $("editor-again").hidden = error.status !== 412;
  }
  $("editor-save").disabled = editorMistakes.length > 0;
}

function closeEditor(event) {
  event?.preventDefault();
  if ($("editor-text").value !== editorText && !confirm("Close without saving?")) return;
  clearTimeout(editorTimer);
  $("editor-dialog").close();
}

$("editor-text").addEventListener("input", () => {
  drawLines();
  clearTimeout(editorTimer);
  editorTimer = setTimeout(checkText, CHECK_MS);
});
$("editor-text").addEventListener("scroll", followScroll);
$("editor-open").addEventListener("click", openEditor);
$("editor-save").addEventListener("click", saveText);
$("editor-again").addEventListener("click", () => {
  if (confirm("Open the file as it is now? What was written here is lost.")) openEditor();
});
$("editor-close").addEventListener("click", closeEditor);
$("editor-dialog").addEventListener("cancel", closeEditor);
