"""From whatever a decoder gives to what the canvas wants: the elements in between.

Only the elements that a stream needs are inserted. Those kept for what may change midway (crop,
scale, convert) pass buffers through untouched while there is nothing to do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.config.settings.types import MAX_RATE, MAX_SIDE, MIN_RATE, MIN_SIDE
from appliance.errors import InputError
from appliance.media.frame import Colour, Format, Matrix, Range
from appliance.media.gst import Gst, GstVideo, colorimetry, full_range
from appliance.sources.caps_fixes import default_matrix, mended, mender
from appliance.sources.elements import make, takes
from appliance.sources.transparent import ALPHA_FORMAT, has_alpha
from appliance.sources.wide import WIDE_FORMAT, wide_colour

# The element that downloads a picture from device memory, by the caps feature for that memory.
_DOWNLOADS = {
    "memory:NVMM": "nvvidconv",
    "memory:CUDAMemory": "cudadownload",
    "memory:GLMemory": "gldownload",
    "memory:VASurface": "vaapipostproc",
    "memory:VAMemory": "vapostproc",
}


@dataclass(frozen=True, slots=True)
class Chain:
    """The elements from a decoder's pad to the appsink, and the format that leaves them.

    Pictures in wide colour leave them in their own colours and 10 bits (``ToSdr`` gives them the
    format's), and those that may be transparent with their alpha.
    """

    elements: list[Gst.Element]
    format: Format


def conform(
    caps: Gst.Caps, want: Format | None, turn: str | None, what: str, *, fill: bool = False,
    whole: bool = False,
) -> Chain:  # fmt: skip
    """The chain for a pad with these fixed caps.

    ``want`` is the format to deliver, None for the stream's own: even sides (an odd line is cut,
    not squeezed), square pixels, upright, its own matrix and range. ``turn`` is the stream's
    orientation tag, if it has one. ``fill`` crops what does not fit ``want``'s shape, instead of
    adding bars. ``whole`` keeps every picture, where else those far beyond the target's rate are
    dropped. Raises InputError for a picture too small or too large.
    """
    caps = mended(caps)
    # Given caps that are not settled, as of a decoder that got no picture, the library complains.
    info = GstVideo.VideoInfo.new_from_caps(caps) if caps.is_fixed() else None
    if info is None:
        raise InputError(f"{what}: its pictures cannot be read ({caps.to_string()})")
    own = own_format(info, turn, what)
    target = want or own
    elements: list[Gst.Element] = []
    features = caps.get_features(0)
    for feature, download in _DOWNLOADS.items():
        if features is not None and features.contains(feature):
            elements += [make(download), _filter("video/x-raw")]
    elements.append(mender())
    depths = _Depths()
    # A stream may turn from SDR to HDR midway, and back.
    elements[-1].get_static_pad("src").add_probe(
        Gst.PadProbeType.EVENT_DOWNSTREAM, _before_caps, depths
    )
    elements += [] if whole else _thinned(info, target)
    if info.interlace_mode != GstVideo.VideoInterlaceMode.PROGRESSIVE:
        if not takes("deinterlace", caps):
            elements += [make("videoconvert"), depths.filter()]
        # One picture per pair of fields: the rate stays what the caps say.
        elements.append(make("deinterlace", mode="auto", fields="top"))
    if turn is not None:
        if not takes("videoflip", caps):
            elements += [make("videoconvert"), depths.filter()]
        elements.append(make("videoflip", video_direction="auto"))
    elements += _resize(info, caps, target, fill, depths)
    elements.append(depths.last_filter(target))
    depths.choose(caps)
    return Chain(elements, target)


class _Depths:
    """The filters of a chain: what passes them goes by the stream's colours, and its alpha."""

    def __init__(self) -> None:
        self._filters: list[Gst.Element] = []
        self._last: tuple[Gst.Element, Format] | None = None

    def filter(self) -> Gst.Element:
        """One for depth and alpha only."""
        self._filters.append(make("capsfilter"))
        return self._filters[-1]

    def last_filter(self, target: Format) -> Gst.Element:
        """That for the target's size and, unless they are wide, its colours."""
        last = make("capsfilter")
        self._last = last, target
        return last

    def choose(self, caps: Gst.Caps) -> None:
        """Set all of them for a stream of these caps."""
        wide = wide_colour(caps) is not None
        alpha = has_alpha(GstVideo.VideoInfo.new_from_caps(caps))
        formats = WIDE_FORMAT if wide else ALPHA_FORMAT if alpha else "{NV12,I420}"
        for one in self._filters:
            # Not every element takes A420; those that do not take AYUV.
            between = formats if wide or not alpha else f"{{{ALPHA_FORMAT},AYUV}}"
            one.set_property("caps", Gst.Caps.from_string(f"video/x-raw,format={between}"))
        if self._last is not None:
            last, target = self._last
            size = f"width={target.width},height={target.height},pixel-aspect-ratio=1/1"
            text = f"video/x-raw,format=(string){formats},{size}"
            if not wide:
                text += f",colorimetry=(string){{{','.join(_colours(caps, target))}}}"
            last.set_property("caps", Gst.Caps.from_string(text))


def _before_caps(_pad: Gst.Pad, info: Gst.PadProbeInfo, depths: _Depths) -> Gst.PadProbeReturn:
    event = info.get_event()
    if event.type == Gst.EventType.CAPS:
        depths.choose(event.parse_caps())
    return Gst.PadProbeReturn.OK


