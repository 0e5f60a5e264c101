"""The first answer of the source, and what goes out from then on."""

from __future__ import annotations

from dataclasses import replace

import structlog

from appliance.config.settings import Settings
from appliance.errors import SourceError
from appliance.media.frame import Colour, Format
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source

# Without a source to say otherwise: what every screen shows.
FALLBACK = Format(1280, 720, (30, 1), Colour())

log = structlog.get_logger(__name__)


def first_open(settings: Settings) -> tuple[SourceFeeder, Format]:
    """Start the source, and settle what goes out, for good.

    A source that fails now but may come later (a stream, a camera) does not hold up the outputs:
    they show the placeholder in a usual format, and the source is fitted into it when it comes.
    Raises InputError when it can never work.
    """
    canvas = settings.canvas
    want: Format | None = None
    source = make_source(settings.source)
    if canvas.size != "auto" or canvas.fps != "auto":
        # What is not set follows the source, so it is asked first.
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
    feeder = SourceFeeder(source, settings.source, want=want)
    format = feeder.start()
    if format is None:
        log.warning("the source is not there yet", reason=feeder.state.reason)
        feeder.stop()
        feeder = SourceFeeder(make_source(settings.source), settings.source, want=FALLBACK)
        feeder.start(timeout=0.0)
        format = FALLBACK
    return feeder, format
