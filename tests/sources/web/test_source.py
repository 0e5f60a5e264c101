"""What a server sends is found out and played: Motion JPEG, HLS, files, pictures."""

from __future__ import annotations

import io
import itertools
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, SourceError
from appliance.media.audio import AudioBlock
from appliance.media.frame import Colour, Format, Frame, Matrix
from appliance.media.mailbox import Mailbox
from appliance.sources.audio import Heard
from appliance.sources.base import HasSound, Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source
from appliance.sources.web import picture
from tests.conftest import ClipFactory
from tests.sources.pictures import read_some, rgb, source_for
from tests.sources.senders import until
from tests.sources.test_formats import ffmpeg
from tests.sources.web.server import Request, WebServer, web_server

TONE = ("-f", "lavfi", "-i", "sine=440", "-c:a", "aac", "-t", "3")


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, clip: ClipFactory) -> Path:
    """A folder with a clip of 3 s and its sound, as MP4 (index last), and HLS of TS and of MP4."""
    folder = tmp_path_factory.mktemp("web")
    picture = clip(160, 120, frames=90, source="smptebars", suffix=".mp4")

    whole = ("-i", picture, *TONE, "-c:v", "copy")
    hls = ("-f", "hls", "-hls_time", "1", "-hls_list_size", "0")
    ffmpeg(*whole, folder / "end.mp4")
    ffmpeg(*whole, *hls, folder / "ts.m3u8")
    ffmpeg(*whole, *hls, "-hls_segment_type", "fmp4", folder / "fmp4.m3u8")
    return folder


def jpeg(grey: int, size: tuple[int, int] = (160, 120), kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(file, kind)
    return file.getvalue()


def grey_of(frame: Frame) -> float:
    return float(rgb(frame)[40:80, 60:100].mean())


def is_bars(frame: Frame) -> None:
    assert rgb(frame)[20:60, 28:40].mean((0, 1)) == pytest.approx([180, 180, 16], abs=16)


def fails(uri: str, **settings: object) -> str:
    source = source_for(uri, timeout_s=1, **settings)
    with pytest.raises(SourceError) as caught:
        source.open(None)
    source.close()
    return str(caught.value)


def read_all(source: Source) -> tuple[list[Frame], list[AudioBlock]]:
    """All there is of what does not loop."""
    frames, sound = [], []
    assert isinstance(source, HasSound)
    try:
        source.open(None)
        while True:
            frames += read_some(source, 1)
            sound += source.sounds()
    except EndOfStream:
        return frames, sound + source.sounds()
    finally:
        source.close()


# Motion JPEG.


def camera(*, length: bool, boundary: str = "frame", shown: str = "") -> Callable[[Request], None]:
    """Sends pictures, grey 40 and 200 by turns, until nobody reads."""

    def answer(request: Request) -> None:
        request.begin(f"multipart/x-mixed-replace; boundary={shown or boundary}")
        for count in itertools.count():
            body = jpeg(40 if count % 2 else 200)
            head = "Content-Type: image/jpeg\r\n"
            if length:
                head += f"Content-Length: {len(body)}\r\n"
            request.wfile.write(f"--{boundary}\r\n{head}\r\n".encode() + body + b"\r\n")

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        camera(length=True),
        camera(length=False),
        camera(length=True, boundary="x", shown='"--x"'),
    ],
    ids=["with lengths", "without", "dashes in the name"],
)
def test_motion_jpeg(server: WebServer, answer: Callable[[Request], None]) -> None:
    server.paths["/video"] = answer
    source = source_for(f"{server.url}/video")
    try:
        format = source.open(None)
        assert (format.width, format.height) == (160, 120)
        assert not source.paced
        frames = read_some(source, 12)
    finally:
        source.close()
    assert {round(grey_of(frame) / 10) for frame in frames} == {4, 20}
    assert all(b.pts > a.pts for a, b in pairwise(frames))


