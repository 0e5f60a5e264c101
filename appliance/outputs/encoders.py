"""Which H.264 encoder this machine has, and how to make it fast.

The choice is made from GStreamer's registry. A listed hardware encoder may still fail at its first
picture (mismatched driver version, no session left, unsupported size), so it must encode two before
it is used; if it cannot, ``SOFTWARE`` stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from appliance.config.settings import OutputSettings
from appliance.errors import InputError, MissingDependency
from appliance.media.enumerations import nicks
from appliance.media.frame import Format
from appliance.media.gst import GObject, Gst
from appliance.outputs.encoder_trial import encoding_fails, opening_fails

log = structlog.get_logger(__name__)

SOFTWARE = "x264enc"

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """What an encoder is asked for.

    Attributes:
        kbps: kilobits per second. keyframe: frames between key frames.
        threads: how many x264 may have at most; it takes fewer where one is enough.
    """

    kbps: int
    keyframe: int
    threads: int = 8


@dataclass(frozen=True, slots=True)
class Encoder:
    """One way to make H.264: its element, the elements before it, and its properties.

    ``before`` and ``after`` are launch line fragments. Properties that the installed version of
    an element does not have are left out.
    """

    name: str
    properties: Callable[[Format, Rate], Properties]
    before: str = ""
    after: str = ""
    hardware: bool = True


def default_kbps(format: Format) -> int:
    """8,000 kbit/s for 1080p at 30 fps, growing with the 3/4 power of pixels per second.

    That is 4,350 for 720p30, 13,450 for 1080p60 and 22,600 for 4K at 30, within 500 to 100,000:
    on the generous side, because the fast presets that live video needs compress less.
    """
    pixels = format.width * format.height * format.rate
    kbps = 8000 * (pixels / (1920 * 1080 * 30)) ** 0.75
    return int(min(100_000, max(500, kbps)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asks of an H.264 stream; ranges as in ``OutputSettings``.

    Attributes:
        programme: whose picture it is, as only outputs of one programme may share an encoder:
            empty for the box's own, else a session's id.
        threads: see ``Rate``.
    """

    encoder: str = "auto"
    bitrate_kbps: int = 0
    keyframe_s: float = 2.0
    what: str = "picture"
    programme: str = ""
    threads: int = 8

    @classmethod
    def of(cls, output: OutputSettings) -> Wanted:
        """From the settings of an output."""
        shown = " ".join(output.companion or ("picture",)).strip()
        return cls(output.encoder, output.bitrate_kbps, output.keyframe_s, shown)

    def following(self, other: Wanted) -> Wanted:
        """What is the operator's of ``other``, for this one's programme."""
        return replace(other, programme=self.programme, threads=self.threads)

    def rate(self, format: Format) -> Rate:
        """The same in an encoder's terms; bitrate 0 means ``default_kbps``."""
        kbps = self.bitrate_kbps or default_kbps(format)
        frames = max(1, round(self.keyframe_s * format.rate))
        return Rate(kbps, frames, self.threads)


DEFAULT = Wanted()


def _x264(format: Format, rate: Rate) -> Properties:
    # Each further slice costs bits, and a thread that fights the pipeline for its core; one thread
    # does 1080p60 in about a third of a core. Above that, one per 150 million pixels per second.
    pixels = format.width * format.height * format.rate
    return {
        "tune": "zerolatency",
        "speed-preset": "ultrafast",
        "bitrate": rate.kbps,
        "key-int-max": rate.keyframe,
        "bframes": 0,
        # Quality beyond what the eye sees costs time and bits: this saves a quarter of the time of
        # an easy 1080p picture, at 48 dB instead of 51.
        "qp-min": 20,
        "threads": max(1, min(rate.threads, round(pixels / 150e6))),
        "byte-stream": "true",
    }


