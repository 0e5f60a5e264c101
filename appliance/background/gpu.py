"""The background on the GPU: uploaded when it changes, or blurred there from the live scene."""

from __future__ import annotations

from appliance.background.base import Background
from appliance.background.blur import BlurBackground
from appliance.cuda.context import Context
from appliance.cuda.graph import Replay
from appliance.cuda.transfer import Upload, pitched
from appliance.media.frame import Format, Frame
from appliance.media.surface import Surface
from appliance.pixels.gpu.blur import Blur

_DEPTH = 2


class DeviceBackground:
    """One background in device memory."""

    def __init__(
        self, context: Context, format: Format, background: Background, replay: Replay, *,
        mapped: bool = False,
    ) -> None:  # fmt: skip
        """Allocate all memory. ``mapped``: CPU and GPU share it (Jetson)."""
        self._background, self._replay = background, replay
        self._blur: Blur | None = None
        self._upload: Upload | None = None
        self._surface: Surface | None = None
        if isinstance(background, BlurBackground):
            self._blur = Blur(context, format, background.radius)
            self._surface = pitched(context, format)
        else:
            self._upload = Upload(context, format, _DEPTH, mapped=mapped)
        self._picture: Frame | None = None

    @property
    def wants_frame(self) -> bool:
        """See ``Background.wants_frame``."""
        return self._background.wants_frame

    @property
    def picture(self) -> Frame | None:
        """What the last call's surface is a copy of; None if it was made on the device."""
        return self._picture

    def __call__(self, frame: Frame, live: Surface) -> Surface:
        """The background for ``frame``; ``live`` is that frame's copy in device memory.

        A still picture is copied once, a video's whenever it gives a new one.
        """
        if self._blur is not None:
            return self._blurred(self._blur, live)
        assert self._upload is not None
        before, self._picture = self._picture, self._background.frame(frame)
        # A picture made from the live frame may come in the same memory each time.
        changed = self._picture is not before or self._background.wants_frame
        if self._surface is None or changed:
            self._surface = self._upload.put(self._picture)
        return self._surface

    def _blurred(self, blur: Blur, live: Surface) -> Surface:
        out = self._surface
        assert out is not None
        self._replay.run(("blur", live.address), lambda: blur(live, out))
        return out
