"""Changes over HTTP: made by the reloader like a saved file, kept in the file if requested.

All of this blocks (on the reloader, on a disk), so it is called off the server's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from appliance.config.schemes import BACKGROUNDS
from appliance.config.settings import Settings
from appliance.config.uris import background_scheme
from appliance.config.validate import broken
from appliance.config.write_back import Draft, NotKept, Value, as_written, draft
from appliance.daemon.changes import ChangeOutcome
from appliance.errors import ConfigError, MatteboxError
from appliance.http.schemas import ChangeBody, ChangedAnswer
from appliance.http.site import Site
from appliance.http.sound import sound_keys
from appliance.http.stages import stage_keys
from appliance.http.state import picture
from appliance.system.redact import redact

CHANGE_S = 10.0
_FREE_S = 5.0

log = structlog.get_logger(__name__)


class NotDone(MatteboxError, RuntimeError):
    """A change was not made; the message says why."""


_PICTURE = ("background.uri", "background.fit", "background.blur_radius", "edge.choke",
            "edge.softness", "clean.keep")  # fmt: skip
_KEYS = (*_PICTURE, *stage_keys(), *sound_keys())


def wanted_values(site: Site, wanted: ChangeBody) -> dict[str, Value]:
    """Everything that is to change, as dotted key -> value. Raises NotDone."""
    values: dict[str, Value] = {}
    if wanted.background is not None:
        values["background.uri"] = _address(site, wanted.background)
    others: dict[str, Value | None] = {
        "background.fit": wanted.fit,
        "background.blur_radius": wanted.blur_radius,
        "edge.choke": wanted.edge_choke,
        "edge.softness": wanted.edge_softness,
        "clean.keep": wanted.people,
    }
    return values | {key: value for key, value in others.items() if value is not None}


def _address(site: Site, background: str) -> str:
    """A name in the folder as its path; otherwise only an address that leads to no file."""
    path = site.folder.find(background)
    if path is not None:
        return str(path)
    scheme = background_scheme(background)
    if scheme is not None and not scheme.has_file:
        return background
    others = [scheme.written for scheme in BACKGROUNDS.all() if not scheme.has_file]
    raise NotDone(
        f"there is no background {background[:100]!r}; expected one of /api/backgrounds, "
        f"{', '.join(others[:-1])}, or {others[-1]}"
    )


def applied_to(settings: Settings, values: dict[str, Value]) -> Settings:
    """``settings`` with ``values`` put in. Raises ConfigError for invalid values."""
    try:
        return Settings.model_validate(_with(settings, values))
    except ValidationError as error:
        raise ConfigError("\n".join(broken(error))) from error


def _with(section: BaseModel, values: Mapping[str, Value]) -> dict[str, Any]:
    """A section's fields, those on the way to a changed value as dictionaries again."""
    found: dict[str, Any] = {name: getattr(section, name) for name in type(section).model_fields}
    inner: dict[str, dict[str, Value]] = {}
    for key, value in values.items():
        name, _, rest = key.partition(".")
        if rest:
            inner.setdefault(name, {})[rest] = value
        else:
            found[name] = value
    return found | {name: _with(found[name], changes) for name, changes in inner.items()}


def change(site: Site, wanted: ChangeBody) -> ChangedAnswer:
    """Make a change of the picture, and keep it if requested; raises as ``change_values``."""
    return change_values(site, wanted_values(site, wanted), keep=wanted.keep)


def change_values(site: Site, values: dict[str, Value], *, keep: bool) -> ChangedAnswer:
    """Make the change (dotted key -> value), and keep it if requested.

    Raises NotDone when nothing was changed, TimeoutError when that is unknown.
    """
    with Alone(site):
        # What is kept is what is seen: earlier changes that were not kept, too.
        kept = _unkept(site) | _placed(site, values) if keep else {}
        new = _draft(site, kept) if kept else None
        try:
            outcome = through(lambda: site.reloader.change(_maker(values), CHANGE_S))
            note = None if new is None else _finish(site, new, kept)
        finally:
            if new is not None:
                new.drop()
    if values or kept:
        told = {k: str(v) for k, v in (kept | values).items()}
        log.info("changed over HTTP", kept=new is not None, **told)
    return ChangedAnswer(
        picture=picture(site.daemon.settings, site.folder),
        changed=sorted(outcome.changed), kept=new is not None, note=note,
    )  # fmt: skip


