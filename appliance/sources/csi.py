"""csi://N: a camera on a Jetson's own connector, through NVIDIA's image processor.

Written from NVIDIA's documentation and never run: it needs a Jetson with a camera on it. The tests
only look at the pipeline's text.
"""

from __future__ import annotations

from appliance.config.settings import SourceSettings
from appliance.errors import InputError, MatteboxError, SourceError
from appliance.media.gst import Gst, error_text
from appliance.sources.elements import make
from appliance.sources.gstreamer import GstSource

# What is asked for when the settings leave it to the camera.
SIZE = (1920, 1080)
# nvargus writes this when the number names no camera, or the daemon has lost it.
_NO_CAMERA = ("no cameras available", "invalid camera device")


def description(sensor: int, size: tuple[int, int], fps: tuple[int, int]) -> str:
    """The elements that give NV12 pictures in system memory, as ``gst-launch-1.0`` takes them."""
    width, height = size
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        f"video/x-raw(memory:NVMM),format=NV12,width={width},height={height},"
        f"framerate={fps[0]}/{fps[1]} ! "
        "nvvidconv ! video/x-raw,format=NV12"
    )


class CsiSource(GstSource):
    """Camera number ``sensor``, 1920x1080 at 30 fps unless the settings say otherwise."""

    def __init__(self, settings: SourceSettings, sensor: int) -> None:
        super().__init__(settings, f"csi://{sensor}")
        self._sensor = sensor
        # Asked for now, so that a machine that is no Jetson says so at once.
        make("nvarguscamerasrc")
        self._size = SIZE if settings.size == "auto" else settings.size
        self._fps = (30, 1) if settings.fps == "auto" else settings.fps

    def head(self, pipeline: Gst.Pipeline) -> None:
        """See ``GstSource.head``."""
        text = description(self._sensor, self._size, self._fps)
        camera = Gst.parse_bin_from_description(text, True)
        pipeline.add(camera)
        camera.link(self.decoder)

    def failed(self, message: Gst.Message) -> MatteboxError:
        """See ``GstSource.failed``."""
        text = error_text(message)
        if any(words in text.lower() for words in _NO_CAMERA):
            return InputError(
                f"{self.name}: there is no camera {self._sensor} ({text}); check the ribbon cable "
                "and the device tree, then: sudo systemctl restart nvargus-daemon"
            )
        return SourceError(f"{self.name}: {text}")
