"""Input that nobody sane would send: ``make fuzz`` makes it up, a minute a target.

    python -m tests.fuzz.config --seconds 60 --seed 7

A target is a module here with a ``Target`` named ``TARGET``; its name stands in ``TARGETS``. What a
run finds is kept in ``cases/<target>/`` and is replayed by the ordinary tests ever after.
"""

from __future__ import annotations

TARGETS = ("config", "http", "rtsp", "tflite")
