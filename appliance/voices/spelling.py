"""Finds the written word for what a voice made of it: "five dollars" is said, "$5" is written."""

from __future__ import annotations

from bisect import bisect_right
from difflib import SequenceMatcher
from itertools import accumulate


def aligned(written: list[str], spoken: list[str]) -> list[int]:
    """For each word as spoken the index of the word as written that it belongs to.

    The indices never fall. Words that both have are held together; what stands between them in one
    is shared out among what stands between them in the other, by length.

    Args:
        written: the words of the text; at least one. spoken: those of the text as it is read out.
    """
    found: list[int] = []
    left, right = [w.casefold() for w in written], [w.casefold() for w in spoken]
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            found += range(i1, i2)
        elif i1 == i2:  # something added, such as a unit: it belongs to the word before
            found += [max(i1 - 1, 0)] * (j2 - j1)
        else:
            found += (i1 + i for i in _shared(left[i1:i2], right[j1:j2]))
    return found


def _shared(written: list[str], spoken: list[str]) -> list[int]:
    if not spoken:
        return []
    ends = list(accumulate(map(len, written)))
    scale = ends[-1] / sum(map(len, spoken))
    starts = [0, *accumulate(map(len, spoken[:-1]))]
    middles = [scale * (start + len(w) / 2) for start, w in zip(starts, spoken, strict=True)]
    return [min(bisect_right(ends, middle), len(written) - 1) for middle in middles]
