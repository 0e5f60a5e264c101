"""What the API accepts and answers about avatars, their sessions and their turns."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from appliance.http.schemas import AnswerModel, BodyModel
from appliance.playout.events import EventKind
from appliance.playout.script import MOST_CHARACTERS

Interrupt = Literal["queue", "replace"]
_INTERRUPT: Any = Field(
    "queue", description="queue: after what waits; replace: at once, in its place"
)


class AvatarAnswer(AnswerModel, title="Avatar"):
    """What a session plays."""

    name: str
    actions: list[str] = Field(description="what play and [action:NAME] may name")
    clips: list[str]
    size: str = Field(description="WIDTHxHEIGHT, pixels")
    fps: float
    voice: str = Field(description="what speaks texts; empty: nothing does")


class TurnAnswer(AnswerModel, title="Turn"):
    """Something said or done."""

    number: int
    state: Literal["queued", "speaking", "finished", "interrupted", "failed"]
    text: str
    cues: list[str] = Field(description="the actions in it that are yet to come")
    reason: str
    heard_s: float


class SessionEntryAnswer(AnswerModel, title="SessionEntry"):
    """One session, in short; main is the box's own programme."""

    id: str
    label: str
    state: str
    reason: str
    avatar: AvatarAnswer | None = Field(description="null: its source plays no avatar now")
    background: str
    created: float = Field(description="seconds since 1970")
    fps: float
    clients: int
    idle_s: float
    rtsp: str | None
    whep: str


class SessionAnswer(SessionEntryAnswer, title="Session"):
    """One session, with its turns: the last ones, what is said, and what waits."""

    turns: list[TurnAnswer]


class SessionsAnswer(AnswerModel, title="Sessions"):
    """All sessions, and what one can be begun with."""

    sessions: list[SessionEntryAnswer]
    avatars: list[str] = Field(description="the avatars of this machine")
    most: int = Field(description="sessions that there may be beside main")


class SessionBody(BodyModel, title="SessionWish"):
    """A session to begin."""

    avatar: str = Field(min_length=1, max_length=64, description="an avatar of this machine")
    background: str | None = Field(
        None, max_length=1000,
        description="a colour or gradient, or a picture of /api/backgrounds by its name; null: the "
        "box's own",
    )  # fmt: skip
    label: str = Field("", max_length=80, description="what to call it")


class SpeakBody(BodyModel, title="Speech"):
    """What is to be said."""

    # Its length is looked at with what it says, which tells what to do with a longer one.
    text: str = Field(
        "", json_schema_extra={"maxLength": MOST_CHARACTERS},
        description="[action:NAME] in it plays an action as the word after it is said",
    )  # fmt: skip
    wav: str | None = Field(
        None, max_length=200_000_000,
        description="recorded speech, a WAV file in base64, in place of a voice; text is then what "
        "is said in it, if it is known",
    )  # fmt: skip
    interrupt: Interrupt = _INTERRUPT


class PlayBody(BodyModel, title="Play"):
    """An action to play."""

    action: str = Field(min_length=1, max_length=64)
    interrupt: Interrupt = _INTERRUPT


class InterruptedAnswer(AnswerModel, title="Interrupted"):
    """What an interrupt ended."""

    ended: int = Field(description="turns that were on or waited")


class EventAnswer(AnswerModel, title="Event"):
    """What an event of the stream holds."""

    number: int = Field(description="counts the events; a gap: some were forgotten meanwhile")
    kind: EventKind
    turn: int = Field(description="0: it belongs to none")
    tick: int = Field(description="the frame with which it was played")
    time_s: float = Field(description="seconds since the avatar's first frame")
    data: dict[str, object] = Field(
        description="queued: text, cues. word: word, position, length, in characters of the text. "
        "caption: text, caption. action: action. idle: clip. failed: reason. finished, "
        "interrupted, failed: heard_s"
    )
