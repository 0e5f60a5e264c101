"""What is plugged in, and changing the source to one of it."""

from __future__ import annotations

from appliance.avatars.avatar import avatars
from appliance.config.settings import Settings
from appliance.errors import ConfigError, InputError
from appliance.http.change import change_values
from appliance.http.control_schemas import (
    CameraAnswer,
    DevicesAnswer,
    DisplayAnswer,
    SourceChoice,
)
from appliance.http.site import Site
from appliance.system import devices, v4l2
from appliance.system.redact import redact

_DEMO = "demo://"


def _choices(site: Site, found: devices.Devices) -> dict[str, tuple[str, str]]:
    """What may be chosen: as shown -> (address, words). What the owner wrote is always among it."""
    now = site.daemon.settings.source.uri
    offered = [(f"v4l2://{camera.path}", camera.card) for camera in found.cameras]
    offered += [(uri, "as the configuration says") for uri in _written(site)]
    offered += [(f"avatar://{name}", "an avatar") for name in avatars()]
    offered += [(now, "in use"), (_DEMO, "a built-in portrait")]
    choices: dict[str, tuple[str, str]] = {}
    for uri, words in offered:
        choices.setdefault(redact(uri), (uri, words))
    return choices


def _written(site: Site) -> list[str]:
    try:
        settings: Settings = site.load().settings
    except ConfigError:
        return []
    return [settings.source.uri]


def plugged_in(site: Site) -> DevicesAnswer:
    """Devices, displays, and the sources to choose from. Starts no stream."""
    found = devices.find()
    now = site.daemon.settings.source.uri
    return DevicesAnswer(
        sources=[
            SourceChoice(uri=shown, words=words, chosen=uri == now)
            for shown, (uri, words) in _choices(site, found).items()
        ],
        cameras=[_camera(camera) for camera in found.cameras],
        loopbacks=[_camera(device) for device in found.loopbacks],
        microphones=[microphone.uri for microphone in found.microphones],
        displays=[
            DisplayAnswer(connector=d.connector, connected=d.connected, mode=d.mode)
            for d in found.displays
        ],
        unusable=[f"{path} does not answer: {reason}" for path, reason in found.unusable],
    )


def _camera(camera: v4l2.Device) -> CameraAnswer:
    return CameraAnswer(
        uri=f"v4l2://{camera.path}",
        name=camera.card,
        modes=[
            f"{mode.fourcc} {mode.width}x{mode.height} "
            f"{', '.join(f'{rate:g}' for rate in mode.rates) or '?'} fps"
            for mode in camera.modes
        ],
    )


def change_source(site: Site, uri: str, *, keep: bool) -> str | None:
    """Change to a source that is offered; returns a note. Raises InputError, NotDone."""
    choices = _choices(site, devices.find())
    if uri not in choices:
        raise InputError(
            f"uri: found {redact(uri[:100])}; expected one that /api/devices lists: "
            f"{', '.join(choices)}; any other is named in the configuration file"
        )
    return change_values(site, {"source.uri": choices[uri][0]}, keep=keep).note
