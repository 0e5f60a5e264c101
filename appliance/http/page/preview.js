// The preview: by WHEP with sound where there is it, else one JPEG after another; the matte beneath
// a slider. It stops while nobody can see the page.
"use strict";

const MOST_PART = 4_000_000;
const AGAIN_MS = 2000;
const WHEP_AGAIN_MS = 30_000;
let previewing = null; // the stream's AbortController
let whep = null; // the session that is shown
let joining = false; // whether one is being begun
let whepNext = 0; // when it may be tried next

const seen = () => !document.hidden || document.pictureInPictureElement;
const whole = () => Number($("split").value) >= 1;
const counted = () => (document.body.dataset.frames = Number(document.body.dataset.frames || 0) + 1);

// What is shown now, for whoever draws on it.
const shownPicture = () => (whep ? $("live") : $("composite"));

// --- by WHEP ----------------------------------------------------------------------------------

async function watchLive() {
  if (whep || joining || !seen() || performance.now() < whepNext) return;
  joining = true;
  whepNext = performance.now() + WHEP_AGAIN_MS;
  try {
    if (!(await hasWhep())) return;
    const session = new Whep($("live"), () => showLive(null));
    await session.start(!$("live").muted);
    if (seen()) showLive(session);
    else session.stop();
  } catch (error) {
    // The pictures go on; that it is tried again needs no words.
    console.info(`no WHEP: ${error.message}`);
  } finally {
    joining = false;
  }
}

function showLive(session) {
  whep = session;
  $("live").hidden = !session;
  $("mute").hidden = !session;
  $("frame").dataset.by = session ? "whep" : "jpeg";
  if (session) countLive();
  // Both pictures, or only the matte, or none.
  if (previewing) previewing.abort();
}

function countLive() {
  if (!whep) return;
  counted();
  $("live").requestVideoFrameCallback(countLive);
}

// The sound comes by a session of its own, which takes over from the one without.
$("mute").addEventListener("click", async () => {
  const muted = !$("live").muted;
  $("live").muted = muted;
  $("mute").setAttribute("aria-pressed", muted);
  const before = whep;
  if (!before || joining) return;
  joining = true;
  const session = new Whep($("live"), () => showLive(null));
  try {
    await session.start(!muted);
    before.ended = null;
    before.stop();
    if (seen()) showLive(session);
    else session.stop();
  } catch (error) {
    $("live").srcObject = before.stream;
    say(`The preview cannot be joined again: ${error.message}`, true);
  } finally {
    joining = false;
  }
});

// --- by JPEGs ---------------------------------------------------------------------------------

// One stream carries both pictures side by side, so that they match. It is read here rather than by
// an <img>, which could send no token.
async function watch() {
  watchLive();
  if (previewing || !seen() || (whep && whole())) return;
  previewing = new AbortController();
  const show = whep ? "matte" : "both";
  try {
    const answer = await ask(`/api/preview?show=${show}`, { signal: previewing.signal });
    $("no-preview").hidden = true;
    await readParts(answer.body.getReader(), (jpeg) => draw(jpeg, show));
  } catch (error) {
    if (error instanceof Refused && error.status !== 401) {
      setText("no-preview", `No preview: ${error.message}`);
      $("no-preview").hidden = false;
    }
  }
  previewing = null;
}

async function readParts(reader, take) {
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = joined;
    for (let part = cut(rest); part; part = cut(rest)) {
      rest = rest.slice(part.end);
      await take(part.picture);
    }
    if (rest.length > MOST_PART) throw new Error("a part of the preview is too large");
  }
}

function cut(bytes) {
  // The header is short ASCII, ended by an empty line.
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 300));
  const length = /Content-Length: (\d+)\r\n/i.exec(head);
  const start = head.indexOf("\r\n\r\n") + 4;
  if (!length || start < 4) return null;
  const end = start + Number(length[1]);
  if (bytes.length < end + 2) return null;
  return { picture: bytes.slice(start, end), end: end + 2 };
}

async function draw(jpeg, show) {
  const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const both = show === "both";
  const width = both ? bitmap.width / 2 : bitmap.width;
  const parts = both ? [["composite", 0], ["matte", width]] : [["matte", 0]];
  for (const [id, x] of parts) {
    const canvas = $(id);
    if (canvas.width !== width || canvas.height !== bitmap.height) {
      canvas.width = width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, x, 0, width, bitmap.height, 0, 0, width, bitmap.height);
  }
  bitmap.close();
  if (both) counted();
}

// --- the slider, full screen, picture in picture -----------------------------------------------

function showSplit() {
  const value = Number($("split").value);
  $("frame").style.setProperty("--split", value);
  $("frame").classList.toggle("whole", whole());
  $("split").setAttribute("aria-valuetext", `${Math.round(100 * value)} % picture, the rest matte`);
  if (whep && whole() && previewing) previewing.abort();
  watch();
}

$("split").addEventListener("input", showSplit);

$("full").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("frame").requestFullscreen().catch((error) => say(`No full screen: ${error.message}`, true));
});

$("pip").hidden = !document.pictureInPictureEnabled;
$("pip").addEventListener("click", async () => {
  const video = $("live");
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  try {
    if (!whep) {
      // Only a video can be taken out of the page: one of the pictures drawn.
      video.srcObject = $("composite").captureStream();
      await video.play();
    }
    await video.requestPictureInPicture();
  } catch (error) {
    say(`No picture in picture: ${error.message}`, true);
  }
  return undefined;
});

$("live").addEventListener("leavepictureinpicture", () => {
  if (!whep) $("live").srcObject = null;
  seenOrNot();
});

// --- while somebody sees it --------------------------------------------------------------------

function seenOrNot() {
  if (!seen()) {
    previewing?.abort();
    whep?.stop();
    whepNext = 0;
  } else {
    refresh();
    watch();
  }
}

document.addEventListener("visibilitychange", seenOrNot);
window.addEventListener("pagehide", () => whep?.stop());
setInterval(watch, AGAIN_MS);
started.push(() => {
  whepNext = 0;
  watch();
});
showSplit();
