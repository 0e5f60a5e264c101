"""What is played of what GStreamer could play: by list, one stream, and no larger than it says."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance.background.files import picture_or_video
from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.media.gst import Gst
from appliance.sources.allowed import CODECS, CONTAINERS, may_take
from appliance.sources.choice import jpeg_size
from tests.conftest import ClipFactory
from tests.memory import peak_mb
from tests.sources.pictures import assert_alike, by_ffmpeg, first_frame, read_some, rgb, source_for
from tests.sources.test_formats import ffmpeg


class Asked:
    """A web server on this machine that notes what it is asked for, and has nothing."""

    def __init__(self) -> None:
        asked = self.paths = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def web() -> Iterator[Asked]:
    asked = Asked()
    thread = threading.Thread(target=asked.server.serve_forever, daemon=True)
    thread.start()
    yield asked
    asked.server.shutdown()
    asked.server.server_close()
    thread.join(5)


def hls(address: str) -> bytes:
    return (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"
        f"{address}\n#EXT-X-ENDLIST\n"
    ).encode()


def dash(address: str) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S" minBufferTime="PT1S" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet '
        'mimeType="video/mp4"><Representation id="1" bandwidth="1" codecs="avc1.42c01e" '
        f'width="320" height="240"><BaseURL>{address}</BaseURL></Representation></AdaptationSet>'
        "</Period></MPD>"
    ).encode()


def smooth(address: str) -> bytes:
    return (
        '<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2" MinorVersion="0" '
        f'Duration="20000000"><StreamIndex Type="video" Chunks="1" Url="{address}">'
        '<QualityLevel Index="0" Bitrate="1" FourCC="H264" MaxWidth="320" MaxHeight="240" '
        'CodecPrivateData="000000016742C00D"/><c d="20000000"/></StreamIndex>'
        "</SmoothStreamingMedia>"
    ).encode()


def box(kind: bytes, *contents: bytes) -> bytes:
    inside = b"".join(contents)
    return struct.pack(">I", 8 + len(inside)) + kind + inside


def reference_movie(address: str) -> bytes:
    target = address.encode() + b"\0"
    names = box(b"rdrf", struct.pack(">I", 0), b"url ", struct.pack(">I", len(target)), target)
    brand = box(b"ftyp", b"qt  \0\0\0\0qt  ")
    return brand + box(b"moov", box(b"rmra", box(b"rmda", names)))


ELSEWHERE = {
    "hls": (hls, "it is application/x-hls, which is not played"),
    "dash": (dash, r"it is application/dash\+xml, which is not played"),
    "smooth": (smooth, r"it is application/vnd.ms-sstr\+xml, which is not played"),
    "list": (lambda address: f"{address}\n".encode(), "it is text/uri-list, which is not played"),
    "session": (
        lambda address: (
            f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\na=control:{address}\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        ).encode(),
        "it is application/sdp, which is not played",
    ),
    "concat": (lambda address: f"ffconcat version 1.0\nfile '{address}'\n".encode(), "ffprobe"),
    "asx": (
        lambda address: f"<asx><entry><ref href='{address}'/></entry></asx>".encode(),
        "ffprobe",
    ),
    "reference": (reference_movie, "ffprobe"),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("name", ["video.mp4", "video.m3u8"])
def test_a_file_opens_no_other_address(tmp_path: Path, web: Asked, kind: str, name: str) -> None:
    make, words = ELSEWHERE[kind]
    path = tmp_path / name
    path.write_bytes(make(f"{web.url}/clip.ts"))
    with pytest.raises(InputError, match=words):
        first_frame(path)
    with pytest.raises(InputError, match=words):
        picture_or_video(path, Format(320, 240), "fill")
    assert web.paths == []


def test_nor_another_file_through_a_list_of_lists(clip: ClipFactory, tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner.mp4", tmp_path / "outer.mp4"
    inner.write_bytes(hls(clip(320, 240, frames=5, suffix=".ts").as_uri()))
    outer.write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{inner.as_uri()}\n")
    for path in (inner, outer):
        with pytest.raises(InputError, match="application/x-hls, which is not played"):
            first_frame(path)


@pytest.mark.parametrize("side", [640, 16_000])
def test_a_drawing_is_not_drawn(tmp_path: Path, side: int) -> None:
    path = tmp_path / "drawing.mp4"
    path.write_text(
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="{side}" '
        f'height="{side}"><rect width="9" height="9"/></svg>'
    )
    with pytest.raises(InputError, match=r"it is image/svg\+xml, which is not played; expected"):
        first_frame(path)


def test_an_odd_codec_is_named(clip: ClipFactory) -> None:
    path = clip(320, 240, frames=2, codec="cinepak", pix_fmt="rgb24", suffix=".avi", matrix="")
    with pytest.raises(InputError, match=r"its pictures are video/x-cinepak.*H\.264"):
        first_frame(path)


# What GStreamer has been seen to plug in by itself and must not, here where it is installed.
_REFUSED = (
    "hlsdemux", "hlsdemux2", "dashdemux", "dashdemux2", "mssdemux", "mssdemux2", "sdpdemux",
    "rsvgdec", "gdkpixbufdec", "webpdec", "gmedec", "siddec", "modplug", "wildmididec", "subparse",
    "ssaparse", "openexrdec", "openjpegdec", "vmncdec", "flxdec", "rmdemux", "mxfdemux",
    "multipartdemux", "rtpgstdepay", "avdec_cinepak", "avdec_tmv", "avdemux_ea", "avdemux_nsv",
)  # fmt: skip


@pytest.mark.parametrize("name", _REFUSED)
def test_what_is_installed_is_not_therefore_used(name: str) -> None:
    factory = Gst.ElementFactory.find(name)
    if factory is None:
        pytest.skip(f"GStreamer's {name} is not installed")
    assert not may_take(factory, _takes(factory))
    for media in (*CONTAINERS, *CODECS):
        assert not may_take(factory, Gst.Caps.from_string(media))


def _takes(factory: Any) -> Gst.Caps:
    pads = factory.get_static_pad_templates()
    return next(pad for pad in pads if pad.direction == Gst.PadDirection.SINK).get_caps()


def test_only_the_first_of_many_streams_is_decoded(clip: ClipFactory, tmp_path: Path) -> None:
    path, first = tmp_path / "many.mkv", clip(320, 240, frames=20)
    other = clip(320, 240, frames=20, source="smptebars")
    ffmpeg(
        "-i", first, "-i", other, "-f", "lavfi", "-i", "sine=duration=1", "-map", "0:v",
        *["-map", "1:v"] * 9, "-map", "2:a", "-c:v", "copy", path,
    )  # fmt: skip
    source = source_for(path)
    try:
        source.open(None)
        # Over its end, as the streams that are left alone must not hold it up.
        frames = read_some(source, 50)
        elements = source._pipeline.iterate_recurse()  # type: ignore[attr-defined]
        names = []
        while (step := elements.next())[0] == Gst.IteratorResult.OK:
            names.append(step[1].get_factory().get_name())
    finally:
        source.close()
    assert [name for name in names if name.startswith(("avdec_", "h264parse"))] == [
        "avdec_h264", "h264parse",
    ]  # fmt: skip
    for frame in (frames[0], frames[20]):
        assert_alike(rgb(frame), by_ffmpeg(first, 320, 240))


def test_only_decoders_are_watched_for_jpeg(clip: ClipFactory, tmp_path: Path) -> None:
    """Not decodebin, which takes the file itself: in it anything may look like a picture's head."""
    path = tmp_path / "odd.mkv"
    head = tmp_path / "head.bin"
    # Far more than is read at once, each of whose pieces begins like a JPEG of 30000x30000.
    head.write_bytes(b"\xff\xd8\xff\xc0\x00\x11\x08\x75\x30\x75\x30\x03\x01\x02\x03\x04" * 50_000)
    ffmpeg(
        "-i", clip(320, 240, frames=20), "-c", "copy", "-attach", head,
        "-metadata:s:t", "mimetype=application/octet-stream", path,
    )  # fmt: skip
    for _ in range(3):
        assert first_frame(path).width == 320


