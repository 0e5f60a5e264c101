"""A person placed in a frame: pose at two moments, tone, drawn arms; and its rendering."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from export.images import FloatImage, UInt8Image
from export.synthesis.backgrounds import Rng
from export.synthesis.limbs import Limb, draw, random_limb
from export.synthesis.people import Person


@dataclass
class Placed:
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


def _pose(rng: Rng, person: Person, width: int, height: int, stretch: float) -> FloatImage:
    """Where a person stands: a 2x3 matrix."""
    if person.upright:
        low, high = (0.15, 0.7) if rng.random() < 0.3 else (0.65, 1.35)
    else:
        low, high = (0.25, 0.6) if rng.random() < 0.2 else (0.5, 1.4)
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    if not person.upright:  # in an upright frame a head and shoulders fill its width
        size *= min(1.0, 1.2 * width / height)
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
    return np.hstack([turn, offset[:, None]]).astype(np.float32)


def _moved(rng: Rng, pose: FloatImage, width: int, height: int, still: bool) -> FloatImage:
    """The pose a moment later: a small shift, turn and growth about the frame's middle."""
    if still:
        return pose.copy()
    angle, scale = np.deg2rad(rng.normal(0, 0.7)), 1 + rng.normal(0, 0.006)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    centre = np.array([width / 2, height / 2])
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = centre - turn @ centre + rng.normal(0, 1.4, 2)
    return np.hstack([turn @ pose[:, :2], (turn @ pose[:, 2] + shift)[:, None]]).astype(np.float32)


def place(rng: Rng, person: Person, width: int, height: int, stretch: float) -> Placed:
    """Draw a pose, its change, a tone, drawn arms and motion blur for one person."""
    pose = _pose(rng, person, width, height, stretch)
    poses = [pose, _moved(rng, pose, width, height, still=bool(rng.random() < 0.35))]
    limbs: list[tuple[Limb, Limb]] = []
    if not person.upright and rng.random() < 0.3:
        limbs = _limbs(rng, person, pose)
    smear = (int(rng.integers(3, 8)), rng.uniform(0, np.pi)) if rng.random() < 0.12 else (0, 0.0)
    hue = _hue(rng) if rng.random() < 0.4 else None
    return Placed(person, poses, _table(rng), hue, limbs, smear)


def _limbs(rng: Rng, person: Person, pose: FloatImage) -> list[tuple[Limb, Limb]]:
    """One or two drawn arms in the person's own skin and sleeve colours, moving."""
    left, top, right, _ = person.head
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


def _nearly(layers: list[UInt8Image], pose: FloatImage) -> tuple[list[UInt8Image], FloatImage]:
    """Layers shrunk by area where the pose shrinks much, as warpAffine does not antialias."""
    shrink = float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))
    if shrink >= 0.7:
        return layers, pose
    rows, columns = layers[0].shape[:2]
    size = (max(2, round(columns * shrink)), max(2, round(rows * shrink)))
    pose = pose.copy()
    pose[:, 0] *= columns / size[0]
    pose[:, 1] *= rows / size[1]
    return [
        np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.uint8)
        for layer in layers
    ], pose


def render_seat(
    placed: Placed, moment: int, width: int, height: int
) -> tuple[FloatImage, FloatImage] | None:
    """What the person sits on, as `render` gives the person; None where there is nothing."""
    behind = placed.person.behind
    if behind is None:
        return None
    layers = [np.ascontiguousarray(behind[..., :3]), np.ascontiguousarray(behind[..., 3])]
    (colour, cover), pose = _nearly(layers, placed.poses[moment])
    frame = (width, height)
    shown = cv2.warpAffine(colour, pose, frame, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.LUT(shown, placed.table).astype(np.float32)
    matte = cv2.warpAffine(cover, pose, frame, borderValue=0).astype(np.float32) / 255.0
    return shown, matte


def render(placed: Placed, moment: int, width: int, height: int) -> tuple[FloatImage, FloatImage]:
    """Foreground float32 (h, w, 3) 0..255 and alpha float32 (h, w) 0..1 at frame size."""
    person = placed.person
    (foreground, alpha), pose = _nearly([person.foreground, person.alpha], placed.poses[moment])
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
        ends = [(round(half - s * dx), round(half - s * dy)) for s in (1, -1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        kernel /= kernel.sum()
        # Smeared premultiplied, so that what lies behind shows through honestly.
        thick = cv2.filter2D(colour * matte[..., None], -1, kernel)
        matte = cv2.filter2D(matte, -1, kernel)
        colour = thick / np.maximum(matte, 1e-3)[..., None]
    return colour, np.clip(matte, 0, 1)


def mirrored(rng: Rng, person: Person) -> Person:
    """The person, or in half of all cases their mirror image."""
    if rng.random() < 0.5:
        return person
    width = person.alpha.shape[1]
    left, top, right, bottom = person.head
    behind = person.behind
    return Person(
        np.ascontiguousarray(person.foreground[:, ::-1]),
        np.ascontiguousarray(person.alpha[:, ::-1]),
        person.rows,
        (width - 1 - right, top, width - 1 - left, bottom),
        person.upright,
        None if behind is None else np.ascontiguousarray(behind[:, ::-1]),
    )
