"""Takes the source's first answer, and settles the formats of source and canvas from it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import structlog

from appliance.config.settings import Settings, SourceSettings
from appliance.errors import SourceError
from appliance.media.audio_ring import AudioRing
from appliance.media.frame import Colour, Format
from appliance.sources.base import Source
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source_of

# Used when no source says otherwise: every screen can show it.
FALLBACK = Format(1280, 720, (30, 1), Colour())

_MOST_FPS = 62.0

log = structlog.get_logger(__name__)


def first_open(settings: Settings, line: AudioRing | None = None) -> tuple[SourceFeeder, Format]:
    """Start the source, and settle its format for good; ``canvas_format`` makes the canvas's of it.

    Its sound goes to ``line``.

    A source that fails now but may come later (a stream, a camera) does not hold up the outputs:
    they show the placeholder in a common format, into which the source is fitted when it comes.
    Raises InputError when the source can never work.
    """
    canvas, asked = settings.canvas, settings.source_in_use
    want: Format | None = None
    source = make_source_of(settings)
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
            want = replace(want, fps=_of_the_source(settings, canvas.fps))
    feeder = _feeder(source, asked, want, line)
    format = feeder.start()
    if format is None:
        log.warning("the source is not there yet", reason=feeder.state.reason)
        feeder.stop()
        feeder = _feeder(make_source_of(settings), asked, FALLBACK, line)
        feeder.start(timeout=0.0)
        format = FALLBACK
    return feeder, format


def _feeder(
    source: Source, asked: SourceSettings, want: Format | None, line: AudioRing | None
) -> SourceFeeder:
    feeder = SourceFeeder(source, asked, want=want, line=line)
    if line is not None:
        # From its first sample on.
        line.use(feeder)
    return feeder


def canvas_format(settings: Settings, source: Format) -> Format:
    """The canvas for a source of this format: twice its rate where frames are made in between.

    More than 62 frames a second are not made unless ``canvas.fps`` asks for them.
    """
    fps = settings.canvas.fps
    if not settings.stages.interpolate.enabled:
        return source
    if fps != "auto":
        return replace(source, fps=fps)
    if 2 * source.rate > _MOST_FPS:
        return source
    numerator, denominator = source.fps
    return replace(source, fps=_lowest(2 * numerator, denominator))


def _of_the_source(settings: Settings, fps: tuple[int, int]) -> tuple[int, int]:
    """What the source is asked for, where the canvas is to have this rate."""
    if not settings.stages.interpolate.enabled:
        return fps
    return _lowest(fps[0], 2 * fps[1])


def _lowest(numerator: int, denominator: int) -> tuple[int, int]:
    fraction = Fraction(numerator, denominator)
    return fraction.numerator, fraction.denominator
