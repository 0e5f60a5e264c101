"""From whatever a decoder gives to what the canvas wants: the elements in between.

Only what a stream needs is put in its way. Elements that stay for what may change midway (crop,
scale, convert) hand the buffers through untouched while there is nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import InputError
from appliance.frame import Colour, Format, Matrix, Range
from appliance.gst import Gst, GstVideo, colorimetry, full_range
from appliance.sources.elements import make, takes
from appliance.values import MAX_SIDE, MIN_SIDE

# What brings a picture out of a device's memory, by the caps feature that says it is there.
_DOWNLOADS = {
    "memory:NVMM": "nvvidconv",
    "memory:CUDAMemory": "cudadownload",
    "memory:GLMemory": "gldownload",
    "memory:VASurface": "vaapipostproc",
    "memory:VAMemory": "vapostproc",
}


@dataclass(frozen=True, slots=True)
class Chain:
    """The elements from a decoder's pad to the appsink, and the format that leaves them."""

    elements: list[Gst.Element]
    format: Format


def conform(caps: Gst.Caps, want: Format | None, turn: str | None, what: str) -> Chain:
    """The chain for a pad of these fixed caps.

    ``want`` is the format to deliver, None for the stream's own: even sides (an odd line is cut,
    not squeezed), square pixels, upright, its own matrix and range. ``turn`` is the stream's
    orientation tag, if it has one. Raises InputError for a picture too small or too large.
    """
    info = GstVideo.VideoInfo.new_from_caps(caps)
    if info is None:
        raise InputError(f"{what}: its pictures cannot be read ({caps.to_string()})")
    own = own_format(info, turn, what)
    target = want or own
    elements: list[Gst.Element] = []
    features = caps.get_features(0)
    for feature, download in _DOWNLOADS.items():
        if features is not None and features.contains(feature):
            elements += [make(download), _filter("video/x-raw")]
    if info.interlace_mode != GstVideo.VideoInterlaceMode.PROGRESSIVE:
        if not takes("deinterlace", caps):
            elements += [make("videoconvert"), _filter("video/x-raw,format={I420,NV12}")]
        # One picture from each two fields: the rate stays what the caps say.
        elements.append(make("deinterlace", mode="auto", fields="top"))
    if turn is not None:
        if not takes("videoflip", caps):
            elements += [make("videoconvert"), _filter("video/x-raw,format={I420,NV12}")]
        elements.append(make("videoflip", video_direction="auto"))
    elements += _resize(info, caps, target)
    elements.append(_last_filter(info, target))
    return Chain(elements, target)


def own_format(info: GstVideo.VideoInfo, turn: str | None, what: str) -> Format:
    """The format a stream has by itself, as ``conform`` says. Raises InputError for its size."""
    width, height = info.width, info.height
    if info.par_n > 0 and info.par_d > 0:
        width = round(width * info.par_n / info.par_d)
    if turn is not None and turn.endswith(("rotate-90", "rotate-270")):
        width, height = height, width
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise InputError(
            f"{what}: its pictures are {width}x{height} pixels; both sides must be between "
            f"{MIN_SIDE} and {MAX_SIDE}: scale it first, for example with ffmpeg -vf scale"
        )
    return Format(width // 2 * 2, height // 2 * 2, _rate(info), _colour(info))


def _rate(info: GstVideo.VideoInfo) -> tuple[int, int]:
    """The rate the caps give, or 30/1 where they give none or one that no camera has."""
    if info.fps_n > 0 and info.fps_d > 0 and 1 <= info.fps_n / info.fps_d <= 240:
        return (info.fps_n, info.fps_d)
    return (30, 1)


def _colour(info: GstVideo.VideoInfo) -> Colour:
    """Matrix and range of a stream; unknown is BT.601 up to 576 lines, else BT.709."""
    matrices = {
        GstVideo.VideoColorMatrix.BT601: Matrix.BT601,
        GstVideo.VideoColorMatrix.BT709: Matrix.BT709,
    }
    by_size = Matrix.BT709 if info.height > 576 else Matrix.BT601
    matrix = matrices.get(info.colorimetry.matrix, by_size)
    # RGB is full-range in itself, which says nothing about how its YUV should be.
    rgb = info.finfo.flags & GstVideo.VideoFormatFlags.RGB
    full = not rgb and full_range(info.colorimetry)
    return Colour(matrix, Range.FULL if full else Range.LIMITED)


def _resize(info: GstVideo.VideoInfo, caps: Gst.Caps, target: Format) -> list[Gst.Element]:
    """Crop to even sides, scale, convert; in the order that touches the fewest pixels."""
    crop, convert = make("videocrop"), make("videoconvert")
    scale = make("videoscale", add_borders=True)
    crop.get_static_pad("sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, _crop_to_even, crop)
    shrinks = info.width * info.height > 2 * target.width * target.height
    if shrinks and takes("videocrop", caps) and takes("videoscale", caps):
        return [crop, scale, convert]
    return [convert, _filter("video/x-raw,format={NV12,I420}"), crop, scale]


def _crop_to_even(pad: Gst.Pad, info: Gst.PadProbeInfo, crop: Gst.Element) -> Gst.PadProbeReturn:
    """Called for each event before the crop; new caps set what it cuts."""
    event = info.get_event()
    if event.type == Gst.EventType.CAPS:
        structure = event.parse_caps().get_structure(0)
        crop.set_property("right", structure.get_int("width").value % 2)
        crop.set_property("bottom", structure.get_int("height").value % 2)
    return Gst.PadProbeReturn.OK


def _last_filter(info: GstVideo.VideoInfo, target: Format) -> Gst.Element:
    """Exactly the target's size and colour; NV12, or I420, of which ``frame_of`` makes NV12."""
    colours = [canonical(colorimetry(target.colour))]
    if _colour(info) == target.colour and info.colorimetry.matrix in (
        GstVideo.VideoColorMatrix.BT601,
        GstVideo.VideoColorMatrix.BT709,
    ):
        # The stream's own name for the same matrix and range (another transfer curve or other
        # primaries) passes as it is: a conversion would only copy the picture.
        colours.insert(0, info.colorimetry.to_string())
    return _filter(
        "video/x-raw,format=(string){NV12,I420},"
        f"width={target.width},height={target.height},pixel-aspect-ratio=1/1,"
        f"colorimetry=(string){{{','.join(dict.fromkeys(colours))}}}"
    )


def canonical(text: str) -> str:
    """The name GStreamer itself gives a colorimetry: caps are compared as strings."""
    colours = GstVideo.VideoColorimetry()
    return str(colours.to_string()) if colours.from_string(text) else text


def _filter(caps: str) -> Gst.Element:
    return make("capsfilter", caps=Gst.Caps.from_string(caps))