def lying(clip: ClipFactory, folder: Path) -> Path:
    """An AVI file that says 320x240, with JPEG pictures that say 30000x30000."""
    data = bytearray(
        clip(
            320, 240, frames=2, codec="mjpeg", pix_fmt="yuvj420p", suffix=".avi", range="pc"
        ).read_bytes()
    )
    at = 0
    while (at := data.find(b"\xff\xc0\x00\x11\x08", at + 1)) > 0:
        data[at + 5 : at + 9] = struct.pack(">HH", 30_000, 30_000)
    path = folder / "lying.avi"
    path.write_bytes(data)
    return path


def test_pictures_larger_than_was_said_are_refused_undecoded(
    clip: ClipFactory, tmp_path: Path
) -> None:
    path = lying(clip, tmp_path)

    def refused() -> None:
        with pytest.raises(InputError, match=r"30000x30000 pixels; both sides must be"):
            first_frame(path)

    first_frame(clip(320, 240, frames=2))  # so that libraries and registry are counted already
    _, grew = peak_mb(refused)
    assert grew < 100, "143 MB when it is decoded first"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_giant_picture_as_a_source_is_refused_undecoded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "video.mp4"
    Image.new("1" if kind == "PNG" else "L", (10_000, 9_000)).save(path, kind)

    def refused() -> None:
        with pytest.raises(InputError, match="10000x9000 pixels; both sides must be"):
            first_frame(path)

    _, grew = peak_mb(refused)
    assert grew < 60, "88 MB and more when it is decoded first"


@pytest.mark.parametrize("progressive", [False, True])
def test_the_size_in_a_jpeg_is_found(tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "p.jpg"
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    Image.new("RGB", (123, 77)).save(path, progressive=progressive, exif=exif)
    data = path.read_bytes()
    assert jpeg_size(data) == (123, 77)
    assert [jpeg_size(data[:end]) for end in (0, 1, 4, 1000, 60_000)] == [None] * 5
    assert jpeg_size(b"\xff\xd8" + b"\xff" * 1000) is None
    assert jpeg_size(b"GI" + data[2:]) is None
    assert jpeg_size(b"\xff\xd8" + b"\xff\xe0\0\0" * 1000) is None
