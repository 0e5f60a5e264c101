"""The endpoints for ways in and out, recordings, settings, the log and the configuration file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import TypeVar
from urllib.parse import quote

import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from appliance.config.load import InvalidConfig
from appliance.errors import InputError
from appliance.http import editor, inputs, outputs, recording
from appliance.http.change import change_values
from appliance.http.control_schemas import (
    LogAnswer,
    LogLineAnswer,
    OutputBody,
    RecordingBody,
    SectionsBody,
    SourceBody,
    TicketAnswer,
)
from appliance.http.docs import page as docs_page
from appliance.http.handling import as_json, aside, body_of, site_of
from appliance.http.offload import Busy
from appliance.http.sections import sections, wanted_sections
from appliance.http.site import Site
from appliance.system.log_ring import MOST_LINES, recent

YAML_TYPES = ("application/yaml",)
# A slow reader gets ten seconds for each.
_PIECE = 65_536
_READ_S = 10.0
_BUSY_S = 0.1
_MOST_QR = 400

T = TypeVar("T")


async def _asked(site: Site, work: Callable[[], T]) -> T:
    """``aside``, with a wrong request told as such."""
    try:
        return await aside(site, lambda: _caught(work))
    except _Told as told:
        raise HTTPException(told.status, told.words, told.headers) from told


class _Told(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words
        self.headers: dict[str, str] | None = None


def _caught(work: Callable[[], T]) -> T:
    try:
        return work()
    except outputs.NoSuchOutput as error:
        raise _Told(404, str(error)) from error
    except editor.NotTheVersion as error:
        raise _Told(412, str(error)) from error
    except editor.EditorOff as error:
        raise _Told(403, str(error)) from error
    except InvalidConfig as error:
        raise _Told(422, str(error)) from error
    except InputError as error:
        raise _Told(422, str(error)) from error


async def list_outputs(request: Request) -> ASGIApp:
    """All outputs."""
    return as_json(outputs.listed(site_of(request)))


async def add_output(request: Request) -> ASGIApp:
    """One more output."""
    site, wanted = site_of(request), await body_of(request, OutputBody)
    output = await _asked(site, lambda: outputs.wanted_output(site, wanted))
    note = await aside(site, lambda: outputs.add(site, output, keep=wanted.keep))
    return as_json(outputs.listed(site, note), 201)


async def remove_output(request: Request) -> ASGIApp:
    """One output fewer."""
    site, identity = site_of(request), request.path_params["id"]
    keep = request.query_params.get("keep", "false") == "true"
    note = await _asked(site, lambda: outputs.remove(site, identity, keep=keep))
    return as_json(outputs.listed(site, note))


async def devices(request: Request) -> ASGIApp:
    """What is plugged in."""
    site = site_of(request)
    return as_json(await aside(site, lambda: inputs.plugged_in(site)))


async def change_source(request: Request) -> ASGIApp:
    """Another source."""
    site, wanted = site_of(request), await body_of(request, SourceBody)
    await _asked(site, lambda: inputs.change_source(site, wanted.uri, keep=wanted.keep))
    return as_json(await aside(site, lambda: inputs.plugged_in(site)))


async def list_recordings(request: Request) -> ASGIApp:
    """The folder of recordings."""
    site = site_of(request)
    return as_json(await aside(site, lambda: recording.all_recordings(site)))


async def record(request: Request) -> ASGIApp:
    """Begin or end a recording."""
    site, wanted = site_of(request), await body_of(request, RecordingBody)
    if wanted.do == "start":
        return as_json(await aside(site, lambda: recording.start(site, wanted.format)))
    return as_json(await aside(site, lambda: recording.stop(site)))


async def ticket(request: Request) -> ASGIApp:
    """A way to fetch one recording, once, without the token: a browser saves it by a link."""
    site, name = site_of(request), request.path_params["name"]
    if await aside(site, lambda: site.recordings.find(name)) is None:
        raise _no_recording(name)
    word = site.recordings.ticket(name)
    return as_json(TicketAnswer(path=f"/api/recordings/{quote(name)}?ticket={word}"))


async def fetch_recording(request: Request) -> ASGIApp:
    """One recording; who may is the guard's business."""
    site, name = site_of(request), request.path_params["name"]
    now = recording.recording(site)
    if now.recording and now.name == name:
        raise HTTPException(409, f"{name} is still being recorded; stop it first")

    def opened() -> tuple[io.BufferedReader, int] | None:
        path = site.recordings.find(name)
        if path is None:
            return None
        file = path.open("rb")
        return file, file.seek(0, 2)

    found = await aside(site, opened)
    if found is None:
        raise _no_recording(name)
    file, size = found
    if request.method == "HEAD":
        file.close()
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(size),
    }
    kind = "video/mp4" if name.lower().endswith(".mp4") else "video/x-matroska"
    if request.method == "HEAD":
        return Response(media_type=kind, headers=headers)
    return StreamingResponse(_pieces(site, file), media_type=kind, headers=headers)


