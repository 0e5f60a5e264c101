"""The fifteen visemes as shapes of a mouth, and how unlike any two of them look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.media.frame import F32, U8
from appliance.voices.base import VISEMES, Mark

SILENT, CLOSED = VISEMES.index("sil"), VISEMES.index("PP")

SHAPES: F32 = np.array(
    [
        # How far open, 0..1; how far the corners are apart, -1 (pursed) to 1 (spread).
        (0.00, 0.0),  # sil
        (0.00, -0.2),  # PP: p, b, m: the lips meet
        (0.12, 0.1),  # FF: f, v: teeth on the lower lip
        (0.30, 0.1),  # TH
        (0.30, 0.2),  # DD: t, d
        (0.35, 0.1),  # kk: k, g
        (0.30, -0.5),  # CH: ch, j, sh
        (0.20, 0.3),  # SS: s, z
        (0.25, 0.2),  # nn: n, l
        (0.30, -0.4),  # RR
        (1.00, 0.1),  # aa
        (0.65, 0.5),  # E
        (0.40, 0.7),  # I
        (0.70, -0.6),  # O
        (0.30, -1.0),  # U
    ],
    np.float32,
)
"""float32 (15, 2), by ``VISEMES``: what the mouth looks like from the front, on average."""

# Lips that meet and lips that do not are told apart by everybody (Fisher, "Confusions among
# visually perceived consonants", 1968); so are teeth on the lip.
_PLAIN = {"sil": 0, "PP": 0, "FF": 1}
_NEVER = 0.6


def _distances() -> F32:
    apart = np.abs(SHAPES[:, None] - SHAPES[None]) * (1.0, 0.5)
    table = apart.sum(2)
    kinds = np.array([_PLAIN.get(v, 2) for v in VISEMES])
    table += _NEVER * (kinds[:, None] != kinds[None])
    return np.asarray(table, np.float32)


DISTANCES: F32 = _distances()
"""float32 (15, 15), symmetric, 0 on the diagonal: about 2 for the most unlike."""


def by_shape(shapes: F32) -> U8:
    """The viseme that each shape, float (n, 2), looks most like; never ``sil``, as uint8 (n,)."""
    apart = (np.abs(shapes[:, None] - SHAPES[None, 1:]) * (1.0, 0.5)).sum(2)
    return np.asarray(apart.argmin(1) + 1, np.uint8)


def by_marks(marks: Sequence[Mark], frames: int, fps: tuple[int, int]) -> U8:
    """The viseme in the middle of each frame of a clip, from marks timed from its beginning."""
    ours = [(m.ms, VISEMES.index(m.value)) for m in marks if m.kind == "viseme"]
    times = (np.arange(frames) + 0.5) * 1000 * fps[1] / fps[0]
    if not ours:
        return np.full(frames, SILENT, np.uint8)
    begins = np.array([ms for ms, _ in ours])
    which = np.searchsorted(begins, times, side="right") - 1
    values = np.array([value for _, value in ours] + [SILENT], np.uint8)
    # Before the first mark: index -1, which is the silence at the end.
    return values[which]
