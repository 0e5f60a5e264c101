"""Nowhere to write: the state's disk full or read-only, /dev/shm full."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.system import jit_cache
from tests.faults.box import ROOT, configuration, program
from tests.patience import promised

FULL = "mount -t tmpfs -o size=64k none {0}; head -c 1m /dev/zero > {0}/filler 2>/dev/null || true"
READ_ONLY = "mount -t tmpfs -o ro none {0}"


def warm(folder: Path) -> None:
    """The cache as ``make install`` fills it: kernels compiled, GStreamer's registry not."""
    kernels = ROOT / ".cache" / "numba" / jit_cache.sources_hash()
    if not kernels.is_dir():
        pytest.skip("the kernels' cache of this checkout is elsewhere")
    shutil.copytree(kernels, folder / "mattebox" / "numba" / kernels.name)


@pytest.mark.soak
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_the_states_disk(network: Path, room: Path, tmp_path: Path, how: str) -> None:
    """/var/lib/mattebox, with the cache that was filled before."""
    state, checkout = tmp_path / "state", ROOT / ".cache"
    state.mkdir()
    warm(tmp_path / "filled")
    # The checkout's own cache is hidden: an installed service has none.
    mount = f"mkdir -p {checkout}; {READ_ONLY.format(checkout)}\nmount -t tmpfs none {state}\n"
    mount += f"cp -r {tmp_path / 'filled'} {state}/cache\n"
    if how == "full":
        mount += f"head -c 40g /dev/zero > {state}/filler 2>/dev/null || true"
        mount = mount.replace("mount -t tmpfs none", "mount -t tmpfs -o size=30m none")
    else:
        mount += f"mount -o remount,ro {state}"
    environment = {"HOME": str(state), "XDG_CACHE_HOME": str(state / "cache")}
    config = configuration(tmp_path, network, room)
    with program(config, before=mount, environment=environment) as mattebox:
        mattebox.wait_for("composites go out", seconds=50)
        code, took = mattebox.end()
    assert (code, took < promised(5)) == (0, True)


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_the_states_disk_with_nothing_in_it(
    network: Path, room: Path, tmp_path: Path, how: str
) -> None:
    """The kernels are compiled, and cannot be kept there."""
    state = tmp_path / "state"
    state.mkdir()
    mount = f"mkdir -p {ROOT / '.cache'}; {READ_ONLY.format(ROOT / '.cache')}\n"
    mount += {"full": FULL, "read-only": READ_ONLY}[how].format(state)
    environment = {"HOME": str(state), "XDG_CACHE_HOME": str(state)}
    config = configuration(tmp_path, network, room)
    with program(config, before=mount, environment=environment) as mattebox:
        mattebox.wait_for("composites go out", seconds=300)
        code, took = mattebox.end()
    assert (code, took < promised(5)) == (0, True)


@pytest.mark.soak
def test_shared_memory_is_full(network: Path, room: Path, tmp_path: Path) -> None:
    outputs = [{"uri": str(tmp_path / "out.mp4")}, {"uri": "rtsp://127.0.0.1:0/live"}]
    config = configuration(tmp_path, network, room, outputs=outputs)
    with program(config, before=FULL.format("/dev/shm")) as mattebox:
        mattebox.wait_for("composites go out")
        code, took = mattebox.end()
    assert (code, took < promised(5)) == (0, True)
    assert not mattebox.says("output broke")
    assert (tmp_path / "out.mp4").stat().st_size > 0


@pytest.mark.soak
def test_nobody_can_be_told_anything(network: Path, room: Path, tmp_path: Path) -> None:
    """Standard output and the log end on a full disk: the recording goes on."""
    out = tmp_path / "out.mkv"
    config = configuration(tmp_path, network, room, outputs=[{"uri": str(out)}])
    code = "import sys\nfrom appliance.cli.main import main\nsys.exit(main())"
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "run", "--config", str(config), "--frames", "20"],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=full, stderr=full, timeout=50, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert out.stat().st_size > 1000
