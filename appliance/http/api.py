"""The endpoints: each reads its request, asks the daemon, and says in words what went wrong."""

from __future__ import annotations

import json

from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from appliance.config.uris import path_of
from appliance.errors import InputError
from appliance.http import state
from appliance.http.change import change, change_values, reset
from appliance.http.handling import as_json as _json
from appliance.http.handling import aside as _aside
from appliance.http.handling import body_of as _body
from appliance.http.handling import choice as _choice
from appliance.http.handling import site_of as _site
from appliance.http.offload import Busy
from appliance.http.pictures import Encoding, Show, encode, picture_of, picture_of_room, thumbnail
from appliance.http.preview import MEDIA_TYPE, Stream
from appliance.http.scenes import is_scene, scene_with_background, scenes, switch
from appliance.http.schemas import (
    BackgroundsAnswer,
    ChangeBody,
    EntryAnswer,
    PlateBody,
    ResetBody,
    SoundBody,
    StagesBody,
    SwitchBody,
    UploadedAnswer,
)
from appliance.http.site import Site
from appliance.http.sound import sound_answer, sound_values
from appliance.http.stages import plate_answer, stages, wanted_of
from appliance.media.image import MOST_PIXELS
from appliance.stages.plate_control import PlateControl

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp")
SHOWS: tuple[Show, ...] = ("composite", "matte", "both")
SNAPSHOTS = (*SHOWS, "plate")
_LOOK_S = 2.0
_THUMBNAIL = (240, 135)
_MOST_THUMBNAILS = 200


async def status(request: Request) -> ASGIApp:
    """The appliance's status."""
    return _json(state.status(_site(request)))


async def change_picture(request: Request) -> ASGIApp:
    """Change background, fit, blur, the person's edge, or who is shown."""
    site, wanted = _site(request), await _body(request, ChangeBody)
    return _json(await _aside(site, lambda: change(site, wanted)))


async def list_stages(request: Request) -> ASGIApp:
    """The optional stages."""
    return _json(stages(_site(request).daemon))


async def change_stages(request: Request) -> ASGIApp:
    """Switch and set optional stages."""
    site, wanted = _site(request), await _body(request, StagesBody)
    try:
        values = wanted_of(wanted)
    except InputError as error:
        raise HTTPException(422, str(error)) from error
    await _aside(site, lambda: change_values(site, values, keep=wanted.keep))
    return _json(stages(site.daemon))


async def sound(request: Request) -> ASGIApp:
    """How the sound is doing."""
    return _json(sound_answer(_site(request).daemon))


async def change_sound(request: Request) -> ASGIApp:
    """Set volume, mute, delay, and what becomes of the sound beside the placeholder."""
    site, wanted = _site(request), await _body(request, SoundBody)
    values = sound_values(wanted)
    await _aside(site, lambda: change_values(site, values, keep=wanted.keep))
    return _json(sound_answer(site.daemon))


async def list_scenes(request: Request) -> ASGIApp:
    """The scenes."""
    return _json(scenes(_site(request)))


async def switch_scene(request: Request) -> ASGIApp:
    """Switch to a scene."""
    site, name = _site(request), request.path_params["name"]
    wanted = await _body(request, SwitchBody)
    if not is_scene(site, name):
        raise HTTPException(404, f"there is no scene {name[:50]!r}; see /api/scenes")
    return _json(await _aside(site, lambda: switch(site, name, wanted)))


async def plate(request: Request) -> ASGIApp:
    """What is known of the empty room."""
    return _json(plate_answer(_site(request).daemon))


def _plate_control(site: Site) -> PlateControl:
    if not site.daemon.settings.stages.plate.enabled:
        raise HTTPException(
            409, "no room is learnt: the stage plate is off; switch it on first (PATCH /api/stages)"
        )
    return site.daemon.pipeline.plate


async def wish_of_plate(request: Request) -> ASGIApp:
    """Learn the empty room now, or forget it."""
    site, wanted = _site(request), await _body(request, PlateBody)
    control = _plate_control(site)
    if wanted.wish == "learn":
        control.learn(wanted.seconds)
    else:
        control.forget()
        await _aside(site, site.daemon.rooms.forget)
    return _json(plate_answer(site.daemon))


async def reset_all(request: Request) -> ASGIApp:
    """Go back to the file's settings, and start the matte over."""
    site = _site(request)
    await _body(request, ResetBody)
    return _json(await _aside(site, lambda: reset(site)))


async def snapshot(request: Request) -> ASGIApp:
    """One frame at full size."""
    site = _site(request)
    chosen = _choice(request, "show", SNAPSHOTS)
    encoding: Encoding = _choice(request, "format", ("png", "jpeg"))  # type: ignore[assignment]
    if chosen == "plate":
        return await _room(site, encoding)
    show: Show = chosen  # type: ignore[assignment]

    def take() -> bytes | None:
        if not site.snapshots.acquire(blocking=False):
            raise Busy
        try:
            after = site.daemon.tap.serial
            site.daemon.tap.ask()
            look = site.daemon.tap.next(after, _LOOK_S)
            if look is None:
                return None
            picture = picture_of(look, show)
            # Returns the canvas before the slow part.
            del look
            return encode(picture, encoding)
        finally:
            site.snapshots.release()

    data = await _aside(site, take)
    if data is None:
        raise HTTPException(503, f"no frame left within {_LOOK_S:g} s; see /healthz")
    return Response(data, media_type=f"image/{encoding}")


