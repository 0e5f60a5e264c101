"""The evaluation sets, made of people and places that training never sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from export.data.pack import read_pack
from export.data.split import EMPTY_STRETCHES, HELD_OUT_SIGNERS, HELD_OUT_WALKERS
from export.evaluation.composed import compose
from export.evaluation.sets import save_clip
from export.images import UInt8Image
from export.labels.filmed_wall import cut_out_of_wall
from export.labels.portraits import Cutout
from export.labels.signers import signer_cutouts, tight_teacher
from export.labels.steady import steady_labels
from export.labels.teacher import Teacher
from export.labels.video import read_frames
from export.labels.walkers import walker_cutouts
from export.synthesis.people import Person, prepare

FRAMES = 12  # a composed clip
SHADOWED = 0.6  # weight of lightness before a grey wall with soft shadows
GREEN_WALL = ((40, 70), (290, 320), (900, 930))  # the camera moves from 600 to 830


def build_sets(
    shared: Path, validation: Path, out: Path, told: Callable[[str], None] = lambda _: None
) -> None:
    """Write all sets below `out`. `validation` is the pack of held-out people and places."""
    teacher = Teacher(shared / "models" / "selfie_segmentation.onnx")
    told("composed portraits")
    _composed(validation, out)
    told("signers")
    for person in HELD_OUT_SIGNERS:
        clips: dict[str, list[tuple[UInt8Image, Cutout]]] = {}
        for clip, _, frame, cutout in signer_cutouts(
            person, shared / "media" / "asl", teacher, most=40
        ):
            clips.setdefault(clip, []).append((frame, cutout))
        for clip, made in clips.items():
            pictures = [frame for frame, _ in made]
            alphas = steady_labels(pictures, [cutout.alpha for _, cutout in made])
            save_clip(out / "signers" / clip, pictures, alphas)
    told("walkers")
    walkers = shared / "media" / "room-walkers.mp4"
    for walker in HELD_OUT_WALKERS:
        solved = list(walker_cutouts(walker, walkers, teacher, step=6, most=20))
        save_clip(
            out / "walkers" / f"walker-{walker}",
            [frame for _, frame, _ in solved],
            [cutout.alpha for _, _, cutout in solved],
        )
    told("empty room")
    for first, last in EMPTY_STRETCHES:
        # Somebody's foot may show at either end of a stretch.
        frames = read_frames(walkers, first + 6, last - 6)[::2]
        save_clip(out / "empty-room" / f"from-{first:04d}", frames, None)
    told("green wall")
    for first, last in GREEN_WALL:
        frames = read_frames(shared / "media" / "greenwall.mp4", first, last)
        # The man's shadow on the wall is dark, but as green: colour tells them apart.
        _save_solved(out / "greenwall" / f"from-{first:04d}", frames, teacher, lightness=0.1)
    told("head poses")
    for name in ("male", "female"):
        frames = read_frames(shared / "media" / f"head-pose-{name}.gif")[:30]
        _save_solved(out / "head-pose" / name, frames, teacher, SHADOWED)
    _two_people(shared, out, teacher)


def _save_solved(
    folder: Path, frames: list[UInt8Image], teacher: Teacher, lightness: float = 1.0
) -> None:
    cutouts = [cut_out_of_wall(frame, tight_teacher(frame, teacher), lightness) for frame in frames]
    save_clip(folder, frames, steady_labels(frames, [cutout.alpha for cutout in cutouts]))


def _two_people(shared: Path, out: Path, teacher: Teacher) -> None:
    """The clip with two people on a plain wall: each half is solved by itself."""
    frames = read_frames(shared / "media" / "head-pose-female-and-male.gif")[:30]
    alphas = []
    for frame in frames:
        middle = frame.shape[1] // 2
        halves = [np.ascontiguousarray(h) for h in (frame[:, :middle], frame[:, middle:])]
        solved = [cut_out_of_wall(half, teacher(half), SHADOWED).alpha for half in halves]
        alphas.append(np.hstack(solved))
    save_clip(out / "head-pose" / "two", frames, steady_labels(frames, alphas))


def _skin_wall(rng: np.random.Generator) -> UInt8Image:
    """A plain wall the colour of skin, unevenly lit."""
    base = rng.uniform(110, 225) * np.array([0.64, 0.78, 1.0])
    corners = np.clip(base + rng.normal(0, 10, (2, 2, 3)), 0, 255).astype(np.float32)
    wall = cv2.resize(corners, (640, 360), interpolation=cv2.INTER_LINEAR)
    return np.clip(wall, 0, 255).astype(np.uint8)


def _composed(validation: Path, out: Path) -> None:
    """Sets `portraits`, `groups`, `edges`, `light`, `skin-wall` and `empty-scenes`."""
    people: list[Person] = []
    places: list[UInt8Image] = []
    for entry, colour, alpha in read_pack(validation):
        if entry.kind == "portrait" and alpha is not None:
            people.append(prepare(colour, alpha, "portrait", rows=480))
        elif entry.kind == "background":
            places.append(colour)
    rng = np.random.default_rng(2024)
    place = iter(rng.permutation(len(places)).tolist() * 4)

    def clip(name: str, crowd: list[tuple[Person, float, float]], **how: float) -> None:
        save_clip(out / name, *compose(crowd, places[next(place)], FRAMES, rng, **how))

    def size() -> float:
        return float(rng.uniform(0.65, 1.15))

    for i in range(24):
        clip(f"portraits/{i:02d}", [(people[i], float(rng.uniform(0.3, 0.7)), size())])
    for i in range(24, 40, 2):
        xs = (rng.uniform(0.2, 0.35), rng.uniform(0.65, 0.8))
        crowd = [(people[i + k], float(x), float(rng.uniform(0.55, 0.9))) for k, x in enumerate(xs)]
        if i % 4 == 0:
            crowd.insert(0, (people[i - 20], 0.5, 0.5))
        clip(f"groups/{i:02d}", crowd)
    for i in range(40, 46):
        x = 0.0 if i % 2 else 1.0
        clip(f"edges/{i:02d}", [(people[i], x + float(rng.uniform(-0.04, 0.04)), size())])
    for i in range(46, 54):
        dark = i % 2 == 0
        how = (
            {"gain": float(rng.uniform(0.15, 0.3)), "noise": 4.0}
            if dark
            else {"gain": float(rng.uniform(1.7, 2.4)), "noise": 2.0}
        )
        clip(f"light/{i:02d}", [(people[i], float(rng.uniform(0.35, 0.65)), size())], **how)
    for i in range(8):
        crowd = [(people[(i * 7 + 3) % len(people)], float(rng.uniform(0.35, 0.65)), size())]
        save_clip(out / f"skin-wall/{i:02d}", *compose(crowd, _skin_wall(rng), FRAMES, rng))
    for i in range(12):
        frames, _ = compose([], places[(i * 5) % len(places)], 3, rng)
        save_clip(out / f"empty-scenes/{i:02d}", frames, None)