ENCODERS: tuple[Encoder, ...] = (
    Encoder(
        "nvv4l2h264enc",
        lambda format, rate: {
            "bitrate": rate.kbps * 1000,
            "control-rate": 1,
            "preset-level": 1,
            "maxperf-enable": 1,
            "iframeinterval": rate.keyframe,
            "idrinterval": rate.keyframe,
            "num-B-Frames": 0,
            "insert-sps-pps": 1,
            "insert-vui": 1,
        },
        before="nvvidconv ! video/x-raw(memory:NVMM),format=NV12 !",
    ),
    Encoder(
        "nvcudah264enc",
        lambda format, rate: {
            "bitrate": rate.kbps,
            "gop-size": rate.keyframe,
            "rate-control": "cbr",
            "preset": "p3",
            "tune": "ultra-low-latency",
            "zero-reorder-delay": "true",
            "b-frames": 0,
        },
    ),
    Encoder(
        "nvh264enc",
        lambda format, rate: {
            # Property names have changed between versions; those that exist are set.
            "bitrate": rate.kbps,
            "gop-size": rate.keyframe,
            "rc-mode": "cbr",
            "rate-control": "cbr",
            "preset": "p3",
            "tune": "ultra-low-latency",
            "zerolatency": "true",
            "zero-reorder-delay": "true",
            "bframes": 0,
            "b-frames": 0,
        },
    ),
    Encoder(
        "vah264enc",
        lambda format, rate: {
            "bitrate": rate.kbps,
            "key-int-max": rate.keyframe,
            "rate-control": "cbr",
            "b-frames": 0,
            "ref-frames": 1,
        },
    ),
    Encoder(
        "vaapih264enc",
        lambda format, rate: {
            "bitrate": rate.kbps,
            "keyframe-period": rate.keyframe,
            "rate-control": "cbr",
            "max-bframes": 0,
        },
    ),
    Encoder(
        "v4l2h264enc",
        lambda format, rate: {
            "extra-controls": f'"encode,video_bitrate={rate.kbps * 1000},'
            f"video_gop_size={rate.keyframe},h264_i_frame_period={rate.keyframe},"
            'repeat_sequence_header=1"',
        },
        # Without an explicit level the driver refuses sizes beyond its default level.
        after="video/x-h264,level=(string)4.2 !",
    ),
    Encoder(SOFTWARE, _x264, hardware=False),
    Encoder(
        "openh264enc",
        lambda format, rate: {
            "bitrate": rate.kbps * 1000,
            "gop-size": rate.keyframe,
            "rate-control": "bitrate",
            "complexity": "low",
            "usage-type": "camera",
        },
        before="videoconvert ! video/x-raw,format=I420 !",
        hardware=False,
    ),
)


def available() -> list[str]:
    """The known encoders in this machine's registry, best first."""
    return [item.name for item in ENCODERS if Gst.ElementFactory.find(item.name) is not None]


def choose(wanted: str = "auto") -> Encoder:
    """The named encoder, or the first one in the registry.

    Raises InputError for an unknown name, MissingDependency when it is not installed or when there
    is no encoder at all.
    """
    names = [item.name for item in ENCODERS]
    if wanted != "auto" and wanted not in names:
        raise InputError(f"encoder: found {wanted!r}, expected auto or one of {', '.join(names)}")
    have = available()
    if wanted != "auto" and wanted not in have:
        raise MissingDependency(
            f"encoder: {wanted} is not in GStreamer's registry on this machine, which has "
            f"{', '.join(have) or 'none'}; use auto, or install the plugin that has it "
            f"(gst-inspect-1.0 {wanted} shows whether it is there)"
        )
    if not have:
        raise MissingDependency(
            "no H.264 encoder in GStreamer's registry; install one with: "
            "apt install gstreamer1.0-plugins-ugly"
        )
    name = wanted if wanted != "auto" else have[0]
    return next(item for item in ENCODERS if item.name == name)


def launch(encoder: Encoder, format: Format, rate: Rate) -> str:
    """The launch line fragment from raw NV12 to H.264; the element is named ``encoder``.

    Raises MissingDependency when the element cannot be loaded.
    """
    factory = Gst.ElementFactory.find(encoder.name)
    loaded = factory.load() if factory is not None else None
    if loaded is None:
        raise MissingDependency(f"GStreamer's element {encoder.name} cannot be loaded")
    known = {item.name: item for item in GObject.list_properties(loaded.get_element_type())}
    settings = " ".join(
        f"{key}={value}"
        for key, value in encoder.properties(format, rate).items()
        if key in known and _takes(known[key], value)
    )
    return f"{encoder.before} {encoder.name} name=encoder {settings} ! {encoder.after}".strip()


def _takes(property: Any, value: Any) -> bool:
    """Whether a property accepts a value: the names in enumerations change between versions."""
    if not isinstance(value, str) or not property.value_type.is_a(GObject.TYPE_ENUM):
        return True
    return value in nicks(property.value_type)


def startable(encoder: Encoder, format: Format, rate: Rate) -> Encoder:
    """``encoder`` if it works, otherwise x264 and a line in the log.

    A hardware encoder must encode two black pictures within a few seconds; a software one need only
    open. Raises MissingDependency when x264 does not open either.
    """
    try:
        line = launch(encoder, format, rate)
        reason = encoding_fails(line, format) if encoder.hardware else opening_fails(line)
    except MissingDependency as error:
        reason = str(error)
    if reason is None:
        return encoder
    if not encoder.hardware:
        raise MissingDependency(f"encoder {encoder.name} cannot be opened: {reason}")
    software = choose(SOFTWARE)
    log.warning("encoder replaced", failed=encoder.name, using=SOFTWARE, reason=reason)
    return startable(software, format, rate)
