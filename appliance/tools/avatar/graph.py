"""Draws an avatar's clips with what leads from one to the next, and seams frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from appliance.avatars.avatar import Avatar, ClipEntry, SeamEntry
from appliance.avatars.clip import ClipFrame, seconds
from appliance.media.frame import U8, Frame, Rect
from appliance.pixels.cpu.picture import to_bgr
from appliance.tools.avatar.judge import LEAST_SHARPNESS, MOST_JUMP
from appliance.tools.avatar.person import around, on, person_box

_PAPER, _INK, _FAINT = (246, 246, 246), (30, 30, 30), (150, 150, 150)
_BARS = {"idle": (176, 150, 100), "action": (110, 160, 220), "talk": (130, 170, 120)}
_GOOD, _FAIR, _BAD, _CUT = (90, 150, 40), (30, 150, 230), (50, 50, 210), (150, 120, 120)
_FONT, _WIDTH, _LEFT, _RIGHT = cv2.FONT_HERSHEY_SIMPLEX, 1600, 250, 30
_BAR, _ROW, _TOP, _LEGEND = 24, 120, 60, 110
_LEVELS = 5
_BESIDE, _STRIP, _NOTE = 2, 240, 190
_GREY = 128

Bgr = tuple[int, int, int]


def draw_graph(avatar: Avatar) -> U8:
    """Clips as bars along their time, seams as curves from exit to entry: BGR (height, width, 3).

    Green is within both bars, orange misses one by up to a third, red by more; grey is a cut. Thin
    numbers at an exit are J and S, where there is room for them.
    """
    entries = avatar.manifest.clips
    height = _TOP + _ROW * len(entries) + _LEGEND
    out = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    longest = max(entry.frames for entry in entries)
    rows = {entry.name: _TOP + _ROW * index + _ROW // 2 for index, entry in enumerate(entries)}
    scale = (_WIDTH - _LEFT - _RIGHT) / max(1, longest)
    ordered = sorted(avatar.manifest.seams, key=_badness)
    lines = out.copy()
    for seam in ordered:
        _arc(lines, seam, rows, scale)
    cv2.addWeighted(lines, 0.75, out, 0.25, 0, dst=out)
    for entry in entries:
        _bar(out, entry, rows[entry.name], scale, avatar.format.fps)
    _figures(out, ordered, rows, scale)
    _legend(out, avatar, height - _LEGEND + 24)
    return out


def draw_seams(avatar: Avatar, most: int = 10) -> U8:
    """Film strips of so many seams, the worst first, over grey: BGR (height, width, 3).

    Two frames before the exit, the exit, the seam's own (in a frame), the entry and two after it,
    with J and S beside them.
    """
    chosen = sorted(avatar.manifest.seams, key=_badness, reverse=True)[:most]
    strips = [_strip(avatar, seam) for seam in chosen]
    if not strips:
        return np.full((_STRIP, _NOTE, 3), _PAPER, np.uint8)
    width = max(strip.shape[1] for strip in strips)
    return np.vstack([_padded(strip, width) for strip in strips])


def _badness(seam: SeamEntry) -> float:
    """At most 1 within both bars."""
    return max(seam.jump / MOST_JUMP, LEAST_SHARPNESS / max(seam.sharpness, 1e-3))


def _colour(seam: SeamEntry) -> Bgr:
    bad = _badness(seam)
    if bad > 1:
        return _FAIR if bad <= 4 / 3 else _BAD
    return _GOOD if seam.frames else _CUT


def _arc(out: U8, seam: SeamEntry, rows: dict[str, int], scale: float) -> None:
    start = np.array((_LEFT + (seam.exit + 1) * scale, rows[seam.source]))
    end = np.array((_LEFT + seam.entry * scale, rows[seam.target]))
    down = end[1] > start[1]
    same = end[1] == start[1]
    # A way back within a clip bends above it; others leave from the side that faces their target.
    start[1] += _BAR / 2 if down else -_BAR / 2
    end[1] += _BAR / 2 if not (down or same) else -_BAR / 2
    pull = (0.0, -(_ROW - _BAR) * 0.55) if same else (0.0, (end[1] - start[1]) * 0.5)
    first = start + pull
    second = end + (pull if same else (0.0, -pull[1]))
    t = np.linspace(0, 1, 40)[:, None]
    curve = (
        (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second
        + t**3 * end
    )  # fmt: skip
    points = np.rint(curve).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(out, [points], False, _colour(seam), 1, cv2.LINE_AA)
    for place, radius in ((start, 2), (end, 3)):
        x, y = (round(float(v)) for v in place)
        cv2.circle(out, (x, y), radius, _colour(seam), -1, cv2.LINE_AA)


def _bar(out: U8, entry: ClipEntry, y: int, scale: float, fps: tuple[int, int]) -> None:
    right = _LEFT + max(2, round(entry.frames * scale))
    cv2.rectangle(out, (_LEFT, y - _BAR // 2), (right, y + _BAR // 2), _BARS[entry.role], -1)
    _text(out, entry.name[:24], (12, y - 2), 0.5)
    words = f"{entry.role}, {seconds(entry.frames, fps):.2f} s"
    _text(out, words, (12, y + 16), 0.42, _FAINT)
    every = max(1, round(fps[0] / fps[1]))
    for frame in range(0, entry.frames, every):
        x = _LEFT + round(frame * scale)
        cv2.line(out, (x, y - _BAR // 2), (x, y + _BAR // 2), _PAPER, 1)
        if entry.frames <= 40 * every:
            _text(out, f"{frame // every}", (x + 3, y + 4), 0.36, _PAPER)


def _figures(out: U8, seams: Sequence[SeamEntry], rows: dict[str, int], scale: float) -> None:
    """J and S at exits; the worst first, and none over another."""
    taken: list[tuple[int, int]] = []
    for seam in reversed(seams):
        down = rows[seam.target] > rows[seam.source]
        x = _LEFT + round((seam.exit + 1) * scale) + 4
        y = rows[seam.source] + (_BAR // 2 + 12 if down else -_BAR // 2 - 5)
        if x + 60 < _WIDTH and all(abs(x - u) > 62 or abs(y - v) > 11 for u, v in taken):
            taken.append((x, y))
            _text(out, f"{seam.jump:.2f} {seam.sharpness:.2f}", (x, y), 0.34, _colour(seam))


def _legend(out: U8, avatar: Avatar, y: int) -> None:
    seams = avatar.manifest.seams
    good = sum(_badness(seam) <= 1 for seam in seams)
    frames = sum(seam.frames for seam in seams)
    megabytes = sum(clip.header.size for clip in avatar.seams.values()) / 1e6
    text = (
        f"{len(seams)} seams, {frames} frames of their own, {megabytes:.0f} MB; {good} within "
        f"J {MOST_JUMP:g} and S {LEAST_SHARPNESS:g}"
    )
    _text(out, text, (12, y), 0.5)
    x = 12
    for colour, words in (
        (_GOOD, "within both"), (_FAIR, "misses one by up to a third"), (_BAD, "by more"),
        (_CUT, "a cut, within both"),
    ):  # fmt: skip
        cv2.line(out, (x, y + 22), (x + 30, y + 22), colour, 2, cv2.LINE_AA)
        _text(out, words, (x + 38, y + 26), 0.42)
        x += 58 + 8 * len(words)
    words = "at an exit: J, the largest step by the clips' own, and S, least sharpness by the ends'"
    _text(out, words, (12, y + 52), 0.42, _FAINT)


def _strip(avatar: Avatar, seam: SeamEntry) -> U8:
    source, target = avatar.clips[seam.source], avatar.clips[seam.target]
    before = [source.frame(max(0, seam.exit - k)) for k in range(_BESIDE, -1, -1)]
    own = [avatar.seams[seam].frame(k) for k in range(seam.frames)]
    last = target.frames - 1
    after = [target.frame(min(last, seam.entry + k)) for k in range(_BESIDE + 1)]
    frames = [*before, *own, *after]
    rect = around([person_box(frame) for frame in frames])
    if not rect.area:
        rect = frames[0].rect
    note = np.full((_STRIP, _NOTE, 3), _PAPER, np.uint8)
    how = f"{seam.frames} by {seam.method}" if seam.frames else "cut"
    lines = (
        seam.source[:20], f"{seam.exit}", f"to {seam.target[:18]}", f"{seam.entry}", how,
        f"J {seam.jump:.2f}  S {seam.sharpness:.2f}",
    )  # fmt: skip
    for index, line in enumerate(lines):
        colour = _colour(seam) if index == len(lines) - 1 else _INK
        _text(note, line, (8, 30 + 26 * index), 0.5, colour)
    pictures = []
    for index, frame in enumerate(frames):
        picture = _over_grey(frame, rect, avatar)
        if len(before) <= index < len(before) + len(own):
            cv2.rectangle(picture, (0, 0), (picture.shape[1] - 2, _STRIP - 2), _colour(seam), 2)
        pictures.append(picture)
    return np.hstack([note, *pictures])


def _over_grey(frame: ClipFrame, rect: Rect, avatar: Avatar) -> U8:
    person = on(frame, rect)
    colours = to_bgr(Frame(person.y, person.uv, avatar.format.colour)).astype(np.float32)
    share = person.alpha[..., None].astype(np.float32) / 255
    picture = np.asarray(colours * share + _GREY * (1 - share), np.uint8)
    width = max(8, round(_STRIP * rect.width / rect.height))
    small = cv2.resize(picture, (width, _STRIP), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _padded(picture: U8, width: int) -> U8:
    more = width - picture.shape[1]
    return np.asarray(
        cv2.copyMakeBorder(picture, 0, 4, 0, more, cv2.BORDER_CONSTANT, value=_PAPER), np.uint8
    )


def _text(out: U8, text: str, place: tuple[int, int], size: float, colour: Bgr = _INK) -> None:
    cv2.putText(out, text, place, _FONT, size, colour, 1, cv2.LINE_AA)
