"""Speech that arrives while it is spoken: 16-bit samples, in a body that is sent bit by bit."""

from __future__ import annotations

import asyncio
import contextlib
import time

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from appliance.media.audio import I16
from appliance.playout.playout import Interrupt, Playout, TurnRefused
from appliance.playout.turn import Piece, Turn, TurnState, state_of
from appliance.voices.resample import Resampler

KIND = "audio/l16"
_LEAST, _MOST = 8_000, 192_000
# Pieces smaller than this wait for more: 20 ms at 48 kHz.
_PIECE_S = 0.02
_WAIT_S = 60.0
_LOOK_S = 0.1


async def receive_voice(request: Request, playout: Playout, interrupt: Interrupt) -> TurnState:
    """Take a body of little-endian int16 samples, one channel, as one turn; returns at its end.

    Its rate is in the Content-Type, as RFC 2586 has it: audio/L16;rate=16000. It is heard as it
    comes; who sends faster than it is heard is made to wait.
    """
    rate = _rate(request.headers.get("content-type", ""))
    try:
        turn = playout.open_turn(interrupt)
    except TurnRefused as error:
        raise HTTPException(503, str(error), {"Retry-After": "5"}) from error
    resampler, held = Resampler(rate), b""
    try:
        # Of who goes away, what came is said.
        with contextlib.suppress(ClientDisconnect):
            async for chunk in request.stream():
                held += chunk
                if len(held) < 2 * _PIECE_S * rate:
                    continue
                whole, held = held[: len(held) & ~1], held[len(held) & ~1 :]
                if not await _add(turn, resampler.push(_samples(whole))):
                    break
        await _add(turn, resampler.push(_samples(held[: len(held) & ~1])))
        await _add(turn, resampler.flush())
    finally:
        turn.complete()
    return state_of(turn)


async def _add(turn: Turn, samples: I16) -> bool:
    """Hand samples on as there is room for them; False when nobody wants them any more."""
    piece = Piece(samples)
    if len(piece.samples) == 0:
        return True
    deadline = time.monotonic() + _WAIT_S
    # Asked again and again rather than waited for in a thread: those are few.
    while not turn.add(piece, 0.0):
        if turn.cancel.is_set() or time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


def _samples(data: bytes) -> I16:
    return np.frombuffer(data, "<i2").astype(np.int16)


def _rate(given: str) -> int:
    kind, _, options = given.partition(";")
    name, _, value = options.strip().partition("=")
    if kind.strip().lower() != KIND or name.strip().lower() != "rate":
        raise HTTPException(415, f"found {given[:60]!r}; expected audio/L16;rate=16000")
    if not (value.isascii() and value.isdigit() and _LEAST <= int(value[:9]) <= _MOST):
        raise HTTPException(415, f"rate: found {value[:20]!r}; expected {_LEAST} to {_MOST}")
    return int(value)
