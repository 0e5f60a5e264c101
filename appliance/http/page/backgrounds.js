// The backgrounds to choose from, and pictures added to them.
"use strict";

let folder = null; // the latest list of backgrounds
const thumbnails = new Map(); // name and size -> object URL

async function loadBackgrounds() {
  try {
    folder = await askJson("/api/backgrounds");
  } catch (error) {
    complain(error);
    return;
  }
  const tiles = [plainTile("gradient://", "gradient"), colourTile(), plainTile("blur://", "blur")];
  for (const entry of folder.entries) tiles.push(fileTile(entry));
  $("tiles").replaceChildren(...tiles);
  $("tiles-empty").hidden = folder.entries.length > 0 || folder.upload_bytes === 0;
  $("upload-label").hidden = folder.upload_bytes === 0;
  if (last) showPicture(last.picture);
}

function tileOf(background, name, face) {
  const tile = element("button", undefined, "tile");
  tile.type = "button";
  tile.dataset.background = background;
  tile.title = name;
  tile.setAttribute("aria-pressed", "false");
  tile.append(face, element("span", name, "name"));
  return tile;
}

function faceOf(kind, text = "") {
  const face = element("span", text);
  face.className = `face ${kind}`;
  return face;
}

function plainTile(background, name) {
  const words = name === "blur" ? "the room, blurred" : name;
  const tile = tileOf(background, words, faceOf(name));
  tile.addEventListener("click", async () => {
    if (background !== "blur://" || (await sure())) change({ background });
  });
  return boxOf(tile);
}

function sure() {
  const dialog = $("blur-dialog");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

// A colour: its tile takes the one beside it, which can be picked.
function colourTile() {
  const face = faceOf("colour");
  const tile = tileOf("", "a colour", face);
  const input = document.createElement("input");
  input.type = "color";
  input.value = "#00b140";
  input.setAttribute("aria-label", "which colour");
  face.style.backgroundColor = input.value;
  tile.dataset.colour = "yes";
  delete tile.dataset.background;
  const take = () => {
    face.style.backgroundColor = input.value;
    change({ background: `colour:${input.value}` });
  };
  tile.addEventListener("click", take);
  input.addEventListener("change", take);
  return boxOf(tile, input);
}

function boxOf(...parts) {
  const box = element("div", undefined, "tile-box");
  box.append(...parts);
  return box;
}

// The background in use, by name or address.
function showChosen(background) {
  for (const tile of document.querySelectorAll(".tile")) {
    const chosen = tile.dataset.colour
      ? background.startsWith("colour:")
      : tile.dataset.background === background;
    if (tile.getAttribute("aria-pressed") !== String(chosen)) tile.setAttribute("aria-pressed", chosen);
    if (tile.dataset.colour && chosen) {
      const colour = background.slice("colour:".length).toLowerCase();
      tile.nextElementSibling.value = colour;
      tile.querySelector(".face").style.backgroundColor = colour;
    }
  }
}

function fileTile(entry) {
  const face = faceOf("", entry.kind === "video" ? "▶" : "");
  const tile = tileOf(entry.name, entry.name, face);
  tile.addEventListener("click", () => change({ background: entry.name }));
  if (entry.kind === "picture") thumbnail(entry, face);
  const remove = buttonOf("×", async () => {
    if (!confirm(`Delete ${entry.name} from the appliance?`)) return;
    try {
      await ask(`/api/backgrounds/${encodeURIComponent(entry.name)}`, { method: "DELETE" });
      say(`${entry.name} is deleted.`);
    } catch (error) {
      say(error.message, true);
    }
    loadBackgrounds();
  }, "remove");
  remove.title = `Delete ${entry.name}`;
  remove.setAttribute("aria-label", `Delete ${entry.name}`);
  return boxOf(tile, remove);
}

let thumbnailQueue = Promise.resolve(); // one at a time: the appliance has better things to do

function thumbnail(entry, face) {
  const key = `${entry.name}/${entry.bytes}`;
  const put = (url) => (face.style.backgroundImage = `url("${url}")`);
  if (thumbnails.has(key)) {
    put(thumbnails.get(key));
    return;
  }
  thumbnailQueue = thumbnailQueue.then(async () => {
    if (!face.isConnected) return;
    try {
      const path = `/api/backgrounds/${encodeURIComponent(entry.name)}/thumbnail`;
      const url = URL.createObjectURL(await (await ask(path)).blob());
      thumbnails.set(key, url);
      put(url);
    } catch {
      face.textContent = "?"; // the name below it says which
    }
  });
}

async function upload(file) {
  const label = $("upload-label");
  if (folder && file.size > folder.upload_bytes) {
    say(`${file.name} is larger than ${folder.upload_bytes / 1e6} MB.`, true);
    return;
  }
  label.classList.add("off");
  say(`Sending ${file.name} …`);
  try {
    const path = `/api/backgrounds/${encodeURIComponent(file.name)}`;
    const options = { method: "PUT", headers: { "Content-Type": file.type }, body: file };
    const taken = await (await ask(path, options)).json();
    await loadBackgrounds();
    await change({ background: taken.name });
  } catch (error) {
    complain(error);
  } finally {
    label.classList.remove("off");
    $("upload").value = "";
  }
}

$("upload").addEventListener("change", () => {
  if ($("upload").files.length) upload($("upload").files[0]);
});

for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  $("chooser").addEventListener(kind, (event) => {
    event.preventDefault();
    $("chooser").classList.toggle("drop", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
  });
}

started.push(loadBackgrounds);
