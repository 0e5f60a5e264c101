"""Batches of composed scenes, made in worker processes while the network trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from export.data.material import load_material
from export.synthesis.scene import compose_pair


def to_tensor(frames: np.ndarray) -> Tensor:
    """BGR uint8 (..., h, w, 3) to RGB float32 (..., 3, h, w) in [-1, 1]."""
    rgb = torch.from_numpy(np.ascontiguousarray(frames[..., ::-1]))
    return rgb.movedim(-1, -3).float() / 127.5 - 1.0


class SceneStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless pairs: BGR frames uint8 (2, h, w, 3) and alphas uint8 (2, h, w).

    Scene number k depends only on the seed and k, so a resumed run goes on where it stopped.
    """

    def __init__(
        self, pack: Path, width: int, height: int, seed: int, start: int, moments: int = 2,
        stride: int = 1,
    ) -> None:  # fmt: skip
        self._pack, self._size, self._moments = pack, (width, height), moments
        self._seed, self._start, self._stride = seed, start, stride

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        info = get_worker_info()
        step, first = (info.num_workers, info.id) if info else (1, 0)
        width, height = self._size
        material = load_material(self._pack, height)
        number = self._start + first * self._stride
        while True:
            rng = np.random.default_rng((self._seed, number))
            frames, alphas = compose_pair(rng, material, width, height, self._moments)
            yield torch.from_numpy(frames), torch.from_numpy(alphas)
            number += step * self._stride


def batches(
    pack: Path,
    width: int,
    height: int,
    pairs: int,
    seed: int,
    start: int,
    workers: int,
    moments: int = 2,
    stride: int = 1,
) -> Iterator[tuple[Tensor, Tensor]]:
    """An endless stream of batches of `pairs` scenes.

    Each is images (pairs * moments, 3, h, w) in [-1, 1] and alphas (pairs, moments, h, w).
    `start` is the first scene's number, `stride` the distance between scenes; with 0 workers
    scenes are composed in this process.
    """
    stream = SceneStream(pack, width, height, seed, start, moments, stride)
    loader = DataLoader(
        stream,
        batch_size=pairs,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        persistent_workers=workers > 0,
        # Not fork: a worker would inherit OpenCV's and torch's thread pools without their threads.
        multiprocessing_context="spawn" if workers else None,
    )
    for frames, alphas in loader:
        images = to_tensor(frames.numpy().reshape(-1, height, width, 3))
        yield images.contiguous(memory_format=torch.channels_last), alphas.float() / 255.0
