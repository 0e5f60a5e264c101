"""One training scene: people on a background, filmed twice a moment apart, with true alphas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from export.labels.teacher import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng, background
from export.synthesis.camera import random_camera, shoot
from export.synthesis.limbs import Limb, draw, random_limb
from export.synthesis.people import Person


@dataclass(frozen=True)
class RealFrame:
    """A frame as it was filmed, BGR uint8 (h, w, 3), with its solved alpha, uint8 (h, w)."""

    image: UInt8Image
    alpha: UInt8Image


@dataclass
class Material:
    """Everything scenes are made of."""

    people: Sequence[Sequence[Person]]  # one inner sequence a group, e.g. portraits, clips
    weights: Sequence[float]  # how often each group is drawn
    photos: Sequence[UInt8Image]
    real: Sequence[RealFrame] = field(default_factory=list)


@dataclass
class _Placed:
    """A person with its pose in the frame, for two moments."""

    person: Person
    poses: list[FloatImage]  # two 2x3 matrices, cutout pixels -> frame pixels
    table: UInt8Image
    hue: np.ndarray | None
    limbs: list[tuple[Limb, Limb]]
    smear: tuple[int, float]


def _table(rng: Rng) -> UInt8Image:
    """A tone curve for one person, (1, 256, 3): its light need not be the room's."""
    tone = np.arange(256, dtype=np.float32)[None, :, None] / 255.0
    gain = np.exp(rng.normal(0, 0.16)) * np.exp(rng.normal(0, 0.06, 3))
    curve = np.power(tone * gain, float(np.exp(rng.normal(0, 0.22))))
    return np.clip(curve * 255, 0, 255).astype(np.uint8)


def _hue(rng: Rng) -> np.ndarray:
    """A BGR mixing matrix (3, 3) that shifts saturation and, now and then, hue."""
    saturation = rng.uniform(0.3, 1.5)
    grey = np.full((3, 3), 1 / 3) * (1 - saturation) + np.eye(3) * saturation
    if rng.random() < 0.2:
        grey = grey[rng.permutation(3)]
    return grey.astype(np.float32)


def _pose(
    rng: Rng, person: Person, width: int, height: int, stretch: float
) -> tuple[FloatImage, float]:
    """Where a person stands: a 2x3 matrix and the vertical scale in it."""
    if person.upright:
        low, high = (0.25, 0.7) if rng.random() < 0.2 else (0.65, 1.35)
    else:
        low, high = (0.25, 0.6) if rng.random() < 0.2 else (0.5, 1.4)
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    scale_y = size * height / person.rows
    scale_x = scale_y * stretch * float(np.exp(rng.normal(0, 0.06)))
    left, top, right, _ = person.head
    head_x = (left + right) / 2 if not person.upright else person.alpha.shape[1] / 2
    angle = np.deg2rad(rng.normal(0, 5 if rng.random() < 0.8 else 15))
    x = rng.normal(0.5, 0.17) if rng.random() < 0.75 else rng.uniform(-0.05, 1.05)
    full = person.rows * scale_y
    if rng.random() < 0.75:  # the picture's lower edge lies at the frame's, or below it
        y = height - full * rng.uniform(0.72, 1.0)
        y = y if size < 0.95 else rng.uniform(-0.15, 0.3) * height
    else:
        y = rng.uniform(-0.1, 0.45) * height
    # Grown torsos end after one more height: never let that end show.
    ends = y + (person.alpha.shape[0] - top) * scale_y
    if ends < height and person.alpha.shape[0] > person.rows:
        y += height - ends + 1
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos * scale_x, -sin * scale_y], [sin * scale_x, cos * scale_y]])
    offset = np.array([x * width, y]) - turn @ np.array([head_x, top])
    return np.hstack([turn, offset[:, None]]).astype(np.float32), scale_y


def _moved(rng: Rng, pose: FloatImage, width: int, height: int, still: bool) -> FloatImage:
    """The pose a moment later: a small shift, turn and growth about the frame's middle."""
    if still:
        return pose.copy()
    angle, scale = np.deg2rad(rng.normal(0, 0.7)), 1 + rng.normal(0, 0.006)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    centre = np.array([width / 2, height / 2])
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = centre - turn @ centre + rng.normal(0, 1.4, 2)
    return np.hstack(
        [turn @ pose[:, :2], (turn @ pose[:, 2] + shift)[:, None]]
    ).astype(np.float32)


def _place(rng: Rng, person: Person, width: int, height: int, stretch: float) -> _Placed:
    pose, scale = _pose(rng, person, width, height, stretch)
    poses = [pose, _moved(rng, pose, width, height, still=bool(rng.random() < 0.35))]
    limbs: list[tuple[Limb, Limb]] = []
    if not person.upright and rng.random() < 0.3:
        limbs = _limbs(rng, person, pose)
    smear = (int(rng.integers(3, 8)), rng.uniform(0, np.pi)) if rng.random() < 0.12 else (0, 0.0)
    hue = _hue(rng) if rng.random() < 0.4 else None
    return _Placed(person, poses, _table(rng), hue, limbs, smear)