async def _room(site: Site, encoding: Encoding) -> ASGIApp:
    """The learnt room, for whoever the settings let see it."""

    def permitted() -> None:
        if not site.daemon.settings.stages.plate.show:
            raise HTTPException(
                403,
                "the learnt room is a picture of the room, and is given only where "
                "stages.plate.show is true",
            )

    def take(control: PlateControl) -> bytes | None:
        if not site.snapshots.acquire(blocking=False):
            raise Busy
        try:
            room = control.ask(_LOOK_S)
            if room is None:
                return None
            # It may have been switched off meanwhile.
            permitted()
            return encode(picture_of_room(room), encoding) if room.known else b""
        finally:
            site.snapshots.release()

    permitted()
    control = _plate_control(site)
    if not control.copies:
        raise HTTPException(409, "frames are on the GPU, where the learnt room is not shown")
    data = await _aside(site, lambda: take(control))
    if data is None:
        raise HTTPException(503, f"no frame was looked at within {_LOOK_S:g} s; see /healthz")
    if not data:
        raise HTTPException(409, "nothing is known of the room yet; see /api/plate")
    return Response(data, media_type=f"image/{encoding}", headers={"Cache-Control": "no-store"})


async def preview(request: Request) -> ASGIApp:
    """What goes out, live."""
    site = _site(request)
    show: Show = _choice(request, "show", SHOWS)  # type: ignore[assignment]
    if site.preview.full:
        raise HTTPException(
            503,
            f"{site.preview.viewers} previews are watched already, as many as http.viewers allows",
        )
    if request.method == "HEAD":
        return Response(media_type=MEDIA_TYPE)
    return Stream(site.preview, show)


async def list_backgrounds(request: Request) -> ASGIApp:
    """What the folder holds."""
    site = _site(request)
    found = await _aside(site, site.folder.entries)
    path = path_of(site.daemon.settings.background.uri)
    chosen = None if path is None else site.folder.name_of(path)
    return _json(
        BackgroundsAnswer(
            folder=str(site.folder.path),
            entries=[
                EntryAnswer(name=e.name, kind=e.kind, bytes=e.bytes, chosen=e.name == chosen)
                for e in found
            ],
            upload_bytes=site.limits.bytes,
            upload_pixels=site.limits.pixels,
        )
    )


async def upload_background(request: Request) -> ASGIApp:
    """Store a picture in the folder."""
    site, name = _site(request), request.path_params["name"]
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in IMAGE_TYPES:
        raise HTTPException(
            415, f"found {given or 'no Content-Type'}; expected {', '.join(IMAGE_TYPES)}"
        )
    # One at a time: each is held in memory while it arrives.
    if not site.uploading.acquire(blocking=False):
        raise HTTPException(503, "another upload is being made; try again when it is done")
    try:
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > site.limits.bytes:
                most = site.limits.bytes // 10**6
                raise HTTPException(413, f"the picture has more than {most} MB (http.upload_mb)")
        taken = await _aside(site, lambda: site.folder.take(name, bytes(data), site.limits))
    finally:
        site.uploading.release()
    return _json(UploadedAnswer(name=taken[0], width=taken[1], height=taken[2]), 201)


async def delete_background(request: Request) -> ASGIApp:
    """Remove a background from the folder."""
    site, name = _site(request), request.path_params["name"]
    path = path_of(site.daemon.settings.background.uri)
    if path is not None and site.folder.name_of(path) == name:
        raise HTTPException(409, f"{name} is the background now; choose another first")
    used_by = scene_with_background(site, name)
    if used_by is not None:
        raise HTTPException(
            409, f"{name} is the background of the scene {used_by}; change the scene first"
        )
    if not await _aside(site, lambda: site.folder.remove(name)):
        raise _not_there(name)
    return await list_backgrounds(request)


async def background_thumbnail(request: Request) -> ASGIApp:
    """A small picture of a background."""
    site, name = _site(request), request.path_params["name"]

    def make() -> bytes | None:
        entry = next((e for e in site.folder.entries() if e.name == name), None)
        if entry is None or entry.kind != "picture":
            return None
        key = (name, entry.bytes, entry.changed_ns)
        made = site.thumbnails.get(key)
        if made is None:
            try:
                made = thumbnail(str(site.folder.path / name), *_THUMBNAIL, MOST_PIXELS)
            except (OSError, ValueError, SyntaxError):
                return None
            while len(site.thumbnails) >= _MOST_THUMBNAILS:
                site.thumbnails.pop(next(iter(site.thumbnails)), None)
            site.thumbnails[key] = made
        return made

    data = await _aside(site, make)
    if data is None:
        raise HTTPException(404, f"there is no picture of {name[:100]!r} to show")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})


def _not_there(name: str) -> HTTPException:
    return HTTPException(404, f"there is no background {name[:100]!r}; see /api/backgrounds")


async def metrics(request: Request) -> ASGIApp:
    """Metrics for Prometheus."""
    site = _site(request)
    encoder, kind = choose_encoder(request.headers.get("accept", ""))
    data = await _aside(site, lambda: encoder(request.app.state.registry))
    return Response(data, headers={"Content-Type": kind})


async def healthz(request: Request) -> ASGIApp:
    """Alive?"""
    health = state.health(_site(request))
    return _json(health, 200 if health.alive else 503)


async def readyz(request: Request) -> ASGIApp:
    """Fresh composites?"""
    ready = state.ready(_site(request))
    return _json(ready, 200 if ready.ready else 503)


async def openapi(request: Request) -> ASGIApp:
    """This document."""
    return Response(json.dumps(request.app.state.document), media_type="application/json")
