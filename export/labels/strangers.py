"""People in real scenes (`people/`): fused labels, the pack that trains, the set that judges.

Several published networks look at each photograph (`teachers.py`), their alphas are fused
(`fusion.py`); what is still wrong was thrown out by hand after looking at all of them on green
(`strangers_dropped.txt`). An eighth of the groups is kept back.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from export.data.names import read_names
from export.data.pack import Entry, PackWriter
from export.data.split import is_held_out_stranger
from export.images import FloatImage, UInt8Image
from export.labels import teachers
from export.labels.build import read_image
from export.labels.fusion import doubtful, fuse

Told = Callable[[str], None]

LONGEST = 512  # side of a picture in the pack
_MOST_DOUBT = 0.6  # of the people's area: beyond, nothing is to be learnt
_CUTOUT_DOUBT = 0.08  # only the surest are cut out and put elsewhere
_MOST_FACES = 12
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Labelled:
    """One photograph: BGR uint8 (h, w, 3); alpha and weight float32 (h, w) in [0, 1]."""

    name: str
    group: str
    image: UInt8Image
    alpha: FloatImage
    weight: FloatImage
    faces: int


class Panel:
    """All teachers, and what each says of one photograph."""

    def __init__(self, models: Path) -> None:
        """`models`: the shared folder of networks. Raises FileNotFoundError where one lacks."""
        self._selfies = [
            teachers.Selfie(models / f"selfie_segmentation{end}.onnx") for end in ("", "_landscape")
        ]
        self._u2net = teachers.U2Net(models / "u2netp.onnx")
        self._deeplab = teachers.DeepLab(models / "deeplabv3_mnv2_pascal_quant.tflite")
        self._pose = teachers.Pose(models / "pose_landmark_lite.tflite")
        self._faces = teachers.Faces(models / "yunet_s_320_320.onnx")

    def __call__(self, image: UInt8Image, label: FloatImage) -> tuple[dict[str, FloatImage], int]:
        """Alphas by teacher's name, and the number of faces.

        `label` is the selfie networks' own, fused over whole picture, crop and mirror image; where
        there are several people, each is looked at once more from nearby.
        """
        faces = self._faces(image)[:_MOST_FACES]
        selfie = label
        if len(faces) > 1:
            near = self._near(image, faces)
            selfie = np.where(np.isnan(near), label, (label + near) / 2).astype(np.float32)
        bodies = list(teachers.body_boxes(faces, label))
        found = {
            "selfie": selfie,
            "u2net": self._u2net(image),
            "deeplab": self._deeplab(image),
            "pose": self._pose(image, bodies),
        }
        return found, len(faces)

    def _near(self, image: UInt8Image, faces: list[teachers.Box]) -> FloatImage:
        """The union of what the selfie networks find round each small face; NaN elsewhere."""
        height, width = image.shape[:2]
        union = np.full((height, width), np.nan, np.float32)
        for x, y, w, h in faces:
            for size in (4.0, 7.0):
                if size * max(w, h) >= 0.7 * min(height, width):
                    continue
                box = (x + w / 2 - size * w / 2, y + h / 2 - 0.3 * size * h, size * w, size * h)
                for net in self._selfies:
                    closer = teachers.square(box, net.width / net.height, 1.0)
                    union = np.fmax(union, net(image, closer))
        return union


def label_strangers(shared: Path) -> Iterator[Labelled]:
    """Every photograph of `people/` that is good enough, labelled. A second each on one core."""
    folder = shared / "media" / "people"
    panel = Panel(shared / "models")
    dropped = dropped_by_hand()
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name = Path(row["file"]).stem
        if name in dropped:
            continue
        image = read_image(folder / "images" / row["file"])
        coded = cv2.imread(str(folder / "labels" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        if coded is None:
            raise ValueError(f"{folder / 'labels' / name}.png: missing or not a picture")
        found, faces = panel(image, (coded / 255).astype(np.float32))
        alpha, weight = fuse(found)
        if doubtful(alpha, weight) <= _MOST_DOUBT:
            yield Labelled(name, row["group"], image, alpha, weight, faces)


def dropped_by_hand() -> frozenset[str]:
    """Names of the photographs that were thrown out after looking at their labels."""
    return read_names(_HERE / "strangers_dropped.txt")


def build_strangers(shared: Path, pack: Path, held_out: Path, told: Told) -> None:
    """Write the pack that trains, and the folder of those kept back."""
    for part in ("images", "alphas", "weights"):
        (held_out / part).mkdir(parents=True, exist_ok=True)
    with PackWriter(pack) as writer:
        for number, labelled in enumerate(label_strangers(shared)):
            if number % 100 == 0:
                told(f"strangers from {number}")
            if is_held_out_stranger(labelled.group):
                _keep(labelled, held_out)
            else:
                _add(labelled, writer)
    table = (_HERE.parent / "data" / "strangers_slices.csv").read_text()
    head, *lines = table.splitlines()
    there = {path.stem for path in (held_out / "images").iterdir()}
    kept = [line for line in lines if line.partition(",")[0] in there]
    (held_out / "slices.csv").write_text("\n".join([head, *kept]) + "\n")


def _eight_bit(plane: FloatImage) -> UInt8Image:
    return np.round(plane * 255).astype(np.uint8)


def _keep(labelled: Labelled, folder: Path) -> None:
    name = labelled.name
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    cv2.imwrite(str(folder / "images" / f"{name}.jpg"), labelled.image, options)
    cv2.imwrite(str(folder / "alphas" / f"{name}.png"), _eight_bit(labelled.alpha))
    cv2.imwrite(str(folder / "weights" / f"{name}.png"), _eight_bit(labelled.weight))


def _add(labelled: Labelled, writer: PackWriter) -> None:
    """As it was taken, and, where it is sure, cut out."""
    height, width = labelled.alpha.shape
    factor = min(1.0, LONGEST / max(height, width))
    size = (round(width * factor), round(height * factor))
    image, alpha, weight = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
        for plane in (labelled.image, _eight_bit(labelled.alpha), _eight_bit(labelled.weight))
    )
    # Groups, backs and turned heads are the rarer and the harder ones: they are shown more often.
    often = 1.0 if labelled.faces == 1 else 2.0
    entry = Entry(labelled.name, "real", labelled.group, 1.0, often)
    writer.add(entry, image, alpha, weight=weight)
    if doubtful(labelled.alpha, labelled.weight) < _CUTOUT_DOUBT:
        single = largest_part(np.clip((alpha / 255 - 0.3) / 0.6, 0, 1).astype(np.float32))
        if single is not None:
            entry = Entry(labelled.name, "stranger", labelled.group, 1.0)
            writer.add(entry, outward(image, single), _eight_bit(single))


def largest_part(alpha: FloatImage) -> FloatImage | None:
    """Alpha without what is apart from its largest part; None when there is nothing."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8))
    if count < 2:
        return None
    largest = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    near = cv2.dilate(largest.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.where(near, alpha, 0).astype(np.float32)


def outward(image: UInt8Image, alpha: FloatImage, radius: int = 15) -> UInt8Image:
    """The person's own colours, also where alpha is soft (blur fusion, Forte, 2021)."""
    colour, cover = image.astype(np.float32), alpha[..., None]

    def blurred(plane: FloatImage) -> FloatImage:
        return np.asarray(cv2.blur(plane, (radius, radius)), np.float32)

    covered = blurred(alpha)[..., None]
    front = blurred(colour * cover) / (covered + 1e-4)
    behind = blurred(colour * (1 - cover)) / (1 - covered + 1e-4)
    front = front + cover * (colour - cover * front - (1 - cover) * behind)
    found = np.where(covered > 0.003, front, colour)
    return np.clip(found, 0, 255).astype(np.uint8)