def _limbs(rng: Rng, person: Person, pose: FloatImage) -> list[tuple[Limb, Limb]]:
    """One or two drawn arms in the person's own skin and sleeve colours, moving."""
    left, top, right, bottom = person.head
    rows, middle = person.rows, (left + right) // 2
    face = person.foreground[top + (rows - top) // 3 : top + (rows - top) // 2]
    skin = np.median(face[:, middle - 12 : middle + 12].reshape(-1, 3), axis=0)
    low = person.foreground[int(rows * 0.9) : rows]
    inside = person.alpha[int(rows * 0.9) : rows] > 200
    sleeve = np.median(low[inside], axis=0) if inside.any() else skin
    centre = pose @ np.array([middle, top + 0.32 * (rows - top), 1.0])
    unit = 0.55 * (rows - top) * float(np.linalg.norm(pose[:, 1]))
    pairs = []
    for _ in range(1 if rng.random() < 0.65 else 2):
        limb = random_limb(rng, (float(centre[0]), float(centre[1]), unit), skin, sleeve)
        later = Limb(**vars(limb))
        move = rng.normal(0, 0.07 * unit, 2)
        later.wrist = limb.wrist + move
        later.elbow = limb.elbow + 0.4 * move
        later.angle = limb.angle + rng.normal(0, 0.06)
        pairs.append((limb, later))
    return pairs


def _render(
    placed: _Placed, moment: int, width: int, height: int
) -> tuple[FloatImage, FloatImage]:
    """Foreground float32 (h, w, 3) 0..255 and alpha float32 (h, w) 0..1 at frame size."""
    person, pose = placed.person, placed.poses[moment]
    foreground, alpha = person.foreground, person.alpha
    shrink = float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))
    if shrink < 0.7:  # warpAffine does not antialias: go most of the way by area first
        rows, columns = alpha.shape
        size = (max(2, round(columns * shrink)), max(2, round(rows * shrink)))
        foreground = np.asarray(cv2.resize(foreground, size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
        pose = pose.copy()
        pose[:, 0] *= columns / size[0]
        pose[:, 1] *= rows / size[1]
    frame = (width, height)
    colour = cv2.warpAffine(foreground, pose, frame, borderMode=cv2.BORDER_REPLICATE)
    colour = cv2.LUT(colour, placed.table).astype(np.float32)
    matte = cv2.warpAffine(alpha, pose, frame, borderValue=0).astype(np.float32) / 255.0
    for pair in placed.limbs:
        arm, cover = draw(pair[moment], width, height)
        toned = cv2.LUT(arm.astype(np.uint8), placed.table).astype(np.float32)
        total = cover + matte * (1 - cover)
        share = (cover / np.maximum(total, 1e-4))[..., None]
        colour = toned * share + colour * (1 - share)
        matte = total
    if placed.hue is not None:
        colour = cv2.transform(colour, placed.hue)
    length, angle = placed.smear
    if length:
        kernel = np.zeros((length, length), np.float32)
        half = (length - 1) / 2
        dx, dy = half * np.cos(angle), half * np.sin(angle)
        ends = [(int(round(half - s * dx)), int(round(half - s * dy))) for s in (1, -1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        kernel /= kernel.sum()
        # Smeared premultiplied, so that what lies behind shows through honestly.
        thick = cv2.filter2D(colour * matte[..., None], -1, kernel)
        matte = cv2.filter2D(matte, -1, kernel)
        colour = thick / np.maximum(matte, 1e-3)[..., None]
    return colour, np.clip(matte, 0, 1)


def _shadow(rng: Rng, width: int) -> tuple[float, float, FloatImage]:
    """Strength, softness and shift of the shadow people throw on the wall."""
    shift = np.array([[1, 0, rng.normal(0, 0.05) * width], [0, 1, rng.normal(2, 0.02 * width)]])
    strength = rng.uniform(0.1, 0.65) if rng.random() < 0.35 else 0.0
    return strength, float(rng.uniform(1, 12)), shift.astype(np.float32)


def _people_count(rng: Rng) -> int:
    return int(rng.choice(4, p=(0.07, 0.73, 0.15, 0.05)))


def compose_pair(
    rng: Rng, material: Material, width: int, height: int
) -> tuple[UInt8Image, UInt8Image]:
    """Frames BGR uint8 (2, height, width, 3) and alphas uint8 (2, height, width)."""
    if material.real and rng.random() < 0.12:
        return _real_pair(rng, material, width, height)
    stretch = float(np.exp(rng.uniform(np.log(0.67), np.log(1.5)))) if rng.random() < 0.5 else 1.0
    scene = background(rng, material.photos, width + 8, height + 8).astype(np.float32)
    crowd: list[_Placed] = []
    for _ in range(_people_count(rng)):
        group = material.people[int(rng.choice(len(material.people), p=material.weights))]
        person = group[int(rng.integers(len(group)))]
        crowd.append(_place(rng, _mirrored(rng, person), width, height, stretch))
    crowd.sort(key=lambda placed: float(np.linalg.det(placed.poses[0][:, :2])))
    camera = random_camera(rng, width, height)
    strength, softness, shift = _shadow(rng, width)
    bars = _bars(rng, width, height)
    shake = rng.normal(0, 0.8, 2) if rng.random() < 0.3 else np.zeros(2)
    frames, alphas = [], []
    for moment in (0, 1):
        picture = scene[4 : 4 + height, 4 : 4 + width]
        if moment and shake.any():
            move = np.array([[1, 0, shake[0] - 4], [0, 1, shake[1] - 4]], np.float32)
            picture = cv2.warpAffine(
                scene, move, (width, height), borderMode=cv2.BORDER_REFLECT_101
            )
        total = np.zeros((height, width), np.float32)
        for placed in crowd:
            colour, matte = _render(placed, moment, width, height)
            if strength:
                dark = cv2.GaussianBlur(
                    cv2.warpAffine(matte, shift, (width, height)), (0, 0), softness
                )
                picture = picture * (1 - strength * dark)[..., None]
            picture = colour * matte[..., None] + picture * (1 - matte)[..., None]
            total = matte + total * (1 - matte)
        frame = shoot(rng, camera, picture)
        y0, y1, x0, x1 = bars
        if (y0, y1, x0, x1) != (0, height, 0, width):
            keep = np.zeros((height, width), bool)
            keep[y0:y1, x0:x1] = True
            frame[~keep] = 0
            total[~keep] = 0
        frames.append(frame)
        alphas.append(np.round(total * 255).astype(np.uint8))
    return np.stack(frames), np.stack(alphas)


def _mirrored(rng: Rng, person: Person) -> Person:
    if rng.random() < 0.5:
        return person
    width = person.alpha.shape[1]
    left, top, right, bottom = person.head
    return Person(
        np.ascontiguousarray(person.foreground[:, ::-1]),
        np.ascontiguousarray(person.alpha[:, ::-1]),
        person.rows,
        (width - 1 - right, top, width - 1 - left, bottom),
        person.upright,
    )


def _bars(rng: Rng, width: int, height: int) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the picture inside black bars; mostly there are none."""
    if rng.random() > 0.05:
        return 0, height, 0, width
    if rng.random() < 0.7:
        bar = int(rng.uniform(0.03, 0.25) * width)
        return 0, height, bar, width - bar
    bar = int(rng.uniform(0.03, 0.2) * height)
    return bar, height - bar, 0, width


def _real_pair(
    rng: Rng, material: Material, width: int, height: int
) -> tuple[UInt8Image, UInt8Image]:
    """A crop of a frame as it was filmed, twice through the same camera's damage."""
    real = material.real[int(rng.integers(len(material.real)))]
    full_h, full_w = real.alpha.shape
    aspect = width / height * float(np.exp(rng.uniform(np.log(0.67), np.log(1.5))))
    share = rng.uniform(0.75, 1.0)
    w = min(full_w, full_h * aspect) * share
    h = min(w / aspect, full_h)
    x, y = rng.uniform(0, full_w - w), rng.uniform(0, full_h - h)
    camera = random_camera(rng, width, height)
    flip = bool(rng.random() < 0.5)
    frames, alphas = [], []
    still = bool(rng.random() < 0.4)
    for moment in (0, 1):
        if moment and not still:
            x = float(np.clip(x + rng.normal(0, 0.006) * full_w, 0, full_w - w))
            y = float(np.clip(y + rng.normal(0, 0.006) * full_h, 0, full_h - h))
        pose = np.array(
            [[width / w, 0, -x * width / w], [0, height / h, -y * height / h]], np.float32
        )
        image, matte = real.image, real.alpha
        if h / height > 1.5:
            size = (round(full_w * height / h), round(full_h * height / h))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            matte = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.uint8)
            pose[:, 0] *= full_w / size[0]
            pose[:, 1] *= full_h / size[1]
        frame = cv2.warpAffine(image, pose, (width, height), borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(matte, pose, (width, height), borderMode=cv2.BORDER_REPLICATE)
        if flip:
            frame, alpha = frame[:, ::-1], alpha[:, ::-1]
        frames.append(shoot(rng, camera, np.ascontiguousarray(frame)))
        alphas.append(np.asarray(alpha, np.uint8))
    return np.stack(frames), np.stack(alphas)
