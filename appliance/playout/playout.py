"""The one clock of an avatar: each tick gives its picture, exactly its samples, and its cues.

Nothing here waits or has a pace of its own: whoever pulls the ticks sets it, a source in real time
or a test as fast as it can. Work is done ahead by a voice's thread (``speaker``) and a face
driver's (``face_ahead``); a tick takes what is there. Every piece of work belongs to a turn, and an
interrupt ends all turns up to a number: what comes of them later is dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from appliance.avatars.avatar import Avatar
from appliance.avatars.clip import Clip, samples_until
from appliance.captions.track import CaptionTrack
from appliance.errors import MatteboxError, VoiceError
from appliance.faces.base import FaceDriver
from appliance.media.audio import I16, RATE
from appliance.media.caption import Caption
from appliance.media.frame import Format
from appliance.playout.events import EventKind, EventLog
from appliance.playout.face_ahead import FaceAhead
from appliance.playout.script import Script, ScriptError, parse
from appliance.playout.sound import faded_in, faded_out, mixed
from appliance.playout.speaker import Speaker, Stream, recited, spoken
from appliance.playout.tick import Tick
from appliance.playout.turn import At, Turn, TurnState, state_of
from appliance.playout.walk import Desires, Place, Walk
from appliance.voices.base import Voice
from appliance.voices.recorded import read_recording

log = structlog.get_logger(__name__)

Interrupt = Literal["queue", "replace"]

MOST_TURNS = 64
"""Turns that may wait; one more is refused."""
_OVER_KEPT = 32
# How long a caption stays after the last word, unless the next one comes.
_CAPTION_STAYS_S = 0.6
_MOST_HUNG = 3
# Pictures that are read from the disk ahead: as long as the shortest way into a clip.
_SOON = 8
# For finding the words of a recording; it is spoken without them then, as a client waits.
_WORDS_S = 12.0
_NO_VOICE = "there is no voice; see voice.name"


class TurnRefused(MatteboxError, RuntimeError):
    """A turn that cannot be taken now, as too many wait."""


@dataclass(frozen=True, slots=True)
class PlayoutCounts:
    """Totals since the first tick.

    Attributes:
        ticks, samples: given out. turns: asked for. cuts: steps without a seam.
        patches, late: face patches shown, and those that came too late.
        underruns: times that a voice was slower than the clock.
    """

    ticks: int = 0
    samples: int = 0
    turns: int = 0
    cuts: int = 0
    patches: int = 0
    late: int = 0
    underruns: int = 0


class Playout:
    """One avatar, playing. ``tick`` is called by one thread; all else by any.

    Attributes:
        avatar: what is played. events: what happens, as it is played. track: what was said when, on
            the playout's own line from 0.
    """

    def __init__(
        self, avatar: Avatar, voice: Voice | None = None, *, no_voice: str = "",
        voice_timeout_s: float = 10.0, seed: int = 0,
    ) -> None:  # fmt: skip
        """Begin in the first idle clip.

        Args:
            voice: what speaks texts; it is closed with the playout. ``no_voice``: why there is
                none, which a turn with a text then fails with.
            voice_timeout_s: a voice that gives nothing for so long has failed.
            seed: for the choice between idle clips.
        """
        self.avatar = avatar
        self.events = EventLog()
        self.track = CaptionTrack()
        self._voice, self._no_voice = voice, no_voice or _NO_VOICE
        self._patience = voice_timeout_s
        self._speaker = Speaker()
        self._hung: list[Speaker] = []
        self._walk = Walk(avatar, seed)
        self._face: FaceAhead | None = None
        self._late = 0
        self._lock = threading.Lock()
        self._turns: deque[Turn] = deque()
        self._over: deque[Turn] = deque(maxlen=_OVER_KEPT)
        self._numbers = 0
        # Bounded by what a turn may hold: see ``_begin``.
        self._actions: deque[tuple[int, str]] = deque()
        self._urgent = False
        self._laps = 0
        self._acting = 0
        self._tail: I16 | None = None
        self._place: Place | None = None
        self._clip_sound: tuple[Clip, int] | None = None
        self._number = 0
        self._caption: Caption | None = None
        self._captions = 0
        self._caption_until = 0
        # What begins so late in a tick that the next one is nearer.
        self._coming: list[tuple[Turn, At]] = []
        self._captioned: tuple[Turn, Caption] | None = None
        self._counts: dict[str, int] = dict.fromkeys(PlayoutCounts.__slots__, 0)
        self._closed = False

    @property
    def format(self) -> Format:
        """Of the canvas."""
        return self.avatar.format

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that there are."""
        return self._walk.actions

    @property
    def idles(self) -> bool:
        """Whether an idle clip is shown."""
        place = self._place
        return place is None or self._walk.idles(place)

    @property
    def voice(self) -> str:
        """The name of the voice; empty if there is none."""
        return "" if self._voice is None else self._voice.name

    @property
    def counts(self) -> PlayoutCounts:
        """Totals so far."""
        late = self._late + (0 if self._face is None else self._face.late)
        return PlayoutCounts(**(self._counts | {"late": late}))

    @property
    def time_s(self) -> float:
        """Seconds of media given out."""
        numerator, denominator = self.format.fps
        return self._number * denominator / numerator

    def use_voice(self, voice: Voice | None, no_voice: str = "") -> None:
        """Speak with another voice from the next turn on; the old one speaks its own to the end.

        ``no_voice``: why there is none.
        """
        with self._lock:
            closed = self._closed
            if not closed:
                old, self._voice = self._voice, voice
                self._no_voice = no_voice or _NO_VOICE
                if old is not None:
                    self._speaker.afterwards(old.close)
        if closed and voice is not None:
            voice.close()

    def use_face(self, face: FaceDriver | None) -> None:
        """Move the mouth by another driver from now on; it is closed with the playout.

        One that cannot serve the avatar is logged, and closed: the mouth is left as it is.
        """
        made = None
        if face is not None:
            try:
                made = FaceAhead(face, self.avatar)
            except MatteboxError as error:
                log.warning("the face driver cannot serve this avatar", why=str(error))
                face.close()
        with self._lock:
            if self._closed:
                old = made
            else:
                old, self._face = self._face, made
                self._late += 0 if old is None else old.late
        if old is not None:
            old.close()

    # What may be asked.

    def speak(self, text: str, interrupt: Interrupt = "queue") -> TurnState:
        """Say a text, in which [action:NAME] plays an action at its place.

        Raises ScriptError for a text that cannot be said, TurnRefused when too many turns wait.
        """
        script = parse(text, set(self.actions), ", ".join(self.actions))
        stream = spoken(self._who_speaks, script.text)
        return state_of(self._begin(script, interrupt, stream))

    def recite(self, wav: bytes, text: str = "", interrupt: Interrupt = "queue") -> TurnState:
        """Play recorded speech, a WAV file; ``text``: what is said in it, where that is known.

        Takes as long as its words take to be found, ``_WORDS_S`` at most. Raises as ``speak`` does,
        and InputError for a file that cannot be used.
        """
        script = Script("")
        if text.strip():
            script = parse(text, set(self.actions), ", ".join(self.actions))
        language = (self._voice.language if self._voice is not None else "") or "en"
        recording = read_recording(wav, script.text, language, _WORDS_S)
        said = Script(recording.text, script.cues)
        stream = recited(recording.speech, recording.text, language)
        return state_of(self._begin(said, interrupt, stream))

    def open_turn(self, interrupt: Interrupt = "queue") -> Turn:
        """A turn whose speech arrives in pieces: ``add`` them, then ``complete`` it.

        Raises TurnRefused.
        """
        return self._begin(Script(""), interrupt, None)

    def play(self, action: str, interrupt: Interrupt = "queue") -> TurnState:
        """Play an action. Raises ScriptError for one that there is not, TurnRefused."""
        return self.speak(f"[action:{action}]", interrupt)

    def interrupt(self) -> int:
        """End what is said and done, and all that waits; returns the number of turns ended.

        The sound is silent within a tick and 10 ms, and the avatar takes the next way to its idle
        pose.
        """
        with self._lock:
            ended = self._end_all()
            self._urgent = True
            self._actions.clear()
        return ended

    def turns(self) -> list[TurnState]:
        """The turns that are on or wait, in order, after the last ones that are over."""
        with self._lock:
            return [state_of(turn) for turn in (*self._over, *self._turns)]

    def close(self) -> None:
        """End all threads; ``tick`` must not be called after it. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.interrupt()
        # Those that hang have been left to themselves: nobody waits for them again.
        self._speaker.close()
        if self._face is not None:
            self._face.close()
        if self._voice is not None:
            self._voice.close()
        self.events.close()

    def _begin(self, script: Script, interrupt: Interrupt, stream: Stream | None) -> Turn:
        with self._lock:
            if self._closed:
                raise TurnRefused("the avatar has ended, or is being opened anew; try again")
            if interrupt == "queue" and len(self._actions) >= MOST_TURNS:
                raise TurnRefused(
                    f"{len(self._actions)} actions wait already; wait for an action event, or send "
                    "this one with interrupt: replace"
                )
            if interrupt == "queue" and len(self._turns) >= MOST_TURNS:
                raise TurnRefused(
                    f"{MOST_TURNS} turns wait already; wait for a finished event, or send this one "
                    "with interrupt: replace"
                )
            if interrupt == "replace":
                self._end_all()
                self._urgent = True
                self._actions.clear()
            self._numbers += 1
            self._counts["turns"] += 1
            turn = Turn(self._numbers, script)
            self._turns.append(turn)
            names = [cue.action for cue in script.cues]
            self._tell("queued", turn.number, text=script.text, cues=names)
            if stream is None:
                turn.inlet = True
            else:
                self._speaker.speak(turn, stream)
        return turn

    def _end_all(self) -> int:
        """End every turn; the lock is held."""
        ended = len(self._turns)
        while self._turns:
            turn = self._turns.popleft()
            if turn.state == "speaking":
                self._tail = faded_out(turn.peek(RATE // 100))
            self._leave(turn, "interrupted")
        self._caption = None
        self._coming.clear()
        return ended

    def _leave(self, turn: Turn, state: Literal["finished", "interrupted", "failed"]) -> None:
        turn.state = state
        turn.drop()
        self._over.append(turn)
        self._counts["underruns"] += turn.underruns
        more = {"reason": turn.reason} if turn.reason else {}
        self._tell(state, turn.number, heard_s=round(turn.taken / RATE, 3), **more)

    def _who_speaks(self) -> Voice:
        """The voice now. Raises VoiceError, which says why there is none."""
        if self._voice is None:
            raise VoiceError(self._no_voice)
        return self._voice

    def _tell(self, kind: EventKind, turn: int, **data: object) -> None:
        self.events.add(kind, turn, self._number, round(self.time_s, 4), **data)

    # The clock.

    def tick(self) -> Tick:
        """The next picture with its samples."""
        fps = self.format.fps
        count = samples_until(self._number + 1, fps) - samples_until(self._number, fps)
        with self._lock:
            speech = self._speech(count)
            self._end_caption()
            speaking = self._turns[0].number if self._turns and speech is not None else 0
            place, cut = self._step()
            clip_sound = self._sound_of(place)
            tail, self._tail = self._tail, None
        parts = [part for part in (speech, *clip_sound, tail) if part is not None and len(part)]
        samples = mixed(count, *parts)
        clip = self._clip(place)
        clip.soon(place.frame + _SOON)
        if place.seam is not None and place.frame == 0:
            clip.soon(0, _SOON)
            self.avatar.clips[place.seam.target].soon(place.seam.entry, _SOON)
        picture = clip.frame(place.frame)
        patch = None
        face = self._face
        if face is not None and speech is not None and speaking:
            patch = face.patch(self._number, speaking, place)
            self._plan_faces(face, place, speech)
        self._counts["ticks"] += 1
        self._counts["samples"] += count
        self._counts["cuts"] += cut
        self._counts["patches"] += patch is not None
        self.track.show(self._caption, self._number * 1_000_000_000 * fps[1] // fps[0])
        tick = Tick(self._number, place, picture, cut, patch, samples, self._caption)
        self._number += 1
        return tick

    def _speech(self, count: int) -> I16 | None:
        """What is said in this tick; the lock is held."""
        coming, self._coming = self._coming, []
        for turn, at in coming:
            self._show(turn, at)
        while self._turns:
            turn = self._turns[0]
            if turn.state == "queued":
                if not turn.ready:
                    self._watch(turn)
                    return None
                if not turn.exhausted:
                    turn.state = "speaking"
                    self._tell("started", turn.number)
            if turn.exhausted:
                self._do_cues(turn, 1 << 62)
                if turn.taken == 0 and self._acts_for(turn):
                    # Nothing but actions: it is over when they are.
                    turn.state = "speaking"
                    return None
                self._turns.popleft()
                self._leave(turn, "failed" if turn.reason else "finished")
                continue
            samples, ats = turn.take(count)
            middle = turn.taken - len(samples) + count // 2
            for at in ats:
                self._happen(turn, at, late=at.sample > middle)
            if len(samples) < count and turn.starved:
                turn.underruns += len(samples) > 0
                self._watch(turn)
            return samples
        return None

    def _end_caption(self) -> None:
        """Have none any more once its time is over and its turn says nothing; the lock is held."""
        if self._caption is None or self._number < self._caption_until:
            return
        turn = None if self._captioned is None else self._captioned[0]
        if turn is None or turn.over or turn.starved:
            self._caption = None

    def _happen(self, turn: Turn, at: At, *, late: bool) -> None:
        """Let it take effect; a caption that comes ``late`` in a tick in the next one."""
        self._stay()
        if at.kind == "word":
            if self._caption is None and self._captioned is not None and self._captioned[0] is turn:
                # It went while the voice was waited for.
                self._caption = self._captioned[1]
            self._do_cues(turn, at.position)
            self._tell("word", turn.number, word=at.value, position=at.position, length=at.length)
        elif at.kind == "caption" and late:
            self._coming.append((turn, at))
        elif at.kind == "caption":
            self._show(turn, at)

    def _show(self, turn: Turn, at: At) -> None:
        self._stay()
        self._captions += 1
        self._caption = Caption(at.value, at.also, self._captions)
        self._captioned = turn, self._caption
        self._tell("caption", turn.number, text=at.value, caption=self._captions)

    def _stay(self) -> None:
        numerator, denominator = self.format.fps
        self._caption_until = self._number + int(_CAPTION_STAYS_S * numerator / denominator)

    def _do_cues(self, turn: Turn, position: int) -> None:
        while turn.cues and turn.cues[0].position <= position:
            action = turn.cues.popleft().action
            self._actions.append((turn.number, action))
            self.avatar.clips[action].soon(0, _SOON)

    def _watch(self, turn: Turn) -> None:
        """Give up a voice that says nothing for too long; the lock is held."""
        since = turn.fed_at if turn.inlet else self._speaker.busy_since
        if since is None or time.monotonic() - since < self._patience:
            return
        if not turn.inlet:
            hanging = self._speaker
            other = hanging.abandon(since)
            if other is None:
                return
            self._speaker = other
            self._hung = [speaker for speaker in (*self._hung, hanging) if speaker.alive]
            if len(self._hung) > _MOST_HUNG:
                self._voice = None
                self._no_voice = "the voice hung again and again; restart mattebox"
            if hanging.doing is not turn:
                # With an earlier turn, which nobody waits for: this one is made by the other.
                log.warning("the voice hangs with an old turn", after_s=self._patience)
                return
        turn.reason = f"the voice gave nothing for {self._patience:g} s"
        log.warning("the voice hangs", turn=turn.number, after_s=self._patience)
        turn.drop()

    # The walk.

    def _desires(self) -> Desires:
        action = self._actions[0][1] if self._actions else ""
        return Desires(action, self._talks, self._urgent, self._laps)

    @property
    def _talks(self) -> bool:
        turn = self._turns[0] if self._turns else None
        return turn is not None and turn.state == "speaking" and not turn.exhausted

    def _acts_for(self, turn: Turn) -> bool:
        """Whether an action of this turn is still to come, or is being played."""
        return turn.number == self._acting or any(n == turn.number for n, _ in self._actions)

    def _step(self) -> tuple[Place, bool]:
        """Move on by a frame; whether that was a cut. The lock is held."""
        before = self._place
        if before is None:
            place = self._walk.start
        else:
            place = self._walk.after(before, self._desires())
        self._place = place
        self._laps += self._walk.loops(place)
        if self._actions and self._walk.begins(before, place, self._actions[0][1]):
            self._acting, action = self._actions.popleft()
            self._tell("action", self._acting, action=action)
            self._urgent = False
        elif place.seam is not None or not self._walk.acts(place):
            self._acting = 0
        # Out of an action in any case; out of talking unless somebody talks again.
        calm = self._talks or self._walk.idles(place)
        self._urgent &= self._walk.acts(place) or not calm
        if before is not None and self._walk.idles(place) and not self._walk.idles(before):
            self._tell("idle", 0, clip=place.clip)
        return place, before is not None and self._walk.cuts(before, place)

    def _clip(self, place: Place) -> Clip:
        if place.seam is not None:
            return self.avatar.seams[place.seam]
        return self.avatar.clips[place.clip]

    def _sound_of(self, place: Place) -> list[I16]:
        """The sound of a clip in this frame, and the end of that of the last one."""
        clip = self._clip(place)
        before, self._clip_sound = self._clip_sound, None
        goes_on = before is not None and before[0] is clip and before[1] + 1 == place.frame
        goes_on &= not self._urgent
        parts = []
        if before is not None and not goes_on and before[1] + 1 < before[0].frames:
            rest = before[0].sound(before[1] + 1)
            if rest is not None:
                parts.append(faded_out(rest))
        samples = None
        if self._walk.sounds(place) and not self._urgent:
            samples = clip.sound(place.frame)
        if samples is not None:
            self._clip_sound = (clip, place.frame)
            parts.append(samples if goes_on or place.frame == 0 else faded_in(samples))
        return parts

    def _plan_faces(self, face: FaceAhead, place: Place, heard: I16) -> None:
        """Have the face made for the ticks to come, as they would be if nothing new is asked."""
        with self._lock:
            if not self._turns:
                return
            turn, ahead, desires = self._turns[0], [], self._desires()
            for _ in range(face.ahead):
                before, place = place, self._walk.after(place, desires)
                ahead.append(place)
                if desires.action and self._walk.begins(before, place, desires.action):
                    desires = replace(desires, action="")
            sound, marks = turn.peek(face.samples_ahead), turn.marks()
        face.ask(self._number + 1, turn.number, ahead, heard, sound, marks, turn.taken)


__all__ = ["MOST_TURNS", "Interrupt", "Playout", "PlayoutCounts", "ScriptError", "TurnRefused"]
