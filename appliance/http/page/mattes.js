// Mattes drawn by hand: polygons over the picture that goes out, by mouse, finger or keyboard.
// Only what goes out is drawn on, never the camera's picture: the page must not show the room.
"use strict";

const MATTE_KINDS = { room: "always room", keep: "always kept" };
const MOST_POLYGONS = 16;
const MOST_POINTS = 64;
const SVG = "http://www.w3.org/2000/svg";

let matteShapes = []; // {kind, points: [[x, y], …]}, fractions of the picture
let matteOpen = null; // the polygon being drawn, still without its last side
let matteDrag = null; // [shape, point] under the finger

const clampUnit = (value) => Math.min(1, Math.max(0, value));
const round4 = (value) => Math.round(value * 1e4) / 1e4;
const hundredths = (value) => `${Math.round(value * 100)} %`;

// "0,0 1,0 1,1; …" as the configuration has it, into lists of points, and back.
function polygonsOf(text) {
  if (text.trim() === "none") return [];
  return text.split(";").filter((part) => part.trim())
    .map((part) => part.trim().split(/\s+/).map((point) => point.split(",").map(Number)));
}

function polygonsText(kind) {
  const mine = matteShapes.filter((shape) => shape.kind === kind);
  const words = mine.map((shape) => shape.points.map(([x, y]) => `${round4(x)},${round4(y)}`).join(" "));
  return words.join("; ") || "none";
}

// --- opening, saving --------------------------------------------------------------------------

window.stageExtras = window.stageExtras || {};
window.stageExtras.mattes = (stage) => {
  const button = element("button", "Draw on the picture");
  button.type = "button";
  button.id = "mattes-draw";
  button.addEventListener("click", () => openMattes(stage));
  return button;
};

function openMattes(stage) {
  const value = (name) => stage.fields.find((field) => field.name === name).value;
  matteOpen = null;
  matteShapes = Object.keys(MATTE_KINDS).flatMap((kind) =>
    polygonsOf(value(kind)).map((points) => ({ kind, points })));
  $("mattes-wrong").hidden = true;
  mattesSay("");
  redrawMattes();
  $("mattes-dialog").showModal();
  requestAnimationFrame(mirrorPicture);
}

// What goes out, behind the polygons, as long as the dialog is open.
function mirrorPicture() {
  if (!$("mattes-dialog").open) return;
  const from = shownPicture();
  const width = from.videoWidth || from.width;
  const height = from.videoHeight || from.height;
  const to = $("mattes-picture");
  if (to.width !== width || to.height !== height) {
    to.width = width;
    to.height = height;
    $("mattes-canvas").style.maxWidth = `calc(48vh * ${width / height})`;
  }
  to.getContext("2d").drawImage(from, 0, 0);
  setTimeout(() => requestAnimationFrame(mirrorPicture), 100);
}

async function saveMattes() {
  if (matteOpen && !closePolygon()) return;
  const mattes = { enabled: true, room: polygonsText("room"), keep: polygonsText("keep") };
  $("mattes-save").disabled = true;
  try {
    await askWith("PATCH", "/api/stages", { stages: { mattes }, keep: kept() });
    $("mattes-dialog").close();
    say(keptWords());
    loadStages();
  } catch (error) {
    $("mattes-wrong").textContent = error.message;
    $("mattes-wrong").hidden = false;
  } finally {
    $("mattes-save").disabled = false;
  }
}

// --- drawing ----------------------------------------------------------------------------------

function mattesSay(words) {
  $("mattes-told").textContent = words;
}

const chosenKind = () => document.querySelector("#mattes-kind input:checked").value;

function addPoint(x, y) {
  if (!matteOpen) {
    if (matteShapes.length >= 2 * MOST_POLYGONS) return mattesSay(`At most ${MOST_POLYGONS} of each.`);
    matteOpen = { kind: chosenKind(), points: [] };
    matteShapes.push(matteOpen);
  }
  if (matteOpen.points.length >= MOST_POINTS) {
    mattesSay(`At most ${MOST_POINTS} points: close the polygon.`);
    return undefined;
  }
  matteOpen.points.push([clampUnit(x), clampUnit(y)]);
  const shape = matteShapes.indexOf(matteOpen);
  const many = matteOpen.points.length;
  mattesSay(`Point ${many} at ${hundredths(x)} across, ${hundredths(y)} down. `
    + (many < 3 ? "A polygon needs three." : "Close it, or add more."));
  redrawMattes();
  return handleOf(shape, many - 1);
}

function closePolygon() {
  if (!matteOpen) return true;
  if (matteOpen.points.length < 3) {
    mattesSay(`${matteOpen.points.length} points are no polygon: add more, or delete it.`);
    return false;
  }
  mattesSay(`Closed: ${matteOpen.points.length} points, ${MATTE_KINDS[matteOpen.kind]}.`);
  matteOpen = null;
  redrawMattes();
  return true;
}

function deleteShape(shape) {
  if (matteShapes[shape] === matteOpen) matteOpen = null;
  matteShapes.splice(shape, 1);
  mattesSay("Deleted.");
  redrawMattes();
}

