"""A network's ends on the GPU: from the crop's planes to its input, from its output to alpha.

Most networks take planes and give alpha as it is, and nothing is launched for them here.
"""

from __future__ import annotations

from appliance.cuda.context import Context
from appliance.errors import ModelError
from appliance.media.frame import Rect
from appliance.networks.base import DeviceRunner
from appliance.networks.manifest import InputSpec
from appliance.pixels.gpu.planes import Raw, Tensor

_KINDS = {"none": 0, "sigmoid": 1, "softmax": 2}
_THREADS = 256


class NetworkEnds:
    """Around one runner: ``tensor`` to crop into, ``feed``, the run, ``alpha``, ``window``."""

    def __init__(self, context: Context, network: DeviceRunner) -> None:
        """Takes all memory. Raises ModelError when the output is not of the input's size."""
        spec, output = network.manifest.input, network.manifest.output
        self.spec: InputSpec = spec
        """What the network's input looks like."""
        self._context, self._network = context, network
        self._rows, self._columns = spec.height, spec.width
        self._pixels = spec.height * spec.width
        shape = network.output_shape
        planar = output.layout == "NCHW"
        size, channels = (shape[2:], shape[1:2]) if planar else (shape[1:3], shape[3:])
        if len(shape) != 4 or size != (spec.height, spec.width) or output.channel >= channels[0]:
            raise ModelError(
                f"{network.manifest.name}: its output is {shape} ({output.layout}), expected "
                f"{spec.height} rows, {spec.width} columns, and a channel {output.channel}"
            )
        self._channels = channels[0]
        self._steps = (1, self._pixels) if planar else (self._channels, 1)
        self._kind = _KINDS[output.activation]
        self._channel = output.channel
        # NHWC is filled by way of planes.
        self._planes = context.alloc(12 * self._pixels) if spec.layout == "NHWC" else None
        target = network.input if self._planes is None else self._planes
        self.tensor = Tensor(target.address, spec.height, spec.width)
        """Where the crop goes."""
        plain = self._kind == 0 and self._steps[0] == 1
        self._dense = None if plain else context.alloc(4 * self._pixels)
        start = network.output.at(4 * self._pixels * self._channel)
        self._alpha = start if self._dense is None else self._dense.address

    def feed(self) -> None:
        """``tensor`` to the network's input."""
        if self._planes is not None:
            self._context.kernels["interleave"](
                self._grid(), (_THREADS, 1, 1), planes=self._planes.address, count=self._pixels,
                pixels=self._network.input.address,
            )  # fmt: skip

    def alpha(self) -> None:
        """The network's output to alpha."""
        if self._dense is not None:
            self._context.kernels["activate"](
                self._grid(), (_THREADS, 1, 1), raw=self._network.output.address,
                count=self._pixels, channels=self._channels, channel=self._channel,
                pixel_step=self._steps[0], channel_step=self._steps[1], kind=self._kind,
                alpha=self._dense.address,
            )  # fmt: skip

    def window(self, inner: Rect) -> Raw:
        """The part ``inner`` of alpha."""
        address = self._alpha + 4 * (inner.y * self._columns + inner.x)
        return Raw(address, self._columns, inner.height, inner.width)

    def _grid(self) -> tuple[int, int, int]:
        return (-(-self._pixels // _THREADS), 1, 1)