def _placed(site: Site, values: dict[str, Value]) -> dict[str, Value]:
    """Values by where they are written: in the scene that is on, if it sets them. Raises NotDone.

    A scene is found in the file by its place, so the file must have the scenes that are in use.
    """
    scenes = site.reloader.scenes
    placed = {scenes.placed(key): value for key, value in values.items()}
    if placed != values:
        try:
            loaded = site.load().settings
        except ConfigError:
            return placed  # the draft says why
        if [one.name for one in loaded.scenes] != [one.name for one in scenes.base.scenes]:
            raise NotDone("the file has just got other scenes; try again in a second")
    return placed


def _unkept(site: Site) -> dict[str, Value]:
    """What differs now from what the file, the environment and the flags say, scenes included.

    Nothing if they cannot be read: the draft then says why.
    """
    try:
        loaded = site.load().settings
    except ConfigError:
        return {}
    now = site.reloader.scenes.base
    keys = [*_KEYS]
    if [scene.name for scene in now.scenes] == [scene.name for scene in loaded.scenes]:
        for index, scene in enumerate(loaded.scenes):
            written = scene.settings.written()
            keys += [f"scenes.{index}.settings.{key}" for key in _KEYS if key in written]
    return {key: _value(now, key) for key in keys if _value(now, key) != _value(loaded, key)}


def _value(settings: Settings, key: str) -> Value:
    found: Any = settings
    for part in key.split("."):
        found = found[int(part)] if part.isdigit() else getattr(found, part)
    value: Value = found
    return value


def reset(site: Site) -> ChangedAnswer:
    """Go back to the file's settings, start the matte over. Raises NotDone, TimeoutError."""
    with Alone(site):
        outcome = through(lambda: site.reloader.ask().result(CHANGE_S))
        site.daemon.worker.submit(lambda: site.daemon.pipeline.reset(), timeout=_FREE_S)
    log.info("reset over HTTP")
    return ChangedAnswer(
        picture=picture(site.daemon.settings, site.folder),
        changed=sorted(outcome.changed), kept=False, note=None,
    )  # fmt: skip


def _maker(values: dict[str, Value]) -> Callable[[Settings], Settings]:
    return lambda settings: applied_to(settings, values)


def through(make: Callable[[], ChangeOutcome]) -> ChangeOutcome:
    """The outcome of a change that was made. Raises NotDone when it was not, TimeoutError."""
    try:
        outcome = make()
    except ConfigError as error:
        raise NotDone(str(error)) from error
    if outcome.refusal is not None:
        raise NotDone(redact(outcome.refusal.reason))
    return outcome


def _draft(site: Site, values: dict[str, Value]) -> Draft:
    named = site.reloader.state.status().path
    if named is None:
        raise NotDone(
            "there is no configuration file to keep it in; start mattebox with --config FILE, or "
            "change it without keep; nothing was changed"
        )
    try:
        return draft(Path(named), as_written(Path(named), values), lambda path: site.load(path))
    except NotKept as error:
        raise NotDone(f"{error}; nothing was changed") from error


def _finish(site: Site, new: Draft, values: dict[str, Value]) -> str | None:
    """Put the draft in place; returns a note about it, if there is anything to know."""
    # So that the file watch knows its new state, and does not take it for an edit.
    site.reloader.wrote(new.after, new.text)
    try:
        new.finish()
    except NotKept as error:
        raise NotDone(f"it is changed, but not kept: {error}") from error
    try:
        loaded = site.load()
    except ConfigError as error:
        return f"kept, but the file as a whole is refused: {redact(str(error))}"
    beaten = [key for key, value in values.items() if _value(loaded.settings, key) != value]
    if not beaten:
        return None
    return (
        f"kept, but at the next start {beaten[0]} is what {loaded.where(beaten[0])} says, which "
        "beats the file"
    )


class Alone:
    """One change at a time; waits for the previous one, up to a deadline."""

    def __init__(self, site: Site) -> None:
        self._lock = site.changing

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_FREE_S):
            raise NotDone("another change is being made; try again in a second")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
