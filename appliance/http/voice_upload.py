"""Speech that arrives while it is spoken: 16-bit samples, in a body that is sent bit by bit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from email.message import Message

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from appliance.media.audio import I16
from appliance.playout.playout import Interrupt, Playout, TurnRefused
from appliance.playout.turn import AHEAD_S, Piece, Turn, TurnState, state_of
from appliance.voices.resample import RATES, Resampler

KINDS = {"audio/pcm": "little-endian", "audio/l16": "big-endian"}
"""What is taken, and its usual byte order: that of sound cards, and that of RFC 2586."""
EXAMPLE = "audio/pcm;rate=16000"
_ORDERS = {"little-endian": "<i2", "big-endian": ">i2"}
# Pieces smaller than this wait for more: 20 ms at 48 kHz.
_PIECE_S = 0.02
_WAIT_S = 60.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class VoiceKind:
    """Samples a second, and numpy's name of a sample."""

    rate: int
    sample: str


async def receive_voice(
    request: Request, playout: Playout, interrupt: Interrupt, ending: threading.Event
) -> TurnState:
    """Take a body of int16 samples, one channel, as one turn; returns at its end.

    Its rate is in the Content-Type: see ``kind_of``. It is heard as it comes; who sends faster than
    it is heard is made to wait. Ends early when the turn does, and when the server is to stop
    (``ending``); what came of a sender who goes away is said.
    """
    kind = kind_of(request.headers.get("content-type", ""))
    try:
        turn = playout.open_turn(interrupt)
    except TurnRefused as error:
        raise HTTPException(503, str(error), {"Retry-After": "5"}) from error
    resampler, held = Resampler(kind.rate), b""
    try:
        async with aclosing(_chunks(request, turn, ending)) as chunks:
            async for chunk in chunks:
                held += chunk
                if len(held) < 2 * _PIECE_S * kind.rate:
                    continue
                # A second at most, as what waits is bounded by the piece.
                while len(held) > 1 and not turn.cancel.is_set():
                    size = min(len(held) & ~1, 2 * kind.rate)
                    whole, held = held[:size], held[size:]
                    await _add(turn, resampler.push(_samples(whole, kind)), ending)
        await _add(turn, resampler.push(_samples(held[: len(held) & ~1], kind)), ending)
        await _add(turn, resampler.flush(), ending)
    finally:
        turn.complete()
    return state_of(turn)


def kind_of(given: str) -> VoiceKind:
    """What a Content-Type says: audio/pcm or audio/L16, with rate and, if need be, endianness.

    Raises HTTPException (415).
    """
    message = Message()
    message["content-type"] = given
    kind = message.get_content_type()
    options = {name: str(value) for name, value in message.get_params([])[1:]}
    if kind not in KINDS or "rate" not in options:
        raise HTTPException(
            415, f"found {given[:60] or 'no Content-Type'}; expected {EXAMPLE}: int16 samples of "
            "one channel, little-endian; or audio/L16;rate=16000, big-endian",
        )  # fmt: skip
    rate, channels = options["rate"], options.get("channels", "1")
    if not (rate.isascii() and rate.isdigit() and int(rate[:9]) in RATES):
        raise HTTPException(415, f"rate: found {rate[:20]!r}; expected {RATES[0]} to {RATES[-1]}")
    if channels != "1":
        raise HTTPException(415, f"channels: found {channels[:20]!r}; expected 1")
    order = options.get("endianness", KINDS[kind])
    if order not in _ORDERS:
        words = " or ".join(_ORDERS)
        raise HTTPException(415, f"endianness: found {order[:20]!r}; expected {words}")
    return VoiceKind(int(rate), _ORDERS[order])


async def _chunks(
    request: Request, turn: Turn, ending: threading.Event
) -> AsyncGenerator[bytes, None]:
    """What comes, until the sender or the turn ends, or the server is to stop."""
    stream = aiter(request.stream())
    while not (turn.cancel.is_set() or ending.is_set()):
        coming = asyncio.ensure_future(anext(stream, None))
        try:
            while not coming.done():
                await asyncio.wait({coming}, timeout=_LOOK_S)
                if turn.cancel.is_set() or ending.is_set():
                    return
            chunk = coming.result()
        except ClientDisconnect:
            return
        finally:
            coming.cancel()
        if chunk is None:
            return
        yield chunk


async def _add(turn: Turn, samples: I16, ending: threading.Event) -> None:
    """Hand samples on as there is room for them, if somebody wants them still."""
    piece = Piece(samples)
    if len(piece.samples) == 0:
        return
    deadline, taken = time.monotonic() + _WAIT_S, turn.taken
    # Asked again and again rather than waited for in a thread: those are few.
    while not turn.add(piece, 0.0):
        if turn.cancel.is_set() or ending.is_set():
            return
        if turn.taken > taken:
            deadline, taken = time.monotonic() + _WAIT_S, turn.taken
        if time.monotonic() > deadline:
            raise HTTPException(
                503, f"the turns before it took longer than {_WAIT_S:g} s, and at most {AHEAD_S} s "
                "of speech are kept for later: these are said, the rest is not; send it later, or "
                "with interrupt=replace", {"Retry-After": "5"},
            )  # fmt: skip
        await asyncio.sleep(_LOOK_S)


def _samples(data: bytes, kind: VoiceKind) -> I16:
    return np.frombuffer(data, kind.sample).astype(np.int16)
