"""Takes the source's first answer, and settles the output format from it."""

from __future__ import annotations

from dataclasses import replace

import structlog

from appliance.config.settings import Settings
from appliance.errors import SourceError
from appliance.media.frame import Colour, Format
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source

# Used when no source says otherwise: every screen can show it.
FALLBACK = Format(1280, 720, (30, 1), Colour())

log = structlog.get_logger(__name__)


def first_open(settings: Settings) -> tuple[SourceFeeder, Format]:
    """Start the source, and settle the output format for good.

    A source that fails now but may come later (a stream, a camera) does not hold up the outputs:
    they show the placeholder in a common format, into which the source is fitted when it comes.
    Raises InputError when the source can never work.
    """
    canvas, asked = settings.canvas, settings.source_in_use
    want: Format | None = None
    source = make_source(asked)
    if canvas.size != "auto" or canvas.fps != "auto":
        # Whatever is not set follows the source, so the source is asked first.
        try:
            want = source.open(None)
        except SourceError:
            want = FALLBACK
        finally:
            source.close()
        if canvas.size != "auto":
            want = replace(want, width=canvas.size[0], height=canvas.size[1])
        if canvas.fps != "auto":
            want = replace(want, fps=canvas.fps)
    feeder = SourceFeeder(source, asked, want=want)
    format = feeder.start()
    if format is None:
        log.warning("the source is not there yet", reason=feeder.state.reason)
        feeder.stop()
        feeder = SourceFeeder(make_source(asked), asked, want=FALLBACK)
        feeder.start(timeout=0.0)
        format = FALLBACK
    return feeder, format
