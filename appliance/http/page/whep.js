// A client of WHEP (RFC draft-ietf-wish-whep): video and sound of the appliance by WebRTC.
"use strict";

const WHEP_PATH = "/whep";
const WHEP_GATHER_MS = 1000;
const WHEP_FIRST_MS = 8000;

class Whep {
  // Shows in `video`; `ended(why)` is called once, when it stops by itself. `path`: of a session.
  constructor(video, ended, path = WHEP_PATH) {
    this.video = video;
    this.path = path;
    this.ended = ended;
    this.place = null; // of the session, to be deleted in the end
    this.peer = null;
  }

  // Resolves with the first picture; rejects when there is none within a few seconds. Without
  // `sound` the picture is earlier by a third of a second: browsers hold it back for the sound.
  async start(sound) {
    const peer = new RTCPeerConnection();
    this.peer = peer;
    this.stream = new MediaStream();
    for (const kind of sound ? ["video", "audio"] : ["video"]) {
      const { receiver } = peer.addTransceiver(kind, { direction: "recvonly" });
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    }
    peer.addEventListener("track", (event) => this.stream.addTrack(event.track));
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "closed", "disconnected"].includes(peer.connectionState)) {
        this.stop(`the connection ${peer.connectionState}`);
      }
    });
    try {
      const offer = await peer.createOffer();
      // Chromium plays Opus in mono unless asked.
      offer.sdp = offer.sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1");
      await peer.setLocalDescription(offer);
      await gathered(peer);
      const answer = await ask(this.path, {
        method: "POST",
        headers: { "Content-Type": "application/sdp", Accept: "application/sdp" },
        body: peer.localDescription.sdp,
        signal: AbortSignal.timeout(WHEP_FIRST_MS),
      });
      const place = answer.headers.get("Location");
      this.place = place && new URL(place, new URL(this.path, location.href)).pathname;
      await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      this.video.srcObject = this.stream;
      await firstPicture(this.video);
    } catch (error) {
      this.ended = null;
      this.stop();
      throw error;
    }
  }

  stop(why = "") {
    const { peer, place, ended } = this;
    this.peer = this.place = this.ended = null;
    if (!peer) return;
    peer.close();
    // Another may be shown in it already.
    if (this.video.srcObject === this.stream) this.video.srcObject = null;
    // Also when the page is being left.
    if (place) ask(place, { method: "DELETE", keepalive: true }).catch(() => {});
    if (ended) ended(why);
  }
}

// The offer must hold its candidates: they are not sent one by one.
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, WHEP_GATHER_MS);
  });
}

function firstPicture(video) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no picture came by WebRTC")), WHEP_FIRST_MS);
    video.requestVideoFrameCallback(() => {
      clearTimeout(late);
      resolve();
    });
    video.play().catch(reject);
  });
}

// Whether the appliance has it; asked of its own description, as an answer 404 would be an error.
let whepOffered = null;
async function hasWhep() {
  if (!window.RTCPeerConnection || !HTMLVideoElement.prototype.requestVideoFrameCallback) return false;
  // For whom WebRTC is too slow to come, or a test: localStorage.setItem("mattebox-preview", "jpeg").
  if (localStorage.getItem("mattebox-preview") === "jpeg") return false;
  if (whepOffered === null) whepOffered = WHEP_PATH in (await askJson("/openapi.json")).paths;
  return whepOffered;
}