def test_a_camera_that_goes_and_comes_back(server: WebServer) -> None:
    there = threading.Event()
    there.set()

    def answer(request: Request) -> None:
        if not there.is_set():
            request.send(b"", "text/plain", 503)
            return
        request.begin("multipart/mixed;boundary=b")
        while there.is_set():
            body = jpeg(90)
            head = f"--b\r\nContent-Length: {len(body)}\r\n\r\n"
            request.wfile.write(head.encode() + body)

    server.paths["/"] = answer
    settings = SourceSettings(
        uri=server.url, timeout_s=1, retry_first_s=0.1, retry_most_s=0.1
    )  # fmt: skip
    feeder = SourceFeeder(make_source(settings), settings, mailbox=Mailbox())
    try:
        feeder.start()
        until(lambda: feeder.frames > 3)
        there.clear()
        until(lambda: "503" in feeder.state.reason)
        before = feeder.frames
        there.set()
        until(lambda: feeder.frames > before + 3)
    finally:
        assert feeder.stop()


def test_bad_motion_jpeg(server: WebServer) -> None:
    def sends(kind: str, *pieces: bytes) -> Callable[[Request], None]:
        def answer(request: Request) -> None:
            request.begin(kind)
            for piece in pieces:
                request.wfile.write(piece)

        return answer

    mixed = "multipart/x-mixed-replace; boundary=b"
    server.paths["/none"] = sends("multipart/x-mixed-replace")
    server.paths["/giant"] = sends(mixed, b"--b\r\nContent-Length: 99999999999\r\n\r\n")
    server.paths["/head"] = sends(mixed, b"--b\r\n", *[b"X: y\r\n" * 1000] * 10)
    server.paths["/over"] = sends(mixed, b"--b\r\n\r\nno picture")
    huge = jpeg(9, (9000, 40))
    server.paths["/huge"] = sends(mixed, *[b"--b\r\n\r\n" + huge + b"\r\n"] * 3)
    assert "names no boundary" in fails(f"{server.url}/none")
    assert "at most 33554432 are taken" in fails(f"{server.url}/giant")
    assert "larger than 16384 bytes" in fails(f"{server.url}/head")
    assert "the server ended the stream" in fails(f"{server.url}/over")
    assert "9000x40 pixels" in fails(f"{server.url}/huge")


# Files and HLS.


@pytest.mark.parametrize("path", ["end.mp4", "ts.m3u8", "fmp4.m3u8"])
def test_what_has_an_end_is_played_to_it_with_its_sound(
    server: WebServer, clips: Path, path: str
) -> None:
    server.folder = clips
    source = source_for(f"{server.url}/{path}", loop=False)
    frames, sound = read_all(source)
    assert len(frames) == 90
    is_bars(frames[-1])
    assert sum(len(block.samples) for block in sound) / 48000 == pytest.approx(3, abs=0.35)
    assert max(abs(block.samples).max() for block in sound) > 1000
    assert source.paced


