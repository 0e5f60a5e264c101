"""The background on the GPU: taken up when it changes; blurred there when it is the live scene."""

from __future__ import annotations

from appliance.background.base import Background
from appliance.background.blur import BlurBackground
from appliance.cuda.context import Context
from appliance.cuda.graph import Replay
from appliance.cuda.transfer import Upload, pitched
from appliance.media.frame import Format, Frame, blank
from appliance.media.surface import Surface
from appliance.pixels.gpu.blur import Blur

_DEPTH = 2


class DeviceBackground:
    """One background in device memory."""

    def __init__(
        self, context: Context, format: Format, background: Background, replay: Replay, *,
        mapped: bool = False,
    ) -> None:  # fmt: skip
        """Take all memory. ``mapped``: CPU and GPU share it (Jetson)."""
        self._background, self._replay = background, replay
        self._blur: Blur | None = None
        self._upload: Upload | None = None
        self._surface: Surface | None = None
        if isinstance(background, BlurBackground):
            self._blur = Blur(context, format, background.radius)
            self._surface = pitched(context, format)
        else:
            self._upload = Upload(context, format, _DEPTH, mapped=mapped)
        self.picture = background.frame(blank(format.width, format.height, format.colour))
        """The newest one in the host's memory; of a blurred scene, that of a black frame."""

    def __call__(self, frame: Frame, live: Surface) -> Surface:
        """The background of a frame, of which ``live`` is the copy in device memory.

        A still picture is copied once, a video's when it gives another one.
        """
        if self._blur is not None:
            return self._blurred(self._blur, live)
        assert self._upload is not None
        before, self.picture = self.picture, self._background.frame(frame)
        # What is made from the live frame may come in the same memory each time.
        changed = self.picture is not before or self._background.wants_frame
        if self._surface is None or changed:
            self._surface = self._upload.put(self.picture)
        return self._surface

    def _blurred(self, blur: Blur, live: Surface) -> Surface:
        out = self._surface
        assert out is not None
        self._replay.run(("blur", live.address), lambda: blur(live, out))
        return out
