"""Ways to corrupt bytes, for every target."""

from __future__ import annotations

import random
from collections.abc import Sequence

_SIZES = (1, 2, 3, 7, 16, 64, 255, 256, 1000, 5000)


def spoiled(data: bytes, words: Sequence[bytes], rng: random.Random, most: int = 6) -> bytes:
    """``data`` after 1 to ``most`` random changes; ``words`` are the tokens of its language."""
    for _ in range(rng.randint(1, most)):
        data = rng.choice(_WAYS)(data, words, rng)
    return data


def _flip(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _insert_bytes(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at:]


def _insert_word(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    times = rng.choice(_SIZES) if rng.random() < 0.1 else 1
    return data[:at] + rng.choice(words) * times + data[at:]


def _replace_word(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    there = [word for word in words if word in data]
    if not there:
        return data
    return data.replace(rng.choice(there), rng.choice(words), rng.choice((1, 1, 3, -1)))


def _cut(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.choice(_SIZES) :]


def _truncate(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


def _repeat(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    piece = data[at : at + rng.choice(_SIZES)]
    return data[:at] + piece * rng.choice((2, 3, 10, 100)) + data[at:]


def _swap_lines(data: bytes, words: Sequence[bytes], rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


_WAYS = (
    _flip, _insert_bytes, _insert_word, _insert_word, _replace_word, _replace_word, _cut, _truncate,
    _repeat, _swap_lines,
)  # fmt: skip
