"""One look for things of the chosen classes, over the whole frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.media.frame import F32, Frame, Rect
from appliance.networks.classes import ClassNetwork
from appliance.pixels import cpu
from appliance.stages.letterbox import inner_rect


class ClassLook:
    """A network of classes with everything needed to look at frames through it."""

    def __init__(
        self, network: ClassNetwork, chosen: Sequence[int], aside: Sequence[int] = ()
    ) -> None:
        """``chosen``: numbers of the classes to look for. ``aside``: see ``ClassNetwork.lead``."""
        self._network = network
        self._chosen, self._aside = tuple(chosen), tuple(aside)
        spec = self._spec = network.manifest.input
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)
        self._inner: Rect | None = None

    def __call__(self, frame: Frame) -> F32:
        """How much of each part of the frame is a thing of the chosen classes.

        Returns float32 (rows, columns), 0..1, on a grid over the whole frame. Raises ModelError
        when the network throws, or gives NaN.
        """
        inner = inner_rect(frame.rect, self._spec)
        planes = cpu.small_planes(frame, inner.height, inner.width)
        tensor = self._network.input
        if inner != self._inner:
            black = (0 - self._mean) * self._scale
            tensor[:] = black[:, None, None]
            self._inner = inner
        cpu.planes_to_tensor(
            planes, frame.colour, self._mean, self._scale,
            tensor[:, inner.y : inner.bottom, inner.x : inner.right],
            bgr=self._spec.order == "BGR",
        )  # fmt: skip
        lead = self._network.lead(self._chosen, self._aside)
        size = (self._spec.height, self._spec.width)
        share = cpu.spread_lead(lead, size, inner, corners=self._network.manifest.output.corners)
        return cpu.follow_edges(planes, share, max(1.0, size[0] / lead.shape[0]))
