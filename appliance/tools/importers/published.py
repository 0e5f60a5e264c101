"""``mattebox model add deeplab`` and ``deeplab-small``: networks fetched from where they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from appliance.errors import InputError
from appliance.tools.engine.graph import require_onnx
from appliance.tools.importers import deeplab
from appliance.tools.importers.add import ImportOptions, add_model, free_place, known_release
from appliance.tools.importers.base import Importer, Release
from appliance.tools.importers.download import download
from appliance.tools.importers.workplace import workplace

_CORAL = "https://github.com/google-coral/test_data/raw/master"


@dataclass(frozen=True, slots=True)
class Published:
    """A network that is fetched under its name: which file, how it is taken over, what to say."""

    release: Release
    importer: Importer
    address: str
    words: tuple[str, ...]


_SELECT = (
    "use it in config.yaml: stages: {{select: {{enabled: true, model: {name}, keep: "
    "[person, chair]}}}}",
)
PUBLISHED: Mapping[str, Published] = {
    name: Published(release, deeplab.IMPORTER, f"{_CORAL}/{release.file}", _SELECT)
    for name, release in (("deeplab", deeplab.FULL), ("deeplab-small", deeplab.SMALL))
}


def is_published(wish: ImportOptions) -> bool:
    """Whether one of these is meant, and not a network of the user's own of that name."""
    kinds = {".tflite"}
    return wish.name in PUBLISHED and (wish.file is None or wish.file.suffix.lower() in kinds)


def add_published(wish: ImportOptions, tell: Callable[[str], None]) -> list[str]:
    """Fetch it, or take the user's file, convert it, put it in place; returns what to say.

    ``tell`` gets what is being done. Raises InputError for another file or a name that is taken,
    FetchError when it cannot be had, StorageError without room, MissingDependency without onnx.
    """
    known = PUBLISHED[wish.name]
    release = known.release
    if wish.kind not in ("auto", known.importer.kind) or wish.downsample:
        raise InputError(f"{wish.name}: leave out --as and --downsample")
    require_onnx()
    # Before anything is fetched.
    target = free_place(replace(wish, replace=True))
    if target.exists() and not wish.replace:
        raise InputError(f"{target} is there already; say --replace to have it made anew")
    with workplace(wish.name) as folder:
        file = wish.file
        if file is None:
            tell(f"fetching {known.address}: {(release.size or 0) / 1e6:.1f} MB")
            file = download(known.address, release, folder)
        elif not file.is_file() or known_release(file) is not release:
            raise InputError(
                f"{file}: is not {release.title} ({release.file}, {release.size:,} bytes, SHA-256 "
                f"{release.sha256[:12]}…); fetch {known.address}, or add it under a name of its own"
            )
        source = (
            f"{release.file} of {known.address}, SHA-256 {release.sha256}; converted to ONNX by "
            f"mattebox model add {wish.name}"
        )
        notes = {"training": {"source": source}}
        lines = add_model(replace(wish, file=file, kind=known.importer.kind, notes=notes))
    return [*lines[:-1], *(words.format(name=wish.name) for words in known.words)]
