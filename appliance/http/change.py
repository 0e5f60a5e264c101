"""Changes over HTTP: made by the reloader like a saved file, kept in the file if requested.

All of this blocks (on the reloader, on a disk), so it is called off the server's loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError

from appliance.config.load import LoadedConfig
from appliance.config.schemes import BACKGROUNDS
from appliance.config.settings import OutputSettings, Settings
from appliance.config.uris import background_scheme
from appliance.config.validate import broken
from appliance.config.write_back import Draft, NotKept, Value, as_written, draft_of, edited
from appliance.daemon.changes import ChangeOutcome
from appliance.errors import ConfigError, MatteboxError
from appliance.http.schemas import ChangeBody, ChangedAnswer
from appliance.http.sections import section_keys
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
_KEYS = (*_PICTURE, "source.uri", *stage_keys(), *sound_keys(), *section_keys())


def wanted_values(site: Site, wanted: ChangeBody) -> dict[str, Value]:
    """Everything that is to change, as dotted key -> value. Raises NotDone."""
    values: dict[str, Value] = {}
    if wanted.background is not None:
        values["background.uri"] = background_address(site, wanted.background)
    others: dict[str, Value | None] = {
        "background.fit": wanted.fit,
        "background.blur_radius": wanted.blur_radius,
        "edge.choke": wanted.edge_choke,
        "edge.softness": wanted.edge_softness,
        "clean.keep": wanted.people,
    }
    return values | {key: value for key, value in others.items() if value is not None}


def background_address(site: Site, background: str) -> str:
    """A name in the folder as its path; otherwise only an address that leads to no file.

    Raises NotDone for anything else.
    """
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


def applied_outputs(settings: Settings, outputs: tuple[OutputSettings, ...]) -> Settings:
    """``settings`` with these outputs. Raises ConfigError, in words that name no number."""
    whole = {name: getattr(settings, name) for name in type(settings).model_fields}
    try:
        return Settings.model_validate(whole | {"outputs": outputs})
    except ValidationError as error:
        raise ConfigError("; ".join(_without_place(one) for one in broken(error))) from error


def _without_place(message: str) -> str:
    return re.sub(r"^outputs\.\d+\.uri: ", "", message)


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
        outcome, note = carry_out(site, _maker(values), new, lambda loaded: _beaten(loaded, kept))
    if values or kept:
        told = {k: str(v) for k, v in (kept | values).items()}
        log.info("changed over HTTP", kept=new is not None, **told)
    return ChangedAnswer(
        picture=picture(site.daemon.settings, site.folder),
        changed=sorted(outcome.changed), kept=new is not None, note=note,
    )  # fmt: skip


def carry_out(
    site: Site,
    make: Callable[[Settings], Settings],
    new: Draft | None,
    beaten: Callable[[LoadedConfig], str | None],
) -> tuple[ChangeOutcome, str | None]:
    """Make a change, then put the file's draft in place; the outcome, and what else to know.

    ``beaten`` says which key of the new file, if any, a variable or flag beats. To be called
    within ``Alone``. Raises NotDone, TimeoutError.
    """
    try:
        outcome = through(lambda: site.reloader.change(make, CHANGE_S))
        note = None if new is None else _finish(site, new, beaten)
    finally:
        if new is not None:
            new.drop()
    return outcome, note


def _beaten(loaded: LoadedConfig, values: dict[str, Value]) -> str | None:
    return next((k for k, value in values.items() if _value(loaded.settings, k) != value), None)


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
    return draft_for(site, lambda path, text: edited(text, as_written(path, values)))


def draft_for(site: Site, change: Callable[[Path, str], str]) -> Draft:
    """The configuration file changed by ``change`` (path, text -> new text). Raises NotDone."""
    named = site.reloader.state.status().path
    if named is None:
        raise NotDone(
            "there is no configuration file to keep it in; start mattebox with --config FILE, or "
            "change it without keep; nothing was changed"
        )
    path = Path(named)
    try:
        return draft_of(path, lambda text: change(path, text), lambda new: site.load(new))
    except NotKept as error:
        raise NotDone(f"{error}; nothing was changed") from error


def _finish(site: Site, new: Draft, beaten: Callable[[LoadedConfig], str | None]) -> str | None:
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
    key = beaten(loaded)
    if key is None:
        return None
    return (
        f"kept, but at the next start {key} is what {loaded.where(key)} says, which beats the file"
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