def own_format(info: GstVideo.VideoInfo, turn: str | None, what: str) -> Format:
    """A stream's own format, as ``conform`` describes it. Raises InputError for its size."""
    width, height = info.width, info.height
    if info.par_n > 0 and info.par_d > 0:
        width = round(width * info.par_n / info.par_d)
    if turn is not None and turn.endswith(("rotate-90", "rotate-270")):
        width, height = height, width
    check_size(width, height, what)
    colour = Colour() if wide_colour(info.to_caps()) else _colour(info)
    return Format(width // 2 * 2, height // 2 * 2, _rate(info), colour)


def check_size(width: int, height: int, what: str) -> None:
    """Raise InputError for pictures that are too small or too large."""
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise InputError(
            f"{what}: its pictures are {width}x{height} pixels; both sides must be between "
            f"{MIN_SIDE} and {MAX_SIDE}: scale it first, for example with ffmpeg -vf scale"
        )


def _rate(info: GstVideo.VideoInfo) -> tuple[int, int]:
    """The rate the caps give, 1/1 if that is less; 30/1 where they give none, or over 240."""
    if info.fps_n <= 0 or info.fps_d <= 0 or info.fps_n > MAX_RATE * info.fps_d:
        return (30, 1)
    return (info.fps_n, info.fps_d) if info.fps_n >= info.fps_d * MIN_RATE else (MIN_RATE, 1)


def _thinned(info: GstVideo.VideoInfo, target: Format) -> list[Gst.Element]:
    """What drops the frames beyond the target's rate, where there are many of them.

    Here they cost nothing but their decoding. Not below 30 a second, and not for a few in a
    hundred: whether such frames are wanted, the pipeline knows (``daemon.worker``).
    """
    most = max(30, math.ceil(target.rate))
    if info.fps_d <= 0 or info.fps_n <= 2 * most * info.fps_d:
        return []
    return [make("videorate", drop_only=True, max_rate=most)]


def _colour(info: GstVideo.VideoInfo) -> Colour:
    """Matrix and range of a stream; unknown is BT.601 up to 576 lines, else BT.709."""
    matrices = {
        GstVideo.VideoColorMatrix.BT601: Matrix.BT601,
        GstVideo.VideoColorMatrix.BT709: Matrix.BT709,
    }
    matrix = matrices.get(info.colorimetry.matrix, default_matrix(info.height))
    # RGB is inherently full-range, which says nothing about how its YUV should be.
    rgb = info.finfo.flags & GstVideo.VideoFormatFlags.RGB
    full = not rgb and full_range(info.colorimetry)
    return Colour(matrix, Range.FULL if full else Range.LIMITED)


def _resize(
    info: GstVideo.VideoInfo, caps: Gst.Caps, target: Format, fill: bool, depths: _Depths
) -> list[Gst.Element]:
    """Crop, scale, convert; in the order that touches the fewest pixels."""
    crop, convert = make("videocrop"), make("videoconvert")
    scale = make("videoscale", add_borders=not fill)
    shape = target.width / target.height if fill else None
    crop.get_static_pad("sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, _set_crop, shape)
    shrinks = info.width * info.height > 2 * target.width * target.height
    if shrinks and takes("videocrop", caps) and takes("videoscale", caps):
        return [crop, scale, convert]
    return [convert, depths.filter(), crop, scale]


def _set_crop(pad: Gst.Pad, info: Gst.PadProbeInfo, shape: float | None) -> Gst.PadProbeReturn:
    """Called for each event before the crop; new caps set what it cuts."""
    event = info.get_event()
    if event.type == Gst.EventType.CAPS:
        picture = GstVideo.VideoInfo.new_from_caps(event.parse_caps())
        width, height = picture.width, picture.height
        left = top = 0
        if shape is not None:
            pixel = (
                picture.par_n / picture.par_d if picture.par_n > 0 and picture.par_d > 0 else 1.0
            )
            # Even, so that chroma stays with its luma.
            left = max(0, int((width - height * shape / pixel) / 4) * 2)
            top = max(0, int((height - width * pixel / shape) / 4) * 2)
        # Asked for, not handed in: a pad that holds its own element keeps it for ever.
        crop = pad.get_parent_element()
        for side, cut in (("left", left), ("top", top), ("right", left), ("bottom", top)):
            odd = width % 2 if side == "right" else height % 2 if side == "bottom" else 0
            crop.set_property(side, cut + odd)
    return Gst.PadProbeReturn.OK


def _colours(caps: Gst.Caps, target: Format) -> list[str]:
    """The names of the target's colours that a stream of these caps may be delivered under."""
    colours = [canonical(colorimetry(target.colour))]
    info = GstVideo.VideoInfo.new_from_caps(caps)
    if _colour(info) == target.colour and info.colorimetry.matrix in (
        GstVideo.VideoColorMatrix.BT601,
        GstVideo.VideoColorMatrix.BT709,
    ):
        # The stream's own name for the same matrix and range (another transfer curve or other
        # primaries) passes as it is: a conversion would only copy the picture.
        colours.insert(0, info.colorimetry.to_string())
    return list(dict.fromkeys(colours))


def canonical(text: str) -> str:
    """The name GStreamer itself gives a colorimetry: caps are compared as strings."""
    colours = GstVideo.VideoColorimetry()
    return str(colours.to_string()) if colours.from_string(text) else text


def _filter(caps: str) -> Gst.Element:
    return make("capsfilter", caps=Gst.Caps.from_string(caps))