@pytest.mark.parametrize("path", ["end.mp4", "ts.m3u8", "fmp4.m3u8", None])
def test_sound_that_is_decoded_late_is_there_at_the_end(
    server: WebServer, clips: Path, path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.folder = clips
    add = Heard.add

    def late(self: Heard, block: AudioBlock) -> None:
        time.sleep(0.006)
        add(self, block)

    monkeypatch.setattr(Heard, "add", late)
    monkeypatch.setattr("appliance.sources.gstreamer._SOUND_S", 0.0)
    uri = f"{server.url}/{path}" if path else str(clips / "end.mp4")
    frames, sound = read_all(source_for(uri, loop=False))
    assert len(frames) == 90
    assert sum(len(block.samples) for block in sound) / 48000 == pytest.approx(3, abs=0.35)


@pytest.mark.parametrize("path", ["end.mp4", "ts.m3u8"])
def test_it_begins_again_at_its_end(server: WebServer, clips: Path, path: str) -> None:
    server.folder = clips
    source = source_for(f"{server.url}/{path}", loop=True)
    try:
        source.open(None)
        frames = read_some(source, 100)
    finally:
        source.close()
    assert [index for index, frame in enumerate(frames) if frame.discontinuity] == [0, 90]
    assert [frame.serial for frame in frames] == list(range(100))


def test_a_file_from_a_server_that_sends_it_only_whole(
    server: WebServer, clip: ClipFactory
) -> None:
    data = clip(160, 120, source="smptebars", suffix=".mkv").read_bytes()
    server.paths["/clip"] = lambda r: r.send(data, "video/x-matroska")
    frames, _ = read_all(source_for(f"{server.url}/clip", loop=False))
    assert len(frames) == 30


def test_a_file_that_breaks_off_is_gone_on_with(server: WebServer, clips: Path) -> None:
    whole = (clips / "end.mp4").read_bytes()

    def half(request: Request) -> None:
        if "Range" in request.headers:
            request.file(clips / "end.mp4")
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(whole)))
        request.send_header("Accept-Ranges", "bytes")
        request.end_headers()
        request.wfile.write(whole[: len(whole) // 3])
        request.close_connection = True

    server.paths["/clip.mp4"] = half
    frames, _ = read_all(source_for(f"{server.url}/clip.mp4", loop=False))
    assert len(frames) == 90


def test_a_stream_without_end_is_live(server: WebServer, clip: ClipFactory) -> None:
    data = clip(160, 120, frames=60, source="smptebars", suffix=".ts").read_bytes()

    def endless(request: Request) -> None:
        request.begin("application/octet-stream")
        request.wfile.write(data)

    server.paths["/live"] = endless
    source = source_for(f"{server.url}/live")
    try:
        source.open(None)
        assert not source.paced
        with pytest.raises(SourceError, match="ended the stream"):
            read_some(source, 1000)
    finally:
        source.close()


class LiveHls:
    """A live playlist over the segments of a clip, again and again, each by the tests' word."""

    def __init__(self, server: WebServer, segment: bytes) -> None:
        self.first, self.count, self.breaks = 0, 3, {0}
        self.server = server
        server.paths["/live.m3u8"] = self.playlist
        for number in range(50):
            server.paths[f"/{number}.ts"] = lambda r: r.send(segment, "video/mp2t")

    def playlist(self, request: Request) -> None:
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{self.first}"]
        for number in range(self.first, self.first + self.count):
            lines += ["#EXT-X-DISCONTINUITY"] * (number in self.breaks)
            lines += ["#EXTINF:1.0,", f"{number}.ts"]
        request.send("\n".join(lines).encode(), "application/vnd.apple.mpegurl")

    def asked(self) -> list[str]:
        return [path for path, _ in self.server.asked if path.endswith(".ts")]


def test_live_hls_begins_near_its_end_and_goes_on(server: WebServer, clip: ClipFactory) -> None:
    segment = clip(160, 120, source="smptebars", suffix=".ts").read_bytes()
    live = LiveHls(server, segment)
    # Each is a whole stream of its own, whose times begin anew.
    live.count, live.breaks = 10, set(range(50))
    source = source_for(f"{server.url}/live.m3u8", loop=False)
    try:
        source.open(None)
        # The last few of a segment come with the next one.
        frames = read_some(source, 80)
        assert live.asked()[:3] == ["/7.ts", "/8.ts", "/9.ts"]
        live.first = 2
        frames += read_some(source, 60)
        assert live.asked() == [f"/{number}.ts" for number in range(7, 12)]
        # So far ahead that there is a hole.
        live.first = 30
        frames += read_some(source, 30)
        assert live.asked()[5] == "/37.ts"
    finally:
        source.close()
    assert [frame.serial for frame in frames] == list(range(170))
    assert [i for i, f in enumerate(frames) if f.discontinuity] == [0, 30, 60, 90, 120, 150]


def test_live_hls_whose_segment_is_gone(server: WebServer, clip: ClipFactory) -> None:
    segment = clip(160, 120, source="smptebars", suffix=".ts").read_bytes()
    live = LiveHls(server, segment)
    live.breaks = set(range(50))
    del server.paths["/1.ts"]
    source = source_for(f"{server.url}/live.m3u8", loop=False)
    try:
        source.open(None)
        assert len(read_some(source, 50)) == 50
    finally:
        source.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "only http and https are followed"),
        ("#EXTM3U\n#EXTINF:1,\nrtsp://127.0.0.1/\n", "only http and https are followed"),
        (
            '#EXTM3U\n#EXT-X-MAP:URI="file:///etc/passwd"\n#EXTINF:1,\nx.ts\n',
            "only http and https are followed",
        ),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd\n", "only http and https"),
        ('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\nx.ts\n', "encrypted"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/\n", "names a third"),
        ('#EXTM3U\n#EXT-X-STREAM-INF:CODECS="mp4a.40.2"\nx.m3u8\n', "only sound"),
        ("#EXTM3U\n#EXTINF:1,\nmissing.ts\n#EXT-X-ENDLIST\n", "404"),
        ("#EXTM3U\n#EXTINF:1,\n/junk\n#EXT-X-ENDLIST\n", "cannot be played|no video|picture"),
        ("#EXTM3U\n#EXT-X-ENDLIST\n", "has no segments"),
    ],
)  # fmt: skip
def test_playlists_that_are_not_played(server: WebServer, text: str, words: str) -> None:
    server.paths["/"] = lambda r: r.send(text.encode(), "text/plain")
    server.paths["/junk"] = lambda r: r.send(bytes(range(256)) * 100, "video/mp2t")
    assert re.search(words, found := fails(server.url)), found
    assert "root:" not in found


