"""``v4l2:///dev/videoN``: a camera that other programs see (the v4l2loopback driver).

Not run on a real device by this project's tests: the driver is a kernel module, which the test
machines do not have. What is tested is the pipeline's wording and the errors.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from appliance.errors import OutputError
from appliance.media.frame import Format, Frame
from appliance.outputs.even import even_format, even_frame
from appliance.outputs.gstreamer import Sink

_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP, linux/videodev2.h
_CAP_OUTPUT = 0x00000002
_CAP_DEVICE_CAPS = 0x80000000


class LoopbackOutput:
    """Writes frames to a V4L2 output device."""

    def __init__(self, device: Path) -> None:
        """``device`` as in /dev/video9."""
        self.uri = f"v4l2://{device}"
        self.device = device
        self.dropped = 0
        self._dropped_before = 0
        self._sink: Sink | None = None
        self._period = 0

    def open(self, format: Format) -> None:
        """Open the device. Raises OutputError when it is missing, taken, or a real camera."""
        check_device(self.device)
        format = even_format(format)
        self._period = int(1e9 / format.rate)
        self._dropped_before = self.dropped
        self._sink = Sink(self.uri, format, pipeline(self.device), queued=2, leaky=True)

    def write(self, frame: Frame) -> None:
        """Show ``frame`` to whoever reads the device."""
        if self._sink is None:
            raise OutputError(f"{self.uri}: a frame was written before open or after close")
        self._sink.push(even_frame(frame), self._sink.running_time(), self._period)
        self.dropped = self._dropped_before + self._sink.dropped

    def close(self) -> None:
        """Give the device back."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.stop(finish=False)

    def clients(self) -> int:
        """Always 0: the driver does not say who reads."""
        return 0


def pipeline(device: Path) -> str:
    """From NV12 to the device: YUY2 first, which every program that reads cameras knows."""
    # v4l2sink's own buffers cannot be had from the loopback driver; without drop-allocation the
    # encoder-side pool would be asked for them and fail.
    return (
        "videoconvert n-threads=2 ! video/x-raw,format=(string){YUY2,I420,NV12} ! "
        f"identity drop-allocation=true ! v4l2sink device={device} sync=false"
    )


def check_device(device: Path) -> None:
    """Raises OutputError when ``device`` cannot take frames, with what to do about it."""
    number = "".join(char for char in device.name if char.isdigit()) or "9"
    load = (
        "load the loopback driver with: modprobe v4l2loopback "
        f"video_nr={number} card_label=Mattebox exclusive_caps=1 "
        "(apt install v4l2loopback-dkms)"
    )
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError:
        raise OutputError(f"v4l2://{device}: there is no such device; {load}") from None
    except OSError as error:
        raise OutputError(
            f"v4l2://{device}: cannot be opened ({error.strerror}); the user must be in the video "
            f"group and no other program may write to it: see fuser -v {device}"
        ) from error
    try:
        answer = bytearray(104)
        fcntl.ioctl(descriptor, _QUERYCAP, answer)
    except OSError as error:
        raise OutputError(
            f"v4l2://{device}: is not a video device ({error.strerror}); {load}"
        ) from error
    finally:
        os.close(descriptor)
    if not _takes_frames(bytes(answer)):
        name = answer[16:48].split(b"\0")[0].decode(errors="replace")
        raise OutputError(f"v4l2://{device}: is {name!r}, which cannot take frames; {load}")


def _takes_frames(answer: bytes) -> bool:
    """Whether a v4l2_capability says that the device is an output."""
    whole, device = struct.unpack_from("<II", answer, 84)
    return bool((device if whole & _CAP_DEVICE_CAPS else whole) & _CAP_OUTPUT)
