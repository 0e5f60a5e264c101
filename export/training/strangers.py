"""A look at people kept back during training: the figures that pick a checkpoint."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from export.data.pack import read_pack
from export.evaluation.strangers import known, load_strangers
from export.letterbox import Rect, letterboxed
from export.network.matting_network import MattingNetwork
from export.training.stream import to_tensor

SHOWN = 0.005  # mean alpha of an empty scene from which something is to be seen


class StrangersCheck:
    """Held-out strangers and held-out empty places, as the appliance would show them."""

    def __init__(self, strangers: Path, validation: Path, width: int, height: int) -> None:
        """`strangers` is the folder of the set, `validation` the pack with empty places."""
        self._windows: list[Rect] = []
        self._truths: list[tuple[np.ndarray, np.ndarray]] = []
        frames = []
        for stranger in load_strangers(strangers):
            frame, window = letterboxed(stranger.image, width, height)
            frames.append(frame)
            self._windows.append(window)
            size = (window.width, window.height)
            alpha, weight = (
                cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                for plane in (stranger.alpha, stranger.weight)
            )
            self._truths.append((alpha, known(np.asarray(weight, np.uint8))))
        self._images = to_tensor(np.stack(frames))
        places = [
            colour for entry, colour, _ in read_pack(validation) if entry.kind == "background"
        ]
        self._places = to_tensor(
            np.stack([letterboxed(place, width, height)[0] for place in places])
        )

    @torch.no_grad()
    def _alphas(self, network: MattingNetwork, images: Tensor) -> np.ndarray:
        device = next(network.parameters()).device
        parts = [network(chunk.to(device)).cpu()[:, 0] for chunk in images.split(8)]
        return torch.cat(parts).numpy()

    def __call__(self, network: MattingNetwork) -> dict[str, float]:
        """`strangers` mean IoU, `lost` share under 0.8, `off` MAD x1e3, `empty` share shown."""
        ious, errors = [], []
        alphas = self._alphas(network, self._images)
        for alpha, window, (true, sure) in zip(alphas, self._windows, self._truths, strict=True):
            part = alpha[window.y : window.bottom, window.x : window.right]
            ours, theirs = (part > 0.5) & sure, (true > 127) & sure
            union = (ours | theirs).sum()
            ious.append((ours & theirs).sum() / union if union else 1.0)
            errors.append(np.abs(part - true / 255)[sure].mean())
        shown = self._alphas(network, self._places).mean(axis=(1, 2)) > SHOWN
        return {
            "strangers": float(np.mean(ious)),
            "lost": float(np.mean(np.array(ious) < 0.8)),
            "off": float(np.mean(errors) * 1e3),
            "empty": float(shown.mean()),
        }
