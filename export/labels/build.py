"""From the shared media to two packs: train.zip and validation.zip, split by person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from export.data.pack import Entry, PackWriter
from export.data.split import (
    HELD_OUT_SIGNERS,
    HELD_OUT_WALKERS,
    SIGNERS,
    UNUSABLE_PORTRAITS,
    WALKERS,
    is_held_out_background,
    is_held_out_portrait,
)
from export.figures.body import Body
from export.figures.render import render_figure
from export.figures.wardrobe import Wardrobe, read_wardrobe
from export.images import UInt8Image
from export.labels.portraits import Cutout, cut_out
from export.labels.signers import signer_cutouts
from export.labels.teacher import Teacher
from export.labels.walkers import walker_cutouts

ROWS = 480  # height that portraits are solved at
BACKGROUND_SIDE = 448
FIGURES = 1200

Told = Callable[[str], None]


def scaled(image: UInt8Image, rows: int) -> UInt8Image:
    """Resize by area to `rows` rows, keeping the aspect."""
    size = (round(image.shape[1] * rows / image.shape[0]), rows)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def read_image(path: Path) -> UInt8Image:
    """BGR uint8 (h, w, 3); raises ValueError when it is not a picture."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: cannot be decoded as a picture")
    return np.asarray(image, np.uint8)


def build_packs(shared: Path, work: Path, told: Told = lambda _: None) -> tuple[Path, Path]:
    """Label everything; about 17 minutes on one core. Returns both packs' paths.

    Raises FileNotFoundError when the shared media are missing, ModuleNotFoundError without Anny.
    """
    body = Body()  # first: report what is missing before spending minutes on the rest
    wardrobe = read_wardrobe(shared / "media" / "makehuman")
    teacher = Teacher(shared / "models" / "selfie_segmentation.onnx")
    work.mkdir(parents=True, exist_ok=True)
    train, validation = work / "train.zip", work / "validation.zip"
    with PackWriter(train) as to_train, PackWriter(validation) as to_keep:
        _portraits(shared, teacher, to_train, to_keep, told)
        for person in sorted(set(SIGNERS.values())):
            kept = person in HELD_OUT_SIGNERS
            _signer(shared, person, teacher, to_keep if kept else to_train, told)
        for walker in range(len(WALKERS)):
            if walker in HELD_OUT_WALKERS:
                continue
            told(f"walker {walker}")
            clip = shared / "media" / "room-walkers.mp4"
            for number, _, cutout in walker_cutouts(walker, clip, teacher, step=4):
                entry = Entry(f"{number:04d}", "walker", f"walker-{walker}", cutout.quality)
                to_train.add(entry, *_trimmed(cutout))
        _figures(body, wardrobe, to_train, told)
        _backgrounds(shared, to_train, to_keep, told)
    return train, validation


def _trimmed(cutout: Cutout, margin: int = 8) -> tuple[UInt8Image, UInt8Image]:
    """Colour and alpha without empty columns beside the person and empty rows above."""
    ys, xs = np.nonzero(cutout.alpha > 8)
    left, right = max(0, int(xs.min()) - margin), int(xs.max()) + margin
    top, bottom = max(0, int(ys.min()) - margin), int(ys.max()) + 1
    part = slice(top, bottom), slice(left, right)
    return cutout.foreground[part], cutout.alpha[part]


def _portraits(
    shared: Path, teacher: Teacher, to_train: PackWriter, to_keep: PackWriter, told: Told
) -> None:
    for number, path in enumerate(sorted((shared / "media" / "portraits").glob("*.jpg"))):
        name = path.stem
        if name in UNUSABLE_PORTRAITS:
            continue
        if number % 50 == 0:
            told(f"portraits from {name}")
        image = scaled(read_image(path), ROWS)
        cutout = cut_out(image, teacher(image))
        if (cutout.alpha[:2].max(axis=0) > 127).mean() > 0.05:
            continue  # the head is cut off: it cannot be placed freely
        pack = to_keep if is_held_out_portrait(name) else to_train
        pack.add(Entry(name, "portrait", name, cutout.quality), cutout.foreground, cutout.alpha)
        if pack is to_train and number % 4 == 0:
            pack.add(Entry(name, "real", name, cutout.quality), image, cutout.alpha)


def _signer(shared: Path, person: int, teacher: Teacher, pack: PackWriter, told: Told) -> None:
    told(f"signer {person}")
    folder = shared / "media" / "asl"
    # Passers-by appear at the right edge of the second person's clips; only the signer is labelled.
    columns = 460 if person == 2 else 640
    for clip, number, frame, cutout in signer_cutouts(person, folder, teacher, step=3):
        name, who = f"{clip}_{number:03d}", f"signer-{person}"
        pack.add(Entry(name, "clip", who, cutout.quality), *_trimmed(cutout))
        if number % 12 == 0:
            entry = Entry(name, "real", who, cutout.quality)
            pack.add(entry, frame[:, :columns], cutout.alpha[:, :columns])


def _figures(body: Body, wardrobe: Wardrobe, pack: PackWriter, told: Told) -> None:
    for number in range(FIGURES):
        if number % 100 == 0:
            told(f"rendered people from {number}")
        figure = render_figure(np.random.default_rng((2026, number)), body, wardrobe)
        kind = "figure" if figure.whole else "half-figure"
        entry = Entry(f"{number:04d}", kind, f"rendered-{number}", 1.0)
        pack.add(entry, figure.foreground, figure.alpha, quality=85, behind=figure.behind)


def _backgrounds(shared: Path, to_train: PackWriter, to_keep: PackWriter, told: Told) -> None:
    told("backgrounds")
    for path in sorted((shared / "media" / "backgrounds").glob("*.jpg")):
        image = read_image(path)
        factor = BACKGROUND_SIDE / max(image.shape[:2])
        small = scaled(image, max(2, round(image.shape[0] * factor)))
        entry = Entry(path.stem, "background", "", 1.0)
        if is_held_out_background(path.stem):
            to_keep.add(entry, small)
        else:  # coarser: the training pack must stay small enough to copy around
            to_train.add(entry, small, quality=80)
