"""Sessions over HTTP: which there are, and what is asked of them."""

from __future__ import annotations

from dataclasses import asdict

from appliance.avatars.avatar import avatars
from appliance.config.uris import background_scheme
from appliance.daemon.sessions.on_air import MAIN, OnAir
from appliance.errors import MatteboxError
from appliance.http.change import NotDone, background_address
from appliance.http.session_schemas import (
    AvatarAnswer,
    SessionAnswer,
    SessionBody,
    SessionEntryAnswer,
    SessionsAnswer,
    TurnAnswer,
)
from appliance.http.site import Site
from appliance.playout.playout import Playout
from appliance.playout.turn import TurnState
from appliance.system.redact import redact


class NoAvatar(MatteboxError, RuntimeError):
    """A session that plays no avatar now, and can neither speak nor act."""


def playout_of(site: Site, identity: str, *, use: bool) -> Playout:
    """What plays a session's avatar. Raises NoSuchSession, NoAvatar.

    ``use``: it is asked for something, and the session is not idle.
    """
    programme = site.daemon.on_air(identity)
    playout = programme.playout
    if playout is None:
        raise NoAvatar(
            f"the session {identity} plays no avatar now; a source of its kind is written "
            "avatar://NAME"
        )
    if use:
        programme.touch()
    return playout


def sessions(site: Site) -> SessionsAnswer:
    """All of them."""
    daemon = site.daemon
    programmes: list[OnAir] = [daemon.main, *daemon.sessions.all()]
    found = [entry_answer(one) for one in programmes]
    return SessionsAnswer(sessions=found, avatars=avatars(), most=daemon.settings.sessions.most)


def session(site: Site, identity: str) -> SessionAnswer:
    """One of them. Raises NoSuchSession."""
    return session_answer(site.daemon.on_air(identity))


def begin(site: Site, wanted: SessionBody) -> SessionAnswer:
    """Begin one. Raises SessionLimit, InputError (AvatarError), NotDone."""
    uri = None if wanted.background is None else background_address(site, wanted.background)
    scheme = None if uri is None else background_scheme(uri)
    if scheme is not None and not scheme.hides_room:
        raise NotDone("background: an avatar has no room of its own to be shown out of focus")
    return session_answer(site.daemon.sessions.create(wanted.avatar, uri, wanted.label))


def end(site: Site, identity: str) -> SessionsAnswer:
    """End one. Raises NoSuchSession, NotDone."""
    if identity == MAIN:
        raise NotDone("main is the box's own programme, which ends with the box")
    site.daemon.sessions.end(identity)
    return sessions(site)


def session_answer(one: OnAir) -> SessionAnswer:
    """What there is to say of a session."""
    entry = entry_answer(one)
    return SessionAnswer(**dict(entry), turns=turns_of(one.playout))


def entry_answer(one: OnAir) -> SessionEntryAnswer:
    """The same without its turns, which may be long."""
    state, playout = one.state(), one.playout
    return SessionEntryAnswer(
        id=state.id, label=state.label, state=state.state, reason=redact(state.reason),
        avatar=None if playout is None else avatar_answer(playout),
        background=redact(state.background), created=state.created, fps=state.fps,
        clients=state.clients, idle_s=state.idle_s,
        rtsp=None if state.rtsp is None else redact(state.rtsp), whep=state.whep,
    )  # fmt: skip


def avatar_answer(playout: Playout) -> AvatarAnswer:
    """What there is to say of an avatar."""
    format = playout.format
    return AvatarAnswer(
        name=playout.avatar.name, actions=list(playout.actions), clips=list(playout.avatar.clips),
        size=f"{format.width}x{format.height}", fps=format.rate, voice=playout.voice,
    )  # fmt: skip


def turn_answer(turn: TurnState) -> TurnAnswer:
    """What there is to say of a turn."""
    return TurnAnswer.model_validate(asdict(turn) | {"reason": redact(turn.reason)})


def turns_of(playout: Playout | None) -> list[TurnAnswer]:
    """The turns of a session, in order."""
    return [] if playout is None else [turn_answer(turn) for turn in playout.turns()]
