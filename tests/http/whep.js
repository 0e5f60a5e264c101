// A viewer by WHEP, for the tests: what any page may do, and a look at what comes.
window.whep = {
  /** Watch /whep in a video element; resolves once pictures come. */
  async watch(token, sound = true) {
    const peer = new RTCPeerConnection();
    const stream = new MediaStream();
    peer.ontrack = (event) => {
      if ("jitterBufferTarget" in event.receiver) event.receiver.jitterBufferTarget = 0;
      stream.addTrack(event.track);
    };
    for (const kind of sound ? ["video", "audio"] : ["video"]) peer.addTransceiver(kind, { direction: "recvonly" });
    const offer = await peer.createOffer();
    offer.sdp = offer.sdp.replace(/(a=fmtp:111 [^\r]*)/, "$1;stereo=1");
    await peer.setLocalDescription(offer);
    const headers = { "Content-Type": "application/sdp" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch("/whep", { method: "POST", headers, body: peer.localDescription.sdp });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    const video = document.createElement("video");
    video.autoplay = true;
    video.srcObject = stream;
    document.body.replaceChildren(video);
    Object.assign(this, { peer, stream, video, headers, place: response.headers.get("Location") });
    this.see();
    this.listen();
    await new Promise((done) => { video.onplaying = done; });
  },

  /** Note each picture: when it is shown, and the light in its middle and in a corner. */
  see() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    this.pictures = [];
    const look = (now, data) => {
      canvas.width = data.width;
      canvas.height = data.height;
      context.drawImage(this.video, 0, 0);
      const at = (x, y) => [...context.getImageData(x * data.width, y * data.height, 1, 1).data];
      this.pictures.push({
        shown: data.expectedDisplayTime, now, media: data.mediaTime, rtp: data.rtpTimestamp,
        captured: data.captureTime, middle: at(0.5, 0.5), corner: at(0.02, 0.02),
      });
      this.video.requestVideoFrameCallback(look);
    };
    this.video.requestVideoFrameCallback(look);
  },

  /** Note when each tone begins, on the same clock; and how loud it is. */
  async listen() {
    const context = new AudioContext({ latencyHint: 0, sampleRate: 48000 });
    const code = `registerProcessor("ear", class extends AudioWorkletProcessor {
      process([[left]]) {
        if (left) this.port.postMessage([currentTime, left.findIndex((v) => Math.abs(v) > 0.2),
          Math.max(...left.map(Math.abs))]);
        return true;
      } });`;
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const ear = new AudioWorkletNode(context, "ear");
    context.createMediaStreamSource(this.stream).connect(ear).connect(context.destination);
    this.tones = [];
    this.loudest = 0;
    let last = -1;
    ear.port.onmessage = ({ data: [time, at, level] }) => {
      this.loudest = Math.max(this.loudest, level);
      if (at < 0) return;
      const begins = time + at / 48000;
      if (begins - last > 0.3) {
        const { contextTime, performanceTime } = context.getOutputTimestamp();
        this.tones.push(performanceTime + 1000 * (begins - contextTime));
      }
      last = begins;
    };
  },

  async leave() {
    await fetch(this.place, { method: "DELETE", headers: this.headers });
    this.peer.close();
  },
};
