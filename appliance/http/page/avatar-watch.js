// The avatar's picture and sound, by WHEP, and what it is saying now.
"use strict";

const AGAIN_MS = 3000;
let watching = null;
let watchTimer = 0;
let watchCount = 0; // so that what was begun for another session ends

async function watch(session) {
  const mine = ++watchCount;
  clearTimeout(watchTimer);
  if (watching) watching.stop();
  watching = null;
  if (!session) return;
  if (!window.RTCPeerConnection) return noPicture("This browser has no WebRTC.");
  const loud = $("sound").getAttribute("aria-pressed") === "true";
  $("live").muted = !loud;
  const again = (why) => {
    if (mine !== watchCount) return;
    noPicture(`No picture: ${why || "it has stopped"}. Trying again.`);
    watchTimer = setTimeout(() => watch(session), AGAIN_MS);
  };
  const whep = new Whep($("live"), again, session.whep);
  try {
    await whep.start(loud);
  } catch (error) {
    return again(error.message);
  }
  if (mine !== watchCount) return whep.stop();
  watching = whep;
  return noPicture("");
}

function noPicture(words) {
  setText("no-picture", words);
  $("no-picture").hidden = !words;
}

$("sound").addEventListener("click", () => {
  const loud = $("sound").getAttribute("aria-pressed") !== "true";
  $("sound").setAttribute("aria-pressed", loud);
  setText("sound", loud ? "Sound off" : "Sound on");
  watch(current);
});
window.addEventListener("pagehide", () => watching && watching.stop());
