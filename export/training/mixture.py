"""What one training sample is: a view of photographs, a composed scene, or nobody at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from export.data.material import load_material
from export.data.photographs import load_photographs
from export.images import UInt8Image
from export.synthesis.backgrounds import Rng, photo, recoloured
from export.synthesis.camera import random_camera, shoot
from export.synthesis.scene import Material, compose_pair
from export.synthesis.views import Photograph, view
from export.training.stream import to_tensor

Sample = tuple[UInt8Image, UInt8Image, UInt8Image]


@dataclass(frozen=True)
class Kind:
    """One kind of batch: its size, frames a scene (1 or 2), scenes a batch, and how often."""

    width: int
    height: int
    moments: int
    scenes: int
    share: float


def kinds(width: int, height: int, scenes: int, small: float) -> tuple[Kind, ...]:
    """For a network of this size: single frames, upright ones (sides changed), and pairs.

    `small` is the share of single frames at seven tenths of each side, in sixteens: people small,
    what `portrait-small` sees, and twice as many a minute.
    """
    less = [round(0.7 * side / 16) * 16 for side in (width, height)]
    more = 7 * scenes // 4
    single = 0.82 - small
    return (
        Kind(width, height, 1, scenes, 0.7 * single),
        Kind(height, width, 1, scenes, 0.3 * single),
        Kind(less[0], less[1], 1, more, 0.7 * small),
        Kind(less[1], less[0], 1, more, 0.3 * small),
        Kind(width, height, 2, scenes // 2, 0.18),
    )


@dataclass
class Mixture:
    """Everything samples are made of."""

    material: Material
    groups: Sequence[Sequence[Photograph]]  # strangers, then what was filmed otherwise
    weights: Sequence[float]
    views: float = 0.36
    empty: float = 0.16
    tiled: float = 0.06  # two or three samples side by side: people far apart, each seen closely

    def sample(self, rng: Rng, width: int, height: int, moments: int) -> Sample:
        """Frames BGR uint8 (moments, h, w, 3), alphas and weights uint8 (moments, h, w)."""
        if rng.random() < self.tiled:
            return self._tiled(rng, width, height, moments)
        return self._one(rng, width, height, moments)

    def _tiled(self, rng: Rng, width: int, height: int, moments: int) -> Sample:
        """Samples of their own in equal parts of the frame, along its longer side."""
        count = 2 if rng.random() < 0.65 else 3
        along = max(width, height)
        ends = [round(along * part / count) for part in range(count + 1)]
        across = width >= height
        made = [
            self._one(rng, size if across else width, height if across else size, moments)
            for size in np.diff(ends).tolist()
        ]
        axis = 2 if across else 1
        frames, alphas, weights = (
            np.concatenate(planes, axis) for planes in zip(*made, strict=True)
        )
        return frames, alphas, weights

    def _one(self, rng: Rng, width: int, height: int, moments: int) -> Sample:
        kind = rng.random()
        if kind < self.views:
            group = self.groups[int(rng.choice(len(self.groups), p=self.weights))]
            return view(rng, group, width, height, moments)
        if kind < self.views + self.empty:
            return self._empty(rng, width, height, moments)
        frames, alphas = compose_pair(rng, self.material, width, height, moments)
        return frames, alphas, np.full_like(alphas, 255)

    def _empty(self, rng: Rng, width: int, height: int, moments: int) -> Sample:
        """A photograph without people, through a camera; often one that was taken for somebody."""
        hard = self.material.hard
        often = bool(hard) and rng.random() < 0.35
        picture = photo(rng, hard if often else self.material.photos, width, height)
        if rng.random() < 0.4:
            picture = recoloured(rng, picture)
        camera = random_camera(rng, width, height)
        frames = np.stack([shoot(rng, camera, picture) for _ in range(moments)])
        alphas = np.zeros(frames.shape[:3], np.uint8)
        return frames, alphas, np.full_like(alphas, 255)


class MixtureStream(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """Endless batches; batch number k depends on the seed, k and the rank alone.

    Of every rank it is of the same kind, so that none waits for another.
    """

    def __init__(
        self, packs: tuple[Path, Path], kinds: tuple[Kind, ...], seed: int, start: int, rank: int
    ) -> None:
        """`packs`: the training set, and the strangers."""
        self._packs, self._kinds = packs, kinds
        self._seed, self._start, self._rank = seed, start, rank

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        cv2.setNumThreads(1)
        info = get_worker_info()
        step, first = (info.num_workers, info.id) if info else (1, 0)
        mixture = load_mixture(*self._packs, min(self._kinds[0].width, self._kinds[0].height))
        shares = [kind.share for kind in self._kinds]
        number = self._start + first
        while True:
            draw = np.random.default_rng((self._seed, number))
            kind = self._kinds[int(draw.choice(len(shares), p=shares))]
            rng = np.random.default_rng((self._seed, number, self._rank))
            made = [
                mixture.sample(rng, kind.width, kind.height, kind.moments)
                for _ in range(kind.scenes)
            ]
            frames, alphas, weights = (np.stack(planes) for planes in zip(*made, strict=True))
            yield torch.from_numpy(frames), torch.from_numpy(alphas), torch.from_numpy(weights)
            number += step


def load_mixture(train: Path, strangers: Path, height: int) -> Mixture:
    """Read both packs for frames of `height` rows (the shorter side's)."""
    material = load_material(train, height, more=strangers)
    people = load_photographs(strangers, "")
    filmed = load_photographs(train, "signer-")
    official = load_photographs(train, "", but="signer-")
    found = [(0.74, people), (0.16, filmed), (0.10, official)]
    total = sum(share for share, group in found if group)
    groups = [group for _, group in found if group]
    return Mixture(material, groups, [share / total for share, group in found if group])


def mixed_batches(
    packs: tuple[Path, Path],
    kinds: tuple[Kind, ...],
    seed: int,
    start: int,
    workers: int,
    rank: int = 0,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Images (n * m, 3, h, w) in [-1, 1], alphas and weights (n, m, h, w) in [0, 1], endless."""
    loader = DataLoader(
        MixtureStream(packs, kinds, seed, start, rank), batch_size=None, num_workers=workers,
        prefetch_factor=6 if workers else None, persistent_workers=workers > 0,
        multiprocessing_context="spawn" if workers else None,
    )  # fmt: skip
    for frames, alphas, weights in loader:
        images = to_tensor(frames.numpy().reshape(-1, *frames.shape[2:]))
        yield (
            images.contiguous(memory_format=torch.channels_last),
            alphas.float() / 255,
            weights.float() / 255,
        )
