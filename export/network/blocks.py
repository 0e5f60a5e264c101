"""Convolutions shared by the parts."""

from __future__ import annotations

from torch import Tensor, nn


class ConvNormAct(nn.Sequential):
    """Convolution, batch norm and (optionally) ReLU; 'same' padding, dilation allowed.

    Input (n, in_channels, h, w), output (n, out_channels, h / stride, w / stride).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        padding = dilation * (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False
            ),
            nn.BatchNorm2d(out_channels),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class SeparableConv(nn.Sequential):
    """Depthwise then pointwise convolution (Chollet, 2017), each with batch norm and ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, dilation: int = 1
    ) -> None:
        super().__init__(
            ConvNormAct(in_channels, in_channels, kernel, dilation=dilation, groups=in_channels),
            ConvNormAct(in_channels, out_channels, 1),
        )


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., 2018): expand, depthwise, project; optional residual."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expand: float,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        hidden = round(in_channels * expand / 8) * 8
        layers: list[nn.Module] = []
        if hidden != in_channels:
            layers.append(ConvNormAct(in_channels, hidden, 1))
        layers += [
            ConvNormAct(hidden, hidden, kernel, stride, dilation, groups=hidden),
            ConvNormAct(hidden, out_channels, 1, act=False),
        ]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) to (n, out_channels, h / stride, w / stride)."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y
