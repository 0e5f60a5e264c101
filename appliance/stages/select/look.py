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
        self, network: ClassNetwork, chosen: Sequence[int], person: Sequence[int] = (), *,
        shown: bool = True,
    ) -> None:  # fmt: skip
        """Take what is looked for.

        Args:
            chosen: numbers of the classes. person: that of persons, if the network has one.
            shown: whether persons are shown: a table beside one then ends where the room begins,
                not where they do; else a gap would be left between the two.
        """
        self._network = network
        self._chosen, self._person = tuple(chosen), tuple(person)
        self._aside = self._person if shown else ()
        spec = self._spec = network.manifest.input
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)
        self._inner: Rect | None = None

    def __call__(self, frame: Frame) -> cpu.Shares:
        """How much of each part of the frame is a thing of the chosen classes, or a person.

        Raises ModelError when the network throws, or gives NaN.
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
        self._network.infer()
        lead = self._network.lead(self._chosen, self._aside)
        share = self._spread(lead, inner)
        things = cpu.follow_edges(planes, share, max(1.0, self._spec.height / lead.shape[0]))
        if not self._person:
            return cpu.Shares(things, None)
        return cpu.Shares(things, cpu.halved(self._spread(self._network.lead(self._person), inner)))

    def _spread(self, lead: F32, inner: Rect) -> F32:
        size, corners = (self._spec.height, self._spec.width), self._network.manifest.output.corners
        return cpu.spread_lead(lead, size, inner, corners=corners)
