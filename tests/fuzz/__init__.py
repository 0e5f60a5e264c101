"""Input that nobody sane would send: ``make fuzz`` generates it, a minute per target.

    python -m tests.fuzz.config --seconds 60 --seed 7

A target is a module here with a ``Target`` named ``TARGET``; its name is listed in ``TARGETS``.
What a run finds is kept in ``cases/<target>/`` and replayed by the ordinary tests from then on.
"""

from __future__ import annotations

TARGETS = ("config", "http", "rtsp", "tflite", "whep")
