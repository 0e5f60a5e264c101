"""The atrous pyramid (DeepLabv3, Chen et al., 2017) of depthwise-separable convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from export.network.blocks import ConvNormAct, SeparableConv


class AtrousPyramid(nn.Module):
    """One pointwise branch, one dilated branch per rate, and the picture's mean.

    DeepLab broadcasts the mean to the feature map's size and concatenates it; adding its projection
    after the fusion is the same linear map with fewer operations.
    """

    def __init__(self, in_channels: int, out_channels: int, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.pointwise = ConvNormAct(in_channels, out_channels, 1)
        self.branches = nn.ModuleList(
            SeparableConv(in_channels, out_channels, dilation=rate) for rate in rates
        )
        # No batch norm on a 1x1 map: its statistics would come from the batch's few values.
        self.mean = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, out_channels, 1), nn.ReLU()
        )
        self.fuse = ConvNormAct(out_channels * (1 + len(rates)), out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, in_channels, h, w) to (n, out_channels, h, w)."""
        maps = [self.pointwise(x), *(branch(x) for branch in self.branches)]
        fused: Tensor = self.fuse(torch.cat(maps, dim=1))
        context: Tensor = self.mean(x)
        return fused + context
