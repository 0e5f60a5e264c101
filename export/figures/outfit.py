"""What a body wears, as layers: where, how far off the skin, and in which colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from export.figures.body import PARTS, Body, Floats, Posed
from export.synthesis.backgrounds import Rng

# The ten tones of the Monk Skin Tone Scale (Monk, 2019; CC-BY 4.0), RGB.
SKIN = (
    (246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
    (160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32),
)  # fmt: skip
_HAIR = (
    (18, 16, 16), (30, 24, 22), (45, 32, 26), (72, 48, 34), (110, 78, 50), (158, 122, 80),
    (200, 168, 118), (120, 60, 36), (128, 126, 124), (205, 203, 200),
)  # fmt: skip
SMOOTH, CLOTH, HAIR = 0, 1, 2  # how a surface takes light

Colour = tuple[float, float, float]
Paint = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Layer:
    """One thing worn, or the skin: it covers where `level` is above zero."""

    level: Floats  # (n,) by vertex, about metres or shares of a limb: only the sign counts
    paint: Paint  # resting places (p, 3) to BGR 0..255 (p, 3)
    surface: int  # SMOOTH, CLOTH or HAIR


@dataclass(frozen=True)
class Outfit:
    """Everything the renderer needs to know of what a body wears."""

    layers: list[Layer]  # the later covers the earlier
    offset: Floats  # (n,), metres along the normal
    shown: NDArray[np.bool_]  # (f,)


def waves(rng: Rng, points: Floats, length: float, count: int = 12) -> Floats:
    """Smooth noise (n,) of about unit spread at `points` (n, 3), `length` metres a wave."""
    ways = rng.normal(0, 2 * np.pi / length / np.sqrt(3), (3, count))
    phases = rng.uniform(0, 2 * np.pi, count)
    return np.sin(points @ ways + phases).sum(axis=1) * np.sqrt(2 / count)


def _lab(lightness: float, a: float, b: float) -> Colour:
    lab = np.array([[[lightness, 128 + a, 128 + b]]])
    pixel = cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_Lab2BGR)[0, 0]
    return float(pixel[0]), float(pixel[1]), float(pixel[2])


def cloth_colour(rng: Rng) -> Colour:
    """Mostly dark or muted, as people dress; sometimes white, sometimes loud."""
    kind = rng.random()
    if kind < 0.4:
        return _lab(rng.uniform(15, 80), rng.normal(0, 4), rng.normal(-3, 6))
    if kind < 0.55:
        return _lab(rng.uniform(190, 250), rng.normal(0, 3), rng.normal(2, 5))
    return _lab(rng.uniform(40, 220), rng.normal(0, 26), rng.normal(0, 26))


def _along(points: Floats, start: Floats, end: Floats) -> Floats:
    axis = end - start
    return np.asarray((points - start) @ axis / (axis @ axis))


class _Regions:
    """Where on the resting body things are, by vertex."""

    def __init__(self, body: Body, posed: Posed) -> None:
        rest, joint = posed.rest, posed.joints
        part = {name: body.part == i for i, name in enumerate(PARTS)}
        self.part, self.height = part, rest[:, 2]
        self.tall = float(rest[:, 2].max() - rest[:, 2].min())
        self.arm = np.full(len(rest), -1.0)  # 0 at the shoulder, 1 elbow, 2 wrist and beyond
        self.leg = np.full(len(rest), -1.0)  # 0 at the hip, 1 knee, 2 ankle and beyond
        for side, on in (("L", rest[:, 0] > 0), ("R", rest[:, 0] <= 0)):
            names = [f"{bone}.{side}" for bone in ("upperarm01", "lowerarm01", "wrist")]
            a, b, c = (joint[name] for name in names)
            upper, lower = on & part["upper arm"], on & part["forearm"]
            self.arm[upper] = np.clip(_along(rest[upper], a, b), 0, 1)
            self.arm[lower] = 1 + np.clip(_along(rest[lower], b, c), 0, 1)
            self.arm[on & part["hand"]] = 2.1
            names = [f"{bone}.{side}" for bone in ("upperleg01", "lowerleg01", "foot")]
            a, b, c = (joint[name] for name in names)
            upper, lower = on & part["thigh"], on & part["shin"]
            self.leg[upper] = np.clip(_along(rest[upper], a, b), 0, 1)
            self.leg[lower] = 1 + np.clip(_along(rest[lower], b, c), 0, 1)
            self.leg[on & part["foot"]] = 2.1
        self.hip, self.neck = float(joint["upperleg01.L"][2]), float(joint["neck01"][2])
        self.waist = self.hip + 0.35 * (float(joint["spine01"][2]) - self.hip)
        eye = joint["eye.L"]
        head = part["head"] | part["eye"]
        size = float(rest[head, 2].max() - joint["head"][2])
        ahead = (rest[:, 1] - eye[1]) / size  # 0 at the eyes, grows to the back
        above = (rest[:, 2] - eye[2]) / size
        wide = np.abs(rest[:, 0]) / size
        line = 0.33 - 0.9 * np.clip(ahead - 0.12, 0, 1.0)
        self.scalp = part["head"] & (above > np.maximum(line, -0.55))
        ears = (wide > 0.3) & (above < 0.12) & (above > -0.25) & (ahead > 0.2) & (ahead < 0.6)
        self.scalp &= ~ears
        self.face = part["head"] & (ahead < 0.33) & (above < 0.3)
        self.jaw = self.face & (above < -0.28)
        self.brow = self.face & (above > 0.09) & (above < 0.15) & (wide > 0.07) & (ahead < 0.16)
        self.above, self.ahead, self.wide, self.size = above, ahead, wide, size


@dataclass(frozen=True)
class Regions:
    """Where on the resting body each vertex is; head measures in heights of the head."""

    part: dict[str, NDArray[np.bool_]]
    height: Floats  # metres
    arm: Floats  # 0 at the shoulder, 1 elbow, 2 wrist, -1 elsewhere
    leg: Floats  # 0 at the hip, 1 knee, 2 ankle, -1 elsewhere
    tall: float
    hip: float
    waist: float
    neck: float
    ahead: Floats  # 0 at the eyes, grows to the back
    above: Floats  # 0 at the eyes
    wide: Floats
    face: NDArray[np.bool_]
    scalp: Floats  # above zero where hair grows


def _limb(
    rest: Floats, joints: dict[str, Floats], bones: tuple[str, str, str],
    parts: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
) -> Floats:  # fmt: skip
    """How far along a pair of limbs each vertex lies: 0..1 the first bone, 1..2 the second."""
    far = np.full(len(rest), -1.0)
    for side, on in (("L", rest[:, 0] > 0), ("R", rest[:, 0] <= 0)):
        a, b, c = (joints[f"{bone}.{side}"] for bone in bones)
        upper, lower, end = (on & part for part in parts)
        far[upper] = np.clip(_along(rest[upper], a, b), 0, 1)
        far[lower] = 1 + np.clip(_along(rest[lower], b, c), 0, 1)
        far[end] = 2.1
    return far


def regions(body: Body, posed: Posed) -> Regions:
    """Measure the resting body."""
    rest, joints = posed.rest, posed.joints
    skin = np.zeros(len(rest), bool)  # not the helpers, which bones move as well
    skin[body.faces[body.group == "body"]] = True
    part = {name: (body.part == i) & skin for i, name in enumerate(PARTS)}
    hip, eye = float(joints["upperleg01.L"][2]), joints["eye.L"]
    size = float(rest[part["head"], 2].max() - joints["head"][2])
    ahead = (rest[:, 1] - eye[1]) / size
    above = (rest[:, 2] - eye[2]) / size
    wide = np.abs(rest[:, 0]) / size
    line = np.maximum(0.33 - 0.9 * np.clip(ahead - 0.12, 0, 1.0), -0.55)
    ears = (wide > 0.3) & (above < 0.12) & (above > -0.25) & (ahead > 0.2) & (ahead < 0.6)
    return Regions(
        part=part,
        height=rest[:, 2],
        arm=_limb(rest, joints, ("upperarm01", "lowerarm01", "wrist"),
                  (part["upper arm"], part["forearm"], part["hand"])),
        leg=_limb(rest, joints, ("upperleg01", "lowerleg01", "foot"),
                  (part["thigh"], part["shin"], part["foot"])),
        tall=float(np.ptp(rest[:, 2])),
        hip=hip,
        waist=hip + 0.35 * (float(joints["spine01"][2]) - hip),
        neck=float(joints["neck01"][2]),
        ahead=ahead, above=above, wide=wide,
        face=part["head"] & (ahead < 0.33) & (above < 0.3),
        scalp=np.where(part["head"] & ~ears, above - line, -1.0),
    )  # fmt: skip


def _pattern(rng: Rng, base: Colour) -> Paint:
    """Cloth by the resting place: plain, stripes, checks or patches."""
    kind, other = rng.random(), np.asarray(cloth_colour(rng))
    along = 2 if rng.random() < 0.7 else 0
    length, share = rng.uniform(0.025, 0.13), rng.uniform(-0.3, 0.8)
    seed = int(rng.integers(1 << 31))

    def paint(where: Floats) -> Floats:
        colour = np.tile(np.asarray(base), (len(where), 1))
        if kind < 0.14:
            colour[np.sin(where[:, along] * 2 * np.pi / length) > share] = other
        elif kind < 0.22:
            for axis in (0, 2):
                band = np.sin(where[:, axis] * 2 * np.pi / length) > 0.4
                colour[band] = 0.5 * colour[band] + 0.5 * other
        elif kind < 0.30:
            patches = waves(np.random.default_rng(seed), where, 2 * length)
            colour[patches > 0.6] = other
        return colour

    return paint


def _plain(colour: Colour) -> Paint:
    return lambda where: np.tile(np.asarray(colour), (len(where), 1))


def _mottled(rng: Rng, colour: Floats, strength: float, length: float, up: float = 1.0) -> Paint:
    """A colour that wanders: skin in blotches, hair in streaks along z (`up` below 1)."""
    seed = int(rng.integers(1 << 31))

    def paint(where: Floats) -> Floats:
        noise = waves(np.random.default_rng(seed), where * (1.0, 1.0, up), length, 16)
        return np.asarray(colour * np.clip(1 + strength * noise, 0.4, 1.8)[:, None])

    return paint


def dress(rng: Rng, body: Body, posed: Posed) -> Outfit:
    """Draw an outfit: top, trousers or skirt, shoes, hair, now and then a headscarf or a cap."""
    where = regions(body, posed)
    scale, count = where.tall / 1.7, len(posed.rest)
    offset, layers = np.zeros(count), []
    shown = body.group == "body"
    # The scale's tones are of flat patches; a camera sees living skin a little redder.
    tone = np.asarray(SKIN[int(rng.integers(10))], float)[::-1] * (0.84, 0.91, 1.0)
    layers.append(Layer(np.ones(count), _mottled(rng, tone, 0.05, 0.06), SMOOTH))
    dye = np.asarray(_HAIR[int(rng.integers(len(_HAIR)))], float)[::-1] * rng.uniform(0.8, 1.2)
    _features(rng, where, tone, dye, layers, offset)

    def wear(level: Floats, thick: float, folds: float, paint: Paint) -> None:
        fold = waves(rng, posed.rest * (1.0, 1.0, 0.5), rng.uniform(0.07, 0.2) * scale)
        fine = waves(rng, posed.rest, 0.05 * scale)
        off = thick + folds * np.maximum(-1.2, fold) + 0.25 * folds * fine
        on = level > 0
        offset[on] = np.maximum(0.002, off * scale)[on]
        layers.append(Layer(level, paint, CLOTH))

    torso = where.part["torso"]
    thick = float(rng.choice((0.008, 0.018, 0.032)))
    sleeve = float(rng.choice((-0.5, 0.15, 0.5, 1.3, 2.05), p=(0.06, 0.06, 0.28, 0.1, 0.5)))
    bottom = _pattern(rng, cloth_colour(rng))
    skirt = rng.random() < 0.16
    long = 0.35 if skirt else float(rng.choice((0.5, 0.95, 2.05), p=(0.18, 0.17, 0.65)))
    level = np.where(where.leg >= 0, long - where.leg, -1.0)
    level = np.where(torso, where.waist + 0.05 * scale - where.height, level)
    wear(level, rng.uniform(0.006, 0.03), rng.uniform(0.001, 0.006), bottom)
    hem = where.waist - float(rng.choice((0.0, 0.07, 0.2))) * scale
    level = np.where(torso | (where.leg >= 0), where.height - hem, -1.0)
    level = np.where(where.arm >= 0, 0.3 * (sleeve - where.arm), level)
    neckline = where.neck + scale * rng.uniform(-0.06, 0.05)
    level = np.where(torso | where.part["neck"], np.minimum(level, neckline - where.height), level)
    level = np.where(where.part["neck"], neckline - where.height, level)
    wear(level, thick, rng.uniform(0.001, 0.008),
         bottom if rng.random() < 0.12 else _pattern(rng, cloth_colour(rng)))  # fmt: skip
    if thick > 0.015 and rng.random() < 0.5:  # an open jacket over a shirt
        front = torso & (posed.rest[:, 1] < 0) & (where.height > where.waist)
        wide = np.where(front, rng.uniform(0.02, 0.07) * scale - np.abs(posed.rest[:, 0]), -1.0)
        layers.append(Layer(np.minimum(wide, level), _pattern(rng, cloth_colour(rng)), CLOTH))
        if rng.random() < 0.4:
            tie = np.where(front, 0.02 * scale - np.abs(posed.rest[:, 0]), -1.0)
            layers.append(Layer(np.minimum(tie, level), _pattern(rng, cloth_colour(rng)), CLOTH))
    if rng.random() < 0.9:
        wear(where.leg - 2.0, 0.008, 0.001, _plain(cloth_colour(rng)))
    if skirt:
        cloth = np.zeros(count, bool)
        cloth[body.faces[body.group == "helper-skirt"]] = True
        share = rng.uniform(0.2, 0.8)
        end = where.hip - share * (where.hip - posed.rest[:, 2].min())
        level = np.where(cloth, posed.rest[:, 2] - end, -1.0)
        wear(level, 0.014, 0.010, bottom)
    _hair(rng, body, where, posed.rest, (layers, offset), dye)
    worn = np.zeros(count, bool)
    for layer in layers[1:]:
        worn |= layer.level > 0
    shown |= worn[body.faces].all(axis=1)
    return Outfit(layers, offset, shown)


def _features(
    rng: Rng, where: Regions, tone: Floats, dye: Floats, layers: list[Layer], offset: Floats
) -> None:
    """Eyes, brows, lips, now and then a beard."""
    front = where.part["eye"] & (where.ahead < np.quantile(where.ahead[where.part["eye"]], 0.2))
    layers.append(Layer(np.where(where.part["eye"], 1.0, -1.0), _plain((215, 222, 225)), SMOOTH))
    layers.append(Layer(np.where(front, 1.0, -1.0), _plain((35, 40, 45)), SMOOTH))
    brow = np.where(where.face, 0.03 - np.abs(where.above - 0.12), -1.0)
    brow = np.where((where.wide > 0.07) & (where.wide < 0.3), brow, -1.0)
    layers.append(Layer(brow, _plain(tuple(0.5 * tone * 0.6 + 0.2 * dye)), SMOOTH))
    lips = np.where(where.face & (where.wide < 0.13), 0.03 - np.abs(where.above + 0.36), -1.0)
    layers.append(Layer(lips, _plain(tuple(tone * (0.7, 0.68, 0.9))), SMOOTH))
    if rng.random() < 0.15:
        beard = np.where(where.face, -0.3 - where.above, -1.0)
        beard = np.where(lips > 0, -1.0, beard)
        offset[beard > 0] = rng.uniform(0.002, 0.02) * where.tall / 1.7
        layers.append(Layer(beard, _mottled(rng, dye, 0.2, 0.012, 0.2), HAIR))


def _hair(
    rng: Rng, body: Body, where: Regions, rest: Floats,
    worn: tuple[list[Layer], Floats], dye: Floats,
) -> None:  # fmt: skip
    """Hair short or long, a headscarf, a cap, or none; added to `worn`."""
    layers, offset = worn
    scale = where.tall / 1.7
    kind = rng.choice(("short", "long", "scarf", "cap", "bald"), p=(0.46, 0.3, 0.08, 0.08, 0.08))
    if kind == "bald":
        return
    paint = _mottled(rng, dye, 0.2, 0.012 * scale, 0.15)
    level, thick, surface = where.scalp, scale * rng.uniform(0.006, 0.035), HAIR
    if kind in ("scarf", "cap"):
        thick, surface, paint = 0.015 * scale, CLOTH, _pattern(rng, cloth_colour(rng))
    if kind == "scarf":
        level = np.where(where.part["head"], np.where(where.face, -1.0, 1.0), -1.0)
        level = np.where(where.part["neck"], 1.0, level)
    if kind == "cap":
        level = np.where(where.part["head"], where.above - rng.uniform(0.15, 0.3), -1.0)
    bumps = waves(rng, np.stack([where.wide, where.ahead, where.above], 1), 0.35)
    offset[level > 0] = (thick * (1 + 0.25 * bumps))[level > 0]
    layers.append(Layer(level, paint, surface))
    if kind == "long":
        shell = np.zeros(len(rest), bool)
        shell[body.faces[body.group == "helper-hair"]] = True
        free = np.maximum(where.ahead - 0.22, where.above - 0.36)
        if rng.random() < 0.5:
            free = np.maximum(free, where.wide - 0.36)
        ends = where.above + rng.uniform(0.4, 2.2)
        layers.append(Layer(np.where(shell, np.minimum(free, ends), -1.0), paint, HAIR))
