"""MediaPipe's selfie segmentation network (Apache-2.0, Google), written out in torch.

MobileNetV3's blocks (Howard et al., 2019) down to 1/16, then a decoder that weighs each skip by
attention. General (256x256) and landscape (256x144) are the same network with other weights; both
are fully convolutional, so that any size in sixteens goes in.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

# The published file's names of the convolutions, in the order in which they are made below:
# numbers stand for conv2d_NUMBER, d NUMBER for depthwise_conv2d_NUMBER.
_PUBLISHED = (
    "0 1 d0 2 3 4 5 d1 6 7 d2 8 9 d3 10 11 12 13 d4 14 15 16 17 d5 18 19 20 21 d6 22 23 24 25 d7 "
    "26 27 28 29 30 31 32 33 34 d8 35 36 37 38 d9 39 40 41 42 d10"
)


class SelfieFeatures(NamedTuple):
    """What the trunk finds in a picture of (h, w)."""

    half: Tensor  # (n, 16, h / 2, w / 2), not decoded
    quarter: Tensor  # (n, 16, h / 4, w / 4), decoded
    eighth: Tensor  # (n, 24, h / 8, w / 8), decoded
    sixteenth: Tensor  # (n, 32, h / 16, w / 16)


class _SameConv(nn.Conv2d):
    """TensorFlow's 'same': with a stride of two, one row and column more below and right."""

    def __init__(
        self, channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self.margins = (before, after, before, after)
        padding = before if before == after else 0
        super().__init__(channels, out, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, out, h / stride, w / stride)."""
        if self.margins[0] != self.margins[1]:
            x = functional.pad(x, self.margins)
        return super().forward(x)


class _Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al., 2018): a weight in (0, 1) a channel from the means."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, channels, 1, 1)."""
        mean = functional.adaptive_avg_pool2d(x, 1)
        return self.excite(self.squeeze(mean).relu()).sigmoid()


class _Block(nn.Module):
    """MobileNetV3's block: widen, depthwise, perhaps a gate, project; residual if it can."""

    def __init__(
        self, channels: int, hidden: int, out: int, kernel: int, stride: int, gate: int, hard: bool
    ) -> None:
        super().__init__()
        self.widen = _SameConv(channels, hidden)
        self.depthwise = _SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.gate = _Gate(hidden, gate) if gate else None
        self.project = _SameConv(hidden, out)
        self.residual = stride == 1 and channels == out
        self.act: nn.Module = nn.Hardswish() if hard else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, out, h / stride, w / stride)."""
        y = self.act(self.depthwise(self.act(self.widen(x))))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)
        return x + y if self.residual else y


class _UpStep(nn.Module):
    """Upsample by two, compress, add the skip as far as attention lets it in, refine."""

    def __init__(self, channels: int, skip: int) -> None:
        super().__init__()
        self.compress = nn.Conv2d(channels, skip, 1)
        self.gate = _Gate(skip, skip)
        self.mix = nn.Conv2d(skip, skip, 1)
        self.depthwise = nn.Conv2d(skip, skip, 3, padding=1, groups=skip)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(n, channels, h, w) and (n, skip, 2h, 2w) to (n, skip, 2h, 2w)."""
        # Compressed before upsampling, unlike the published graph: a quarter of the work, and the
        # same, since a 1x1 convolution and a bilinear mean change places.
        up = functional.interpolate(
            self.compress(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        y = self.mix(skip * self.gate(skip + up) + up).relu()
        return y + self.depthwise(y).relu()


class SelfieTrunk(nn.Module):
    """All but the last step up: the encoder, and the decoder to 1/4."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _SameConv(3, 16, 3, 2)
        self.quarter = _Block(16, 16, 16, 3, 2, gate=8, hard=False)
        self.eighth = nn.Sequential(
            _Block(16, 72, 24, 3, 2, gate=0, hard=False),
            _Block(24, 88, 24, 3, 1, gate=0, hard=False),
        )
        self.sixteenth = nn.Sequential(
            _Block(24, 96, 32, 5, 2, gate=24, hard=True),
            _Block(32, 128, 32, 5, 1, gate=32, hard=True),
            _Block(32, 128, 32, 5, 1, gate=32, hard=True),
            _Block(32, 96, 32, 5, 1, gate=24, hard=True),
            _Block(32, 96, 32, 5, 1, gate=24, hard=True),
        )
        self.context = nn.Conv2d(32, 128, 1)
        self.mean = nn.Conv2d(32, 128, 1)
        self.up8 = _UpStep(128, 24)
        self.up4 = _UpStep(24, 16)

    def forward(self, image: Tensor) -> SelfieFeatures:
        """Of RGB (n, 3, h, w) in [0, 1], h and w multiples of 16."""
        half = functional.hardswish(self.stem(image))
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        mean = self.mean(functional.adaptive_avg_pool2d(sixteenth, 1)).sigmoid()
        y8 = self.up8(self.context(sixteenth).relu() * mean, eighth)
        return SelfieFeatures(half, self.up4(y8, quarter), y8, sixteenth)


class SelfieNetwork(nn.Module):
    """Both published networks' shape; `load_published` gives it their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = SelfieTrunk()
        self.up2 = _UpStep(16, 16)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of alpha (n, 1, h, w) of RGB (n, 3, h, w) in [0, 1]."""
        found = self.trunk(image)
        # The published transposed convolution of 2x2 with stride 2 is this pixel shuffle.
        return functional.pixel_shuffle(self.head(self.up2(found.quarter, found.half)), 2)


def _convolutions(network: SelfieNetwork) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def load_published(network: SelfieNetwork, path: Path) -> None:
    """Copy the weights out of MediaPipe's network as ONNX (general or landscape).

    Raises FileNotFoundError when it is missing, ValueError when it is another network.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; point MATTEBOX_SHARED at the shared folder")
    graph = onnx.load(str(path)).graph
    values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    nodes = {node.output[0]: node for node in graph.node if node.op_type == "Conv"}
    *inner, head = _convolutions(network)
    try:
        for short, convolution in zip(_PUBLISHED.split(), inner, strict=True):
            name = "depthwise_conv2d" if short.startswith("d") else "conv2d"
            number = short.removeprefix("d")
            node = nodes[name if number == "0" else f"{name}_{number}"]
            _copy(convolution.weight, values[node.input[1]])
            _copy(convolution.bias, values[node.input[2]])
        last = next(node for node in graph.node if node.op_type == "ConvTranspose")
        # (16, 1, 2, 2) of the transposed convolution to (4, 16, 1, 1) before the pixel shuffle.
        kernel = values[last.input[1]].reshape(16, 4).T[:, :, None, None]
        _copy(head.weight, kernel)
        _copy(head.bias, values[last.input[2]].repeat(4))
    except (KeyError, StopIteration, RuntimeError) as error:
        raise ValueError(f"{path}: not MediaPipe's selfie segmentation ({error})") from error


def _copy(parameter: Tensor, value: object) -> None:
    with torch.no_grad():
        parameter.copy_(torch.tensor(value))
