// The picture's settings: the person's edge, blur, fit, who is shown; back to the file; a snapshot.
"use strict";

async function change(what) {
  try {
    const answer = await askWith("PATCH", "/api/picture", { ...what, keep: kept() });
    const done = await answer.json();
    showPicture(done.picture, true);
    say(done.note || keptWords());
  } catch (error) {
    complain(error);
    if (last) showPicture(last.picture, true);
  }
}

let held = null; // a slider being dragged, which must not move under the finger

function showPicture(picture, now = false) {
  for (const [id, [key, words]] of Object.entries(SLIDERS)) {
    if (held !== id || now) {
      $(id).value = picture[key];
      showValue(id, words(picture[key]));
    }
  }
  for (const radio of document.querySelectorAll("#fit input")) {
    radio.checked = radio.value === picture.fit;
  }
  for (const radio of document.querySelectorAll("#people-kept input")) {
    radio.checked = radio.value === picture.people;
  }
  setText("people-hint", PEOPLE[picture.people]);
  const blurred = picture.background === "blur://";
  $("blur").disabled = !blurred;
  $("blur").parentElement.hidden = !blurred;
  showChosen(picture.background);
}

function showValue(id, words) {
  setText(`${id}-value`, words);
  $(id).setAttribute("aria-valuetext", words);
}

const PEOPLE = {
  "taking-part": "Whoever is whole, near, and there for half a second, until they leave. Passers-by and "
    + "half a head at the edge are left out.",
  all: "Everyone whom the camera sees, half a passer-by at the edge too.",
  largest: "One person at a time: the largest. Hands that are apart from the body go, too.",
};

const percent = (value) => `${(value * 100).toFixed(1)} %`;
const pixels = (value) => `${value} px`;
const choked = (value) => (value === 0 ? "0 px" : `${value > 0 ? "shrunk" : "grown"} ${Math.abs(value)} px`);

// What each slider changes, and how its value is put into words.
const SLIDERS = {
  softness: ["edge_softness", pixels],
  choke: ["edge_choke", choked],
  blur: ["blur_radius", percent],
};

for (const [id, [key, words]] of Object.entries(SLIDERS)) {
  $(id).addEventListener("input", () => {
    held = id;
    showValue(id, words(Number($(id).value)));
  });
  $(id).addEventListener("change", async () => {
    await change({ [key]: Number($(id).value) });
    held = null;
  });
}

for (const radio of document.querySelectorAll("#fit input")) {
  radio.addEventListener("change", () => change({ fit: radio.value }));
}

for (const radio of document.querySelectorAll("#people-kept input")) {
  radio.addEventListener("change", () => change({ people: radio.value }));
}

$("reset").addEventListener("click", async () => {
  try {
    const done = await (await askWith("POST", "/api/reset", {})).json();
    showPicture(done.picture, true);
    say(done.changed.length ? "Back to what the file says." : "As the file says; the matte starts over.");
    loadSections();
    loadSources();
    loadWays();
  } catch (error) {
    complain(error);
  }
});

$("snapshot").addEventListener("click", async () => {
  try {
    const picture = await (await ask("/api/snapshot?format=png")).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = `mattebox-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    complain(error);
  }
});
