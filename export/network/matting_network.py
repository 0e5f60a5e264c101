"""The whole network and its two settings."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from export.network.atrous_pyramid import AtrousPyramid
from export.network.decoder import Decoder
from export.network.encoder import FeatureEncoder
from export.network.priors import Priors


@dataclass(frozen=True)
class Setting:
    """Sizes of one network; `width` and `height` are its input's, multiples of 16."""

    name: str
    width: int
    height: int
    channels: tuple[int, int, int, int]
    depths: tuple[int, int, int]
    expands: tuple[float, float, float, float]
    dilations: tuple[int, ...]
    pyramid: int
    rates: tuple[int, ...]
    decoder: tuple[int, int, int]
    max_parameters: int
    priors: tuple[str, ...] = ()  # MediaPipe's networks inside it: general, landscape


PORTRAIT = Setting(
    name="portrait",
    width=288,
    height=160,
    channels=(16, 24, 48, 96),
    depths=(1, 3, 6),
    expands=(2, 3, 3, 3),
    dilations=(1, 2, 2, 4),
    pyramid=96,
    rates=(2, 4),
    decoder=(48, 24, 16),
    max_parameters=760_000,
    priors=("general", "landscape"),
)

PORTRAIT_LARGE = Setting(
    name="portrait-large",
    width=512,
    height=288,
    channels=(24, 40, 96, 192),
    depths=(2, 4, 9),
    expands=(2, 4, 4, 4),
    dilations=(1, 2, 4, 4),
    pyramid=192,
    rates=(2, 4, 8),
    decoder=(96, 48, 24),
    max_parameters=4_000_000,
)

SETTINGS = {setting.name: setting for setting in (PORTRAIT, PORTRAIT_LARGE)}


class MattingNetwork(nn.Module):
    """DeepLabv3+'s shape made small: encoder, atrous pyramid, decoder with skips."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.encoder = FeatureEncoder(
            setting.channels, setting.depths, setting.expands, setting.dilations
        )
        self.atrous_pyramid = AtrousPyramid(setting.channels[3], setting.pyramid, setting.rates)
        half, quarter, eighth, _ = setting.channels
        self.decoder = Decoder(setting.pyramid, (half, quarter, eighth), setting.decoder)
        self.priors = Priors(setting.priors, setting.channels) if setting.priors else None

    def forward_logits(self, image: Tensor, keep: Tensor | None = None) -> Tensor:
        """Logits of alpha (n, 1, h, w), unbounded, of images (n, 3, h, w) in [-1, 1].

        `keep` (n, priors), for training: 0 leaves a prior out of one sample.
        """
        prior = None if self.priors is None else self.priors(image, keep)
        half, quarter, eighth, sixteenth = self.encoder(image, prior)
        found = self.atrous_pyramid(sixteenth)
        more = None if prior is None else prior.logits
        logits: Tensor = self.decoder(found, half, quarter, eighth, more)
        return logits

    def forward_single_frame(self, image: Tensor) -> Tensor:
        """Alpha (n, 1, h, w) in [0, 1] of images (n, 3, h, w), RGB in [-1, 1]."""
        return self.forward_logits(image).sigmoid()

    def forward(self, image: Tensor) -> Tensor:
        """The same as `forward_single_frame`: this network carries no state over time."""
        return self.forward_single_frame(image)


def parameter_count(network: nn.Module) -> int:
    """Number of trained values in a network."""
    return sum(parameter.numel() for parameter in network.parameters())
