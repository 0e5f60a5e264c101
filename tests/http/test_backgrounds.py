"""The backgrounds folder: what is listed, what is accepted, and what is not."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from appliance.errors import InputError, OutputError
from appliance.http.backgrounds import Folder, Limits, TooLarge, examine, tidy
from tests.http.serving import Served, as_json, corner, picture_file, problem, wait_until

LIMITS = Limits(bytes=2_000_000, pixels=1_000_000, folder_bytes=3_000_000)


def png(width: int = 64, height: int = 36, rgb: tuple[int, int, int] = (10, 200, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), rgb).save(out, "PNG")
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def put(appliance: Served, name: str, data: bytes, kind: str = "image/png") -> httpx.Response:
    return appliance.client.put(
        f"/api/backgrounds/{name}", content=data, headers={"Content-Type": kind}
    )


def test_an_upload_can_be_chosen_and_deleted(appliance: Served) -> None:
    taken = as_json(put(appliance, "office.png", png()))
    assert taken == {"name": "office.png", "width": 64, "height": 36}
    listed = as_json(appliance.client.get("/api/backgrounds"))
    entry = next(e for e in listed["entries"] if e["name"] == "office.png")
    assert entry == {"name": "office.png", "kind": "picture", "bytes": len(png()), "chosen": False}
    small = appliance.client.get("/api/backgrounds/office.png/thumbnail")
    assert small.headers["content-type"] == "image/jpeg"
    assert np.abs(corner(small.content) - (10, 200, 30)).max() < 8
    as_json(appliance.change(background="office.png"))
    assert np.abs(corner(appliance.client.get("/api/snapshot").content) - (10, 200, 30)).max() < 12
    words = problem(appliance.client.delete("/api/backgrounds/office.png"), 409)
    assert "is the background now" in words
    as_json(appliance.change(background="gradient://"))
    left = as_json(appliance.client.delete("/api/backgrounds/office.png"))["entries"]
    assert [e["name"] for e in left] == ["blue.jpg", "red.png"]
    assert "no background" in problem(appliance.client.delete("/api/backgrounds/office.png"), 404)


def test_nothing_is_ever_replaced(appliance: Served) -> None:
    before = (appliance.folder / "red.png").read_bytes()
    names = [as_json(put(appliance, "red.png", png()))["name"] for _ in range(2)]
    assert names == ["red-2.png", "red-3.png"]
    assert (appliance.folder / "red.png").read_bytes() == before
    for name in names:
        assert (appliance.folder / name).stat().st_mode & 0o777 == 0o640
        appliance.client.delete(f"/api/backgrounds/{name}")
    assert sorted(p.name for p in appliance.folder.iterdir()) == ["blue.jpg", "red.png"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("B%C3%BCro%20am%20Meer.jpeg", "Büro am Meer.png"),
        ("..png", "background.png"),
        (".hidden.png", "hidden.png"),
        ("a%5C..%5Cb.png", "a-..-b.png"),
        ("%00%01.png", "background.png"),
        ("x" * 300 + ".png", "x" * 80 + ".png"),
        ("a%22%3Cscript%3E.png", "a-script.png"),
        ("archive.tar.gz", "archive.tar.gz.png"),
        ("%F0%9F%98%80.webp", "background.png"),
    ],
)
def test_names_are_made_fit(appliance: Served, asked: str, name: str) -> None:
    assert as_json(put(appliance, asked, png()))["name"] == name
    (appliance.folder / name).unlink()


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 409, "this is no picture that can be taken"),
        (b"GIF89a" + b"\0" * 50, 409, "expected PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 409, "expected PNG, JPEG or WebP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", 409, "expected PNG, JPEG or WebP"),
        (png()[:60], 409, "damaged or broken off"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 400, 409, "damaged or broken off"),
        (b"\xff\xd8\xff" + b"\0" * 400, 409, "damaged or broken off"),
        (b"RIFF\0\0\0\0WEBP" + b"\0" * 400, 409, "damaged or broken off"),
        (bomb(60_000, 60_000), 413, "scale it down"),
        (bomb(7_500, 7_500), 413, "7500x7500 pixels; at most 50 million"),
        (bomb(2**31 - 1, 2**31 - 1), 413, "scale it down"),
        (bomb(0, 10), 409, "damaged"),
    ],
    ids=["empty", "gif", "svg", "eps", "broken off", "junk png", "junk jpeg", "junk webp",
         "bomb", "large", "huge", "nothing"],
)  # fmt: skip
def test_what_is_not_taken_leaves_nothing_behind(
    appliance: Served, data: bytes, status: int, words: str
) -> None:
    assert words in problem(put(appliance, "x.png", data), status)
    assert sorted(p.name for p in appliance.folder.iterdir()) == ["blue.jpg", "red.png"]


def test_a_large_picture_of_the_operators_is_listed_without_a_thumbnail(
    appliance: Served,
) -> None:
    path = appliance.folder / "huge.png"
    path.write_bytes(bomb(60_000, 60_000))
    try:
        assert "huge.png" in appliance.client.get("/api/backgrounds").text
        answer = appliance.client.get("/api/backgrounds/huge.png/thumbnail")
        assert "no picture" in problem(answer, 404)
    finally:
        path.unlink()


def test_an_upload_that_takes_long_holds_up_no_change(appliance: Served) -> None:
    head = b"PUT /api/backgrounds/x.png HTTP/1.1\r\nHost: localhost\r\n"
    head += b"Content-Type: image/png\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(appliance.address) as slow:
        slow.sendall(head + b"\x89PNG")
        wait_until(appliance.site.uploading.locked)
        as_json(appliance.change(edge_softness=0.2))
        assert "another upload" in problem(put(appliance, "y.png", png()), 503)
    wait_until(lambda: not appliance.site.uploading.locked())


def test_a_bomb_is_known_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(TooLarge, match="2000x2000 pixels; at most 1 million"):
        examine(bomb(2000, 2000), LIMITS)


def test_more_bytes_than_allowed(appliance: Served) -> None:
    words = problem(put(appliance, "x.png", b"\x89PNG\r\n\x1a\n" + b"x" * 20_100_000), 413)
    assert "too large" in words or "more than 20 MB" in words


def test_the_type_is_what_the_bytes_say(appliance: Served) -> None:
    out = io.BytesIO()
    Image.new("RGB", (32, 32)).save(out, "WEBP")
    assert as_json(put(appliance, "a.png", out.getvalue(), "image/jpeg"))["name"] == "a.webp"
    (appliance.folder / "a.webp").unlink()
    assert "expected image/png" in problem(put(appliance, "a.png", png(), "image/svg+xml"), 415)


def test_the_folder_has_a_limit(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new" / "folder")
    assert folder.entries() == []
    assert folder.take("a.png", png(), LIMITS)[0] == "a.png"
    with pytest.raises(TooLarge, match="would hold more than 0 MB"):
        folder.take("b.png", png(), Limits(2_000_000, 1_000_000, len(png()) + 10))
    assert [e.name for e in folder.entries()] == ["a.png"]


def test_what_a_killed_upload_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".upload-abc"
    left.write_bytes(b"half")
    folder = Folder(tmp_path)
    assert folder.entries() == []
    folder.take("a.png", png(), LIMITS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    file = picture_file(tmp_path / "file.png", (1, 2, 3))
    folder = Folder(file)
    with pytest.raises(InputError, match="cannot be read"):
        folder.entries()
    with pytest.raises((InputError, OutputError)):
        folder.take("a.png", png(), LIMITS)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("appliance.http.backgrounds.os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        Folder(tmp_path).take("a.png", png(), LIMITS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "stem"),
    [("", "background"), ("a.PNG", "a"), ("a.b.png", "a.b"), ("e\u0301.png", "é"),
     ("漢" * 100 + ".png", "漢" * 53), ("con", "con"), ("a\nb", "a-b"), ("---", "background")],
)  # fmt: skip
def test_tidy(name: str, stem: str) -> None:
    assert tidy(name) == stem


def test_a_name_that_is_no_utf_8_hides_itself_alone(appliance: Served) -> None:
    odd = os.fsencode(appliance.folder) + b"/caf\xe9.png"
    Image.new("RGB", (64, 36)).save(os.fsdecode(odd), "PNG")
    try:
        listed = appliance.client.get("/api/backgrounds")
        assert "red.png" in str(as_json(listed))
        assert "caf" not in listed.text
    finally:
        os.unlink(odd)
