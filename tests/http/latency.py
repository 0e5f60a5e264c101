"""From the camera to the eye, by WHEP in Chromium and by RTSP, by a clock in the picture.

    python -m tests.http.latency --seconds 30

Each picture of the source carries the time at which it was taken, as blocks of black and white
before a green wall; it goes through the keyer, the composite and the encoder. Chromium says when a
picture is going to be on the screen; RTSP is read by GStreamer without a buffer, up to the decoded
picture, without a screen. All on one machine and its clock, at the same time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from appliance.media.gst import Gst, frame_of
from appliance.sources.elements import chain, make
from appliance.sources.pattern import PatternSource
from appliance.system import log
from tests.http.serving import serving, wait_until

ROWS, COLUMNS, BLOCK = 4, 7, 64
BITS = 24
DARK, BRIGHT = 40, 220
VIEWER = Path(__file__).with_name("whep.js")
# What the viewer does with each picture, in place of what the tests look at.
_READ = """
whep.see = function () {
  const [width, height, block, rows, columns] = arguments.length ? arguments : %s;
  const canvas = new OffscreenCanvas(columns * block, rows * block);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  whep.times = [];
  const look = (now, data) => {
    context.drawImage(whep.video, (width - columns * block) / 2, (height - rows * block) / 2,
      columns * block, rows * block, 0, 0, columns * block, rows * block);
    const pixels = context.getImageData(0, 0, columns * block, rows * block).data;
    let bits = "";
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
      const at = ((row + 0.5) * block * columns * block + (column + 0.5) * block) * 4;
      bits += pixels[at + 1] > 128 ? 1 : 0;
    }
    whep.times.push([bits, performance.timeOrigin + data.expectedDisplayTime]);
    whep.video.requestVideoFrameCallback(look);
  };
  whep.video.requestVideoFrameCallback(look);
};
whep.listen = () => {};
"""


def bits_of(milliseconds: int) -> list[int]:
    """A time, with four bits by which a wrong reading is told."""
    value = milliseconds % (1 << BITS)
    bits = [value >> (BITS - 1 - k) & 1 for k in range(BITS)]
    check = sum(value >> (4 * k) & 15 for k in range(BITS // 4)) & 15
    return bits + [check >> (3 - k) & 1 for k in range(4)]


def delay(bits: list[int], seen_ms: float) -> float | None:
    """Milliseconds from the time in ``bits`` to ``seen_ms``; None where they were misread."""
    value = int("".join(map(str, bits[:BITS])), 2)
    if bits_of(value) != bits:
        return None
    return (seen_ms - value + (1 << (BITS - 1))) % (1 << BITS) - (1 << (BITS - 1))


class Clock:
    """In place of the test picture: a live source of pictures that say when they were taken."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def head(self, source: PatternSource, pipeline: Any) -> None:
        """As ``PatternSource.head``."""
        assert isinstance(source.settings.size, tuple)
        assert isinstance(source.settings.fps, tuple)
        width, height = source.settings.size
        numerator, denominator = source.settings.fps
        caps = Gst.Caps.from_string(
            f"video/x-raw,format=NV12,width={width},height={height},"
            f"framerate={numerator}/{denominator}"
        )
        camera = make("appsrc", caps=caps, format=Gst.Format.TIME, is_live=True, do_timestamp=True)
        chain(pipeline, [camera, source.decoder])
        period = denominator / numerator
        threading.Thread(
            target=self._run, args=(camera, width, height, period), daemon=True
        ).start()

    def _run(self, camera: Any, width: int, height: int, period: float) -> None:
        wall = np.full((height * 3 // 2, width), 150, np.uint8)
        wall[height:, 0::2], wall[height:, 1::2] = 60, 60
        left, top = (width - COLUMNS * BLOCK) // 2, (height - ROWS * BLOCK) // 2
        below = height + top // 2
        panel = slice(left, left + COLUMNS * BLOCK)
        wall[below : below + ROWS * BLOCK // 2, panel] = 128
        while not self.stop.wait(period - time.monotonic() % period):
            bits = np.array(bits_of(time.time_ns() // 1_000_000)).reshape(ROWS, COLUMNS)
            picture = np.where(bits, BRIGHT, DARK).astype(np.uint8)
            wall[top : top + ROWS * BLOCK, panel] = picture.repeat(BLOCK, 0).repeat(BLOCK, 1)
            camera.push_buffer(Gst.Buffer.new_wrapped(wall.tobytes()))


def read_rtsp(uri: str, protocol: str, into: list[float | None]) -> Any:
    """A pipeline that notes the delay of each picture it decodes."""
    pipeline = Gst.parse_launch(
        f"rtspsrc location={uri} latency=0 protocols={protocol} ! rtph264depay ! h264parse ! "
        "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=NV12 ! "
        "appsink name=out sync=false emit-signals=true"
    )

    def on_sample(sink: Any) -> Any:
        frame = frame_of(sink.emit("pull-sample"))
        now = time.time_ns() / 1e6
        top = (frame.height - ROWS * BLOCK) // 2 + BLOCK // 2
        left = (frame.width - COLUMNS * BLOCK) // 2 + BLOCK // 2
        light = frame.y[top : top + ROWS * BLOCK : BLOCK, left : left + COLUMNS * BLOCK : BLOCK]
        into.append(delay((light > 128).astype(int).ravel().tolist(), now))
        return Gst.FlowReturn.OK

    pipeline.get_by_name("out").connect("new-sample", on_sample)
    pipeline.set_state(Gst.State.PLAYING)
    return pipeline


def told(name: str, found: list[float | None]) -> str:
    """Median and p95 in words."""
    good = np.array([one for one in found if one is not None])
    if not len(good):
        return f"{name}: nothing was read in {len(found)} pictures"
    median, high = np.percentile(good, (50, 95))
    return (
        f"{name}: median {median:.0f} ms, p95 {high:.0f} ms of {len(good)} pictures "
        f"({len(found) - len(good)} not read)"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--mute", action="store_true", help="the browser asks for no sound")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    log.configure("warning", "plain")
    clock = Clock()
    data = {
        "source": {"uri": "test://smpte", "size": options.size, "fps": options.fps},
        "matting": {"model": "chroma"},
        "background": {"uri": "colour:#303030"},
        "outputs": [{"uri": "rtsp://127.0.0.1:0/live"}],
        "http": {"port": 0},
    }
    chrome = Options()
    chrome.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--autoplay-policy=no-user-gesture-required"):  # fmt: skip
        chrome.add_argument(argument)
    by_rtsp: dict[str, list[float | None]] = {"tcp": [], "udp": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(PatternSource, "head", lambda source, line: clock.head(source, line)),
        serving(Path(folder), data) as served,
    ):
        browser = webdriver.Chrome(
            options=chrome, service=Service(shutil.which("chromedriver"), env=dict(os.environ))
        )
        try:
            browser.get(f"{served.server.url}/page/page.css")
            browser.execute_script(VIEWER.read_text())
            browser.execute_script(_READ % [width, height, BLOCK, ROWS, COLUMNS])
            asked = "whep.watch('', arguments[0]).then(arguments[1])"
            browser.execute_async_script(asked, not options.mute)
            uri = served.daemon.addresses()[0]
            readers = [read_rtsp(uri, protocol, into) for protocol, into in by_rtsp.items()]
            wait_until(lambda: all(len(into) > 2 for into in by_rtsp.values()), 30)
            # Chromium's buffer finds its length in the first seconds.
            time.sleep(5)
            begun = {protocol: len(into) for protocol, into in by_rtsp.items()}
            browser.execute_script("whep.times = []")
            time.sleep(options.seconds)
            seen = browser.execute_script("return whep.times")
            off = browser.execute_script(
                "return performance.timeOrigin + performance.now() - Date.now()"
            )
            for reader in readers:
                reader.set_state(Gst.State.NULL)
        finally:
            browser.quit()
            clock.stop.set()
    by_whep = [delay([int(bit) for bit in bits], at - off) for bits, at in seen]
    print(f"{options.size} at {options.fps} fps, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    print(told("WHEP, Chromium, on the screen", by_whep))
    for protocol, into in by_rtsp.items():
        print(told(f"RTSP over {protocol.upper()}, GStreamer, decoded", into[begun[protocol] :]))


if __name__ == "__main__":
    main()
