"""The packages in which Debian, Ubuntu and JetPack ship GStreamer's elements."""

from __future__ import annotations

BASE = "gstreamer1.0-plugins-base"
GOOD = "gstreamer1.0-plugins-good"
BAD = "gstreamer1.0-plugins-bad"
UGLY = "gstreamer1.0-plugins-ugly"
LIBAV = "gstreamer1.0-libav"
X = "gstreamer1.0-x"
ALSA = "gstreamer1.0-alsa"
L4T = "nvidia-l4t-gstreamer"
RTSP = "gstreamer1.0-rtsp"
