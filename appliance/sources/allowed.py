"""Which containers and codecs are played: by list, and nothing else that is installed.

decodebin plugs in whatever GStreamer has for what it finds in a file, and goes by its content, not
its name. Among it are playlists that fetch other addresses (HLS, DASH, Smooth Streaming), SVG, and
several hundred decoders for games of the nineties. Here each media type has the elements that may
take it; hardware decoders, whose names differ from maker to maker, are taken for the same types.
"""

from __future__ import annotations

from typing import Any

from appliance.media.gst import Gst
from appliance.sources.decoders import is_hardware

CONTAINERS = {
    "video/quicktime": ("qtdemux",),
    "application/x-3gp": ("qtdemux",),
    "video/x-matroska": ("matroskademux",),
    "video/webm": ("matroskademux",),
    "video/x-msvideo": ("avidemux",),
    "video/mpegts": ("tsdemux",),
    "video/x-flv": ("flvdemux",),
    "video/x-ms-asf": ("asfdemux",),
    "application/ogg": ("oggdemux",),
    "video/ogg": ("oggdemux",),
    "video/x-ivf": ("ivfparse",),
    "application/x-yuv4mpeg": ("y4mdec", "avdemux_yuv4mpegpipe"),
}
"""What a file may be, and the element that takes it apart; one inside another is not played."""

CODECS = {
    "video/x-h264": ("h264parse", "avdec_h264", "openh264dec"),
    "video/x-h265": ("h265parse", "avdec_h265", "libde265dec"),
    "video/x-vp8": ("vp8dec", "avdec_vp8", "vp8alphadecodebin"),
    "video/x-vp9": ("vp9parse", "vp9dec", "avdec_vp9", "vp9alphadecodebin"),
    "video/x-av1": ("av1parse", "dav1ddec", "av1dec", "avdec_av1"),
    # Also MPEG's own container, which has the same name.
    "video/mpeg": (
        "mpegpsdemux", "mpegvideoparse", "mpeg4videoparse", "avdec_mpeg2video", "avdec_mpegvideo",
        "avdec_mpeg4", "mpeg2dec",
    ),
    "video/x-divx": ("mpeg4videoparse", "avdec_mpeg4", "avdec_msmpeg4"),
    "video/x-xvid": ("mpeg4videoparse", "avdec_mpeg4"),
    "video/x-msmpeg": ("avdec_msmpeg4", "avdec_msmpeg4v1", "avdec_msmpeg4v2"),
    "video/x-h263": ("h263parse", "avdec_h263", "avdec_h263p"),
    "video/x-flash-video": ("avdec_flv",),
    "video/x-vp6-flash": ("avdec_vp6f",),
    "video/x-theora": ("theoradec",),
    "video/x-wmv": ("avdec_wmv1", "avdec_wmv2", "avdec_wmv3", "avdec_vc1"),
    "video/x-dv": ("dvdemux", "avdec_dvvideo", "dvdec"),
    "video/x-prores": ("avdec_prores",),
    "video/x-dnxhd": ("avdec_dnxhd",),
    "video/x-ffv": ("avdec_ffv1",),
    "video/x-huffyuv": ("avdec_huffyuv",),
    "video/x-rle": ("avdec_qtrle",),
    "image/jpeg": ("jpegparse", "jpegdec", "avdec_mjpeg"),
    "image/png": ("pngparse", "pngdec", "avdec_png"),
    "image/gif": ("avdemux_gif",),
    "image/gst-libav-gif": ("avdec_gif",),
}  # fmt: skip
"""What a stream of pictures may be, and the elements that parse and decode it in software."""

SOUND = {
    "audio/x-raw": (),
    "audio/mpeg": (
        "aacparse", "mpegaudioparse", "avdec_aac", "faad", "fdkaacdec", "avdec_mp2float",
        "avdec_mp3", "mpg123audiodec",
    ),
    "audio/x-opus": ("opusparse", "opusdec", "avdec_opus"),
    "audio/x-vorbis": ("vorbisparse", "vorbisdec"),
    "audio/x-flac": ("flacparse", "flacdec", "avdec_flac"),
    "audio/x-ac3": ("ac3parse", "a52dec", "avdec_ac3"),
    "audio/ac3": ("ac3parse", "a52dec", "avdec_ac3"),
    "audio/x-eac3": ("ac3parse", "avdec_eac3"),
    "audio/x-alac": ("avdec_alac",),
    "audio/x-alaw": ("alawdec",),
    "audio/x-mulaw": ("mulawdec",),
    "audio/x-wma": ("avdec_wmav1", "avdec_wmav2", "avdec_wmapro"),
    "audio/x-adpcm": ("adpcmdec",),
    "audio/AMR": ("amrparse", "avdec_amrnb"),
    "audio/AMR-WB": ("amrparse", "avdec_amrwb"),
    "application/x-rtp": (
        "rtpmp4gdepay", "rtpmp4adepay", "rtpopusdepay", "rtppcmadepay", "rtppcmudepay",
        "rtpg726depay", "rtpg722depay", "rtpL16depay", "rtpmpadepay",
    ),
}  # fmt: skip
"""What a stream of sound may be, and the elements that take it."""

_PAYLOADS = {
    "application/x-rtp": (
        "rtph264depay", "rtph265depay", "rtpav1depay", "rtpvp8depay", "rtpvp9depay", "rtpjpegdepay",
        "rtpmp4vdepay", "rtpmpvdepay", "rtpmp2tdepay", "rtph263depay", "rtph263pdepay",
        "rtpvrawdepay",
    ),
}  # fmt: skip
"""What a network camera may send."""

_ALL = {**CONTAINERS, **CODECS, **_PAYLOADS}

KNOWN = (
    "MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV or Ogg with H.264, H.265, VP8, VP9, AV1, MPEG-1, -2 "
    "or -4, Motion JPEG, ProRes or DNxHD"
)
"""The most usual of them, for an error."""


def is_played(caps: Gst.Caps) -> bool:
    """Whether something that is allowed may take these caps, or they are pictures already."""
    return any(name in _ALL or name == "video/x-raw" for name in _names(caps))


def is_pictures(caps: Gst.Caps) -> bool:
    """Whether a container's stream of these caps is video, whether or not it can be decoded."""
    return all(name.startswith(("video/", "image/")) for name in _names(caps))


def may_take(factory: Any, caps: Gst.Caps) -> bool:
    """Whether an element of ``factory`` may be plugged in behind a pad of these caps."""
    names = _names(caps)
    if is_hardware(factory):
        return all(name in CODECS for name in names)
    return bool(names) and all(factory.get_name() in _ALL.get(name, ()) for name in names)


def may_take_sound(factory: Any, caps: Gst.Caps) -> bool:
    """Whether an element of ``factory`` may be plugged in behind a pad of sound of these caps."""
    names = _names(caps)
    return bool(names) and all(factory.get_name() in SOUND.get(name, ()) for name in names)


def _names(caps: Gst.Caps) -> list[str]:
    return [caps.get_structure(i).get_name() for i in range(caps.get_size())]