async def _pieces(site: Site, file: io.BufferedReader) -> AsyncIterator[bytes]:
    """A file, read off the loop."""
    try:
        file.seek(0)
        while piece := await _read(site, file):
            yield piece
    finally:
        file.close()


async def _read(site: Site, file: io.BufferedReader) -> bytes:
    while True:
        try:
            return await site.aside.do(lambda: file.read(_PIECE), _READ_S)
        except Busy:
            # The answer has begun: it can wait, but not turn into another.
            await asyncio.sleep(_BUSY_S)


def _no_recording(name: str) -> HTTPException:
    return HTTPException(404, f"there is no recording {name[:100]!r}; see /api/recordings")


async def list_sections(request: Request) -> ASGIApp:
    """Sections that can be set."""
    return as_json(sections(site_of(request).daemon.settings))


async def change_sections(request: Request) -> ASGIApp:
    """Set some of them."""
    site, wanted = site_of(request), await body_of(request, SectionsBody)
    values = await _asked(site, lambda: wanted_sections(wanted))
    await aside(site, lambda: change_values(site, values, keep=wanted.keep))
    return as_json(sections(site.daemon.settings))


async def log_lines(request: Request) -> ASGIApp:
    """The log's last lines."""
    after = request.query_params.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 16):
        raise HTTPException(422, f"after: found {after[:50]!r}; expected a line's number")
    lines = recent.after(int(after), MOST_LINES)
    return as_json(
        LogAnswer(
            lines=[
                LogLineAnswer(number=line.number, at=line.at, level=line.level, words=line.words)
                for line in lines
            ]
        )
    )


async def show_file(request: Request) -> ASGIApp:
    """The configuration file."""
    site = site_of(request)
    found = await _asked(site, lambda: editor.shown(site))
    answer = as_json(found)
    answer.headers["ETag"] = f'"{found.version}"'
    return answer


async def check_file(request: Request) -> ASGIApp:
    """What is wrong with a text."""
    site, text = site_of(request), await _yaml(request)
    return as_json(await _asked(site, lambda: editor.checked(site, text)))


async def save_file(request: Request) -> ASGIApp:
    """Another text for the file."""
    version = request.headers.get("if-match", "").strip().strip('"')
    if not version:
        raise HTTPException(
            428, "the header If-Match is missing: send the ETag that GET /api/config gave"
        )
    site, text = site_of(request), await _yaml(request)
    done = await _asked(site, lambda: editor.save(site, text, version))
    answer = as_json(done)
    answer.headers["ETag"] = f'"{done.version}"'
    return answer


async def _yaml(request: Request) -> str:
    """The body as text. Its Content-Type is one that no form on another site's page can send."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in YAML_TYPES:
        raise HTTPException(415, f"found {given or 'no Content-Type'}; expected application/yaml")
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise HTTPException(422, f"line {line}: not UTF-8; save it as UTF-8") from error
    return text.replace("\r\n", "\n") if "\r\n" in text else text


async def qr_code(request: Request) -> ASGIApp:
    """A text as a QR code."""
    text = request.query_params.get("text", "")
    if not text or len(text) > _MOST_QR or not text.isprintable():
        raise HTTPException(422, f"text: expected 1 to {_MOST_QR} printable characters")
    out = io.BytesIO()
    # Black on white, with the four modules of margin that readers need, on dark pages too.
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgclass=None,
        lineclass=None, omitsize=True,
    )  # fmt: skip
    return Response(out.getvalue(), media_type="image/svg+xml")


async def docs(request: Request) -> ASGIApp:
    """The API, to be read."""
    return Response(docs_page(request.app.state.document), media_type="text/html; charset=utf-8")
