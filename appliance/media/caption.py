"""What is being said while a picture is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caption:
    """One cue of a caption: the same object for all frames that it is shown with.

    Attributes:
        text: what is said, a sentence or a part of one, in reading order; never empty.
        language: its language as a BCP 47 tag ("en", "zh-Hans", "ar"); empty if it is not known.
        number: counts the cues of one playout from 1, so that two of the same words differ.
    """

    text: str
    language: str = ""
    number: int = 0
