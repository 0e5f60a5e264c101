"""What has to be made of each clip of a list: which pictures, at which rate, into which file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.networks.tasks import Task
from appliance.tools.avatar.cuts import ClipCut, CutList
from appliance.tools.avatar.footage import Footage, chosen
from appliance.tools.avatar.record import Record

_KEYING = 1
"""Version of how clips are keyed: raised when the same input gives another clip."""
_LONGEST_S = 3600
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip to be made.

    Attributes:
        wanted: the pictures of ``footage``, one for each tick: see ``chosen``.
        key: changes with all that it is made from. file: what it will be called.
    """

    cut: ClipCut
    footage: Footage
    wanted: list[int]
    key: str
    file: str

    @property
    def sounding(self) -> bool:
        """Whether it has sound, and that is wanted."""
        return self.cut.sound and self.footage.sounding


def avatar_format(
    wanted: CutList, footage: Mapping[Path, Footage], size: tuple[int, int] | None,
    fps: tuple[int, int] | None,
) -> Format:  # fmt: skip
    """Of the avatar: its first idle clip's, unless something else is asked."""
    first = next(cut for cut in wanted.cuts if cut.role == "idle")
    own = footage[first.file].format
    width, height = size or (own.width, own.height)
    return replace(own, width=width, height=height, fps=fps or own.fps)


def plan(
    wanted: CutList, footage: Mapping[Path, Footage], record: Record, format: Format, model: str,
    chroma: str,
) -> list[PlannedClip]:  # fmt: skip
    """What to make of each cut, brought to ``format`` with the network ``model``.

    Raises InputError for a part without a picture, or over an hour; ModelError for the network.
    """
    network = network_identity(model)
    planned = []
    for cut in wanted.cuts:
        one = footage[cut.file]
        begin = 0 if cut.begin is None else int(cut.begin.at(one.format.fps) * _NS)
        end = one.end if cut.end is None else int(cut.end.at(one.format.fps) * _NS)
        indices = chosen(one, begin, end, format.fps)
        where = f"{cut.file}: {cut.name}"
        if not indices:
            raise InputError(
                f"{where}: from {begin / _NS:g} to {end / _NS:g} s there is no picture; the file "
                f"has {one.end / _NS:.2f} s"
            )
        if len(indices) * format.fps[1] > _LONGEST_S * format.fps[0]:
            raise InputError(f"{where}: longer than an hour; cut it into shorter clips")
        sounding = cut.sound and one.sounding
        made_from = (
            _KEYING, record.digest(cut.file), begin, min(end, one.end), sounding, format, network,
            chroma,
        )  # fmt: skip
        key = hashlib.blake2b(repr(made_from).encode(), digest_size=16).hexdigest()
        planned.append(PlannedClip(cut, one, indices, key, f"{cut.name}-{key[:16]}.clip"))
    return planned


def network_identity(model: str, task: Task | None = "alpha") -> str:
    """Another one for another network. Raises ModelError."""
    path = find_manifest(model, model_folders())
    _, graph = load_manifest(path, task)
    made = hashlib.blake2b(digest_size=16)
    for file in (path, graph):
        made.update(file.read_bytes())
    return made.hexdigest()