def test_a_quality_that_fits_is_chosen(server: WebServer, clips: Path) -> None:
    server.folder = clips
    lines = ["#EXTM3U"]
    for height, name in ((2160, "4k"), (120, "ts"), (60, "small")):
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={height},RESOLUTION=160x{height}", f"{name}.m3u8"]
    server.paths["/"] = lambda r: r.send("\n".join(lines).encode(), "audio/mpegurl")
    source = source_for(server.url)
    try:
        source.open(Format(640, 480, (30, 1), Colour(Matrix.BT601)))
        assert read_some(source, 1)[0].y.shape == (480, 640)
    finally:
        source.close()
    assert "/ts.m3u8" in [path for path, _ in server.asked]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flash and a beep each second, in playlists of their own, the pictures' a segment later."""
    folder = tmp_path_factory.mktemp("apart")
    flash = "color=black:size=64x48:rate=30,drawbox=c=white:t=fill:enable='lt(mod(t+.001,1),.1)'"
    for kind in ("mpegts", "fmp4"):
        ffmpeg(
            "-f", "lavfi", "-i", flash, "-f", "lavfi", "-i",
            "aevalsrc='if(lt(mod(t,1),0.1),sin(2*PI*1000*t)*0.5,0)':s=48000", "-t", "4",
            "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-g", "15", "-bf", "2",
            "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "hls", "-hls_time", "1",
            "-hls_list_size", "0", "-hls_segment_type", kind,
            "-hls_fmp4_init_filename", f"{kind}_init_%v.mp4",
            "-var_stream_map", "v:0,agroup:s a:0,agroup:s,default:yes",
            "-master_pl_name", f"{kind}.m3u8", folder / f"{kind}_%v.m3u8",
        )  # fmt: skip
        pictures = folder / f"{kind}_0.m3u8"
        head, _first, *rest = pictures.read_text().split("#EXTINF")
        head = head.replace("SEQUENCE:0", "SEQUENCE:1")
        pictures.write_text("#EXTINF".join([head, *rest]))
    return folder


