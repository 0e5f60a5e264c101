"""The configuration file over HTTP: shown without secrets, checked, saved."""

from __future__ import annotations

import hashlib
from pathlib import Path

import structlog

from appliance.config.document import read_text
from appliance.config.load import InvalidConfig, attempt
from appliance.config.masked import mask
from appliance.config.tree import Mistake, Origin
from appliance.config.write_back import NotKept
from appliance.errors import ConfigError, MatteboxError
from appliance.http.change import CHANGE_S, Alone, NotDone, draft_for
from appliance.http.control_schemas import CheckedAnswer, FileAnswer, SavedAnswer
from appliance.http.permitted import ELSEWHERE, refusals
from appliance.http.schemas import MistakeAnswer
from appliance.http.site import Site
from appliance.system.redact import redact

_FREE_S = 5.0
_MOST_MISTAKES = 51

log = structlog.get_logger(__name__)


class NotTheVersion(MatteboxError, RuntimeError):
    """The file is not the one that was edited."""


class EditorOff(MatteboxError, RuntimeError):
    """The settings let nobody edit the file over HTTP."""


def _path(site: Site) -> Path:
    if site.editor == "off":
        raise EditorOff("the configuration is not shown here: http.editor is off")
    named = site.reloader.state.status().path
    if named is None:
        raise NotDone("there is no configuration file; start mattebox with --config FILE")
    return Path(named)


def _version(site: Site, text: str) -> str:
    # With a key: of a file whose secrets are struck out, a plain digest would let them be guessed.
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, key=site.key, digest_size=16).hexdigest()


def shown(site: Site) -> FileAnswer:
    """The file. Raises EditorOff, NotDone, InvalidConfig when it cannot be read."""
    path = _path(site)
    text = read_text(path)
    return FileAnswer(
        file=str(path), text=mask(text).text, version=_version(site, text),
        may="full" if site.editor == "full" else "limited",
    )  # fmt: skip


def checked(site: Site, text: str) -> CheckedAnswer:
    """What the checker says of ``text`` as this file's. Raises as ``shown``."""
    path = _path(site)
    if not site.checking.acquire(timeout=_FREE_S):
        raise NotDone("another text is being checked; try again in a second")
    try:
        found = _mistakes(site, path, read_text(path), text)[1]
    finally:
        site.checking.release()
    return CheckedAnswer(
        mistakes=[
            MistakeAnswer(
                file=m.origin.label, line=m.origin.line, column=m.origin.column, key=m.key,
                message=redact(m.message),
            )
            for m in found[:_MOST_MISTAKES]
        ]
    )  # fmt: skip


def save(site: Site, text: str, version: str) -> SavedAnswer:
    """Put ``text`` in the file's place, and have it taken over.

    Raises NotTheVersion when the file is not that of ``version`` any more, InvalidConfig for
    mistakes, NotDone when it cannot be written; the file is then as it was.
    """
    path = _path(site)
    with Alone(site):
        now = read_text(path)
        if _version(site, now) != version:
            raise NotTheVersion(
                f"{path} was saved by somebody else since it was opened here; open it again, and "
                "make the changes anew"
            )
        made, found = _mistakes(site, path, now, text)
        if "\r\n" in now:
            made = made.replace("\r\n", "\n").replace("\n", "\r\n")
        if found:
            raise InvalidConfig(found)

        def change(_: Path, before: str) -> str:
            if before != now:
                raise NotKept("it was saved by somebody else just now; open it again")
            return made

        new = draft_for(site, change)
        try:
            new.finish()
        except NotKept as error:
            raise NotDone(str(error)) from error
    log.info("the configuration was saved over HTTP", path=str(path))
    outcome = site.reloader.ask().result(CHANGE_S)
    refusal = outcome.refusal
    if refusal is not None:
        words = f"Saved, but not in use: {redact(refusal.reason)}"
    elif outcome.changed:
        words = "Saved, and in use."
    else:
        words = "Saved; nothing that runs has changed."
    return SavedAnswer(version=_version(site, made), applied=refusal is None, words=words)


def _mistakes(site: Site, path: Path, now: str, text: str) -> tuple[str, list[Mistake]]:
    """The text to save, and what is wrong with it.

    What may not be changed here comes first: the checker opens the files that a text names, and
    must not open any for whoever may not name them.
    """
    label = str(path)
    made, misplaced = mask(now).restored(text)
    found = [Mistake(Origin(label, line, 1), "", why) for line, why in misplaced]
    if not found and site.editor != "full":
        found = _not_permitted(site, path, now, made)
    if found:
        return made, found
    try:
        site.load(path, made)
    except InvalidConfig as error:
        return made, list(error.mistakes)
    except ConfigError as error:
        return made, [Mistake(Origin(label), "", str(error))]
    return made, []


def _not_permitted(site: Site, path: Path, now: str, made: str) -> list[Mistake]:
    old, new = attempt(path, text=now), attempt(path, text=made)
    if old.loaded is None:
        return [
            Mistake(
                Origin(str(path)), "",
                f"the file as it is cannot be understood; nobody can say what is new; {ELSEWHERE}",
            )
        ]  # fmt: skip
    if new.loaded is None:
        return list(new.mistakes)
    loaded = new.loaded
    found = refusals(old.loaded.settings, loaded.settings, site.places())
    # Of a text with mistakes, what is wrong is left out, and takes its default: nobody wrote that.
    mistakes = [
        Mistake(loaded.origin(key), key, why)
        for key, why in found
        if not new.mistakes or loaded.is_written(key)
    ]
    return sorted([*new.mistakes, *mistakes], key=lambda m: (m.origin.line, m.origin.column))