function deletePoint(shape, point) {
  const points = matteShapes[shape].points;
  points.splice(point, 1);
  const few = matteShapes[shape] === matteOpen ? 1 : 3;
  if (points.length < few) return deleteShape(shape);
  redrawMattes();
  handleOf(shape, Math.min(point, points.length - 1))?.focus();
  return undefined;
}

function movePoint(shape, point, x, y) {
  matteShapes[shape].points[point] = [clampUnit(x), clampUnit(y)];
  redrawMattes();
}

const handleOf = (shape, point) => document.getElementById(`matte-${shape}-${point}`);

function redrawMattes() {
  const focus = document.activeElement?.id;
  $("mattes-shapes").replaceChildren(...matteShapes.flatMap((shape, at) => drawnShape(shape, at)));
  $("mattes-list").replaceChildren(...matteShapes.map((shape, at) => listed(shape, at)));
  $("mattes-close").disabled = !matteOpen;
  $("mattes-room-shown").hidden = !matteShapes.some((shape) => shape.kind === "keep");
  if (focus) document.getElementById(focus)?.focus();
}

function drawnShape(shape, at) {
  const outline = document.createElementNS(SVG, shape === matteOpen ? "polyline" : "polygon");
  outline.setAttribute("points", shape.points.map(([x, y]) => `${1000 * x},${1000 * y}`).join(" "));
  outline.setAttribute("class", `matte-${shape.kind}${shape === matteOpen ? " open" : ""}`);
  const handles = shape.points.map(([x, y], point) => {
    // An ellipse, since the picture is not square and the drawing's units are.
    const handle = document.createElementNS(SVG, "ellipse");
    handle.id = `matte-${at}-${point}`;
    handle.setAttribute("cx", 1000 * x);
    handle.setAttribute("cy", 1000 * y);
    const { width, height } = $("mattes-picture");
    handle.setAttribute("rx", 9);
    handle.setAttribute("ry", (9 * width) / height);
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("role", "button");
    handle.setAttribute("class", `matte-${shape.kind}`);
    handle.setAttribute("aria-label", `Polygon ${at + 1}, ${MATTE_KINDS[shape.kind]}, point ${point + 1}: `
      + `${hundredths(x)} across, ${hundredths(y)} down. Arrow keys move it, Delete removes it.`);
    handle.addEventListener("keydown", (event) => pointKey(event, at, point));
    return handle;
  });
  return [outline, ...handles];
}

function listed(shape, at) {
  const item = document.createElement("li");
  const open = shape === matteOpen ? ", still open" : "";
  item.append(element("span", `${at + 1}: ${MATTE_KINDS[shape.kind]}, ${shape.points.length} points${open}`));
  const remove = element("button", "Delete");
  remove.type = "button";
  remove.setAttribute("aria-label", `Delete polygon ${at + 1}`);
  remove.addEventListener("click", () => deleteShape(at));
  item.append(remove);
  return item;
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function pointKey(event, shape, point) {
  const move = MOVES[event.key];
  if (move) {
    const step = event.shiftKey ? 0.05 : 0.005;
    const [x, y] = matteShapes[shape].points[point];
    movePoint(shape, point, x + step * move[0], y + step * move[1]);
    const [newX, newY] = matteShapes[shape].points[point];
    mattesSay(`${hundredths(newX)} across, ${hundredths(newY)} down`);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    deletePoint(shape, point);
  } else if (event.key === "Enter" && matteShapes[shape] === matteOpen) {
    closePolygon();
  } else {
    return;
  }
  event.preventDefault();
}

// --- mouse and finger -------------------------------------------------------------------------

function placeOf(event) {
  const box = $("mattes-canvas").getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

$("mattes-canvas").addEventListener("pointerdown", (event) => {
  const found = /^matte-(\d+)-(\d+)$/.exec(event.target.id || "");
  if (found) {
    const [shape, point] = [Number(found[1]), Number(found[2])];
    const closes = matteShapes[shape] === matteOpen && point === 0 && matteOpen.points.length >= 3;
    if (closes) closePolygon();
    else {
      matteDrag = [shape, point];
      handleOf(shape, point).focus();
    }
  } else {
    addPoint(...placeOf(event));
  }
  $("mattes-canvas").setPointerCapture(event.pointerId);
  event.preventDefault();
});

$("mattes-canvas").addEventListener("pointermove", (event) => {
  if (matteDrag) movePoint(...matteDrag, ...placeOf(event));
});

for (const kind of ["pointerup", "pointercancel"]) {
  $("mattes-canvas").addEventListener(kind, () => (matteDrag = null));
}

// --- buttons ----------------------------------------------------------------------------------

// By keyboard: a new point in the middle, or beside the last one, to be moved by the arrow keys.
$("mattes-add").addEventListener("click", () => {
  const [x, y] = matteOpen ? matteOpen.points.at(-1) : [0.45, 0.45];
  addPoint(x + (x < 0.9 ? 0.05 : -0.05), y)?.focus();
});
$("mattes-close").addEventListener("click", closePolygon);
$("mattes-save").addEventListener("click", saveMattes);
$("mattes-cancel").addEventListener("click", () => $("mattes-dialog").close());