@pytest.mark.parametrize("kind", ["mpegts", "fmp4"])
def test_sound_in_a_playlist_of_its_own_is_in_time(
    server: WebServer, apart: Path, kind: str
) -> None:
    server.folder = apart
    frames, sound = read_all(source_for(f"{server.url}/{kind}.m3u8", loop=False))
    flashes = [b.pts for a, b in pairwise(frames) if b.y.mean() > 120 > a.y.mean()]
    line = np.concatenate([block.samples[:, 0] for block in sound]).astype(int)
    loud = np.flatnonzero(abs(line) > 2000)
    beeps = [sound[0].pts + int(at) * 1_000_000_000 // 48_000 for at in loud]
    assert len(flashes) >= 2
    for flash in flashes:
        assert min(abs(beep - flash) for beep in beeps) < 25_000_000
        begins = [beep for beep in beeps if abs(beep - flash) < 300_000_000]
        assert abs(begins[0] - flash) < 25_000_000


def test_sound_of_its_own_that_is_not_there(server: WebServer, apart: Path) -> None:
    server.folder = apart
    text = (apart / "mpegts.m3u8").read_text().replace("mpegts_1.m3u8", "file:///etc/passwd")
    server.paths["/"] = lambda r: r.send(text.encode(), "audio/mpegurl")
    with capture_logs() as logs:
        frames, sound = read_all(source_for(server.url, loop=False))
    assert len(frames) == 90
    assert sound == []
    assert any("only http and https" in entry.get("why", "") for entry in logs)


# Pictures.


def test_a_picture_is_shown_and_read_again(server: WebServer) -> None:
    state = {"body": jpeg(40), "tag": "one"}

    def answer(request: Request) -> None:
        if request.headers.get("If-None-Match") == state["tag"]:
            request.send(b"", "image/jpeg", 304)
        else:
            request.send(state["body"], "image/jpeg", ETag=state["tag"])

    server.paths["/cam.jpg"] = answer
    settings = SourceSettings(uri=f"{server.url}/cam.jpg", picture_s=0.05, fps=(20, 1))
    mailbox: Mailbox[Frame] = Mailbox()
    feeder = SourceFeeder(make_source(settings), settings, mailbox=mailbox)

    def next_grey() -> int:
        frame = mailbox.get(5)
        assert frame is not None
        return round(grey_of(frame))

    try:
        format = feeder.start()
        assert format is not None
        assert (format.width, format.height, format.fps) == (160, 120, (20, 1))
        until(lambda: len(server.asked) > 4)
        assert next_grey() == pytest.approx(40, abs=2)
        assert server.asked[-1][1]["If-None-Match"] == "one"
        # Another picture, of another shape: it is brought into the first one's, with bars.
        state.update(body=jpeg(200, (400, 120), "PNG"), tag="two")
        until(lambda: next_grey() == pytest.approx(200, abs=2))
        # Once it is gone for good, the source says so, and is back when it is.
        del server.paths["/cam.jpg"]
        until(lambda: feeder.state.state == "waiting")
        assert "404" in feeder.state.reason
        server.paths["/cam.jpg"] = answer
        until(lambda: feeder.state.state == "live")
    finally:
        assert feeder.stop()


def test_pictures_that_are_not_shown(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_BYTES", 100_000)

    def endless(request: Request) -> None:
        request.begin("image/jpeg")
        request.wfile.write(jpeg(9))
        while True:
            request.wfile.write(bytes(65536))

    # A header only, of what would be 900 million pixels.
    about = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + about
    bomb += struct.pack(">I", zlib.crc32(about)) + struct.pack(">I", 9) + b"IDAT" + bytes(13)
    shown = {
        "/page": (b"<!DOCTYPE html><html>Log in", "text/html", "answers with a page"),
        "/liar": (b"<html>not found</html>", "image/jpeg", "of a kind that is not read"),
        "/svg": (b"<svg xmlns='x'/>", "image/svg+xml", "of a kind that is not read"),
        "/json": (b'{"error": 1}', "application/json", "answers with a page"),
        "/empty": (b"", "image/jpeg", "sends nothing"),
        "/cut": (jpeg(9, (640, 480))[:700], "image/jpeg", "damaged or broken off"),
        "/bomb": (bomb, "image/png", "million pixels"),
        "/tiny": (jpeg(9, (16, 16)), "image/jpeg", "at least 32"),
        "/junk": (np.random.default_rng(1).bytes(5000), "video/mp4", "cannot be played|no video"),
    }
    for path, (body, kind, _) in shown.items():
        server.paths[path] = lambda r, body=body, kind=kind: r.send(body, kind)  # type: ignore[misc]
    server.paths["/endless"] = endless
    for path, (_, _, words) in shown.items():
        assert re.search(words, found := fails(f"{server.url}{path}")), found
    assert "more than 100000 bytes" in fails(f"{server.url}/endless")


def test_secrets_of_an_address_are_never_shown(
    server: WebServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMERA", "of the camera")
    address = server.url.replace("http://", "http://me:${env:CAMERA}@")
    found = fails(f"{address}/x?pwd=pa55word&token=1")
    assert "404" in found
    assert "of the camera" not in found
    assert "pa55word" not in found
    assert "${env:CAMERA}" in found
    assert "${env:NOT_SET}" in fails("http://me:${env:NOT_SET}@127.0.0.1/")
    assert "of the camera" not in "".join(capfd.readouterr())
