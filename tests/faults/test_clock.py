"""The wall clock steps by an hour: the picture is unaffected, as all clocks are monotonic."""

from __future__ import annotations

import ast
import json
import shutil
import signal
import struct
import subprocess
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.box import configuration, program
from tests.faults.stand_ins import wait_until
from tests.patience import promised

# Where the wall clock is intended: when something was built, refused or recorded, for people to
# read; and what RTP's reports are given in (RFC 3550, 6.4.1).
_FOR_PEOPLE = {
    "appliance/tools/bench/clip.py", "appliance/tools/bench/kept.py",
    "appliance/config/status.py", "appliance/config/write_back.py",
    "appliance/tools/engine/build.py", "appliance/daemon/changes.py", "appliance/outputs/hls.py",
    "appliance/system/log_ring.py", "appliance/http/recording.py",
    "appliance/outputs/whep/sender.py", "appliance/daemon/sessions/session.py",
    "appliance/daemon/sessions/on_air.py", "appliance/daemon/sessions/registry.py",
}  # fmt: skip
_WALL = {"time.time", "time.time_ns", "time.localtime", "datetime.now", "datetime.utcnow"}


def test_nothing_that_runs_goes_by_the_wall_clock(root: Path) -> None:
    found = set()
    for path in (root / "appliance").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(tuple(_WALL)):
                found.add(str(path.relative_to(root)))
    assert found <= _FOR_PEOPLE


# Adds the seconds in a file to the time of day that the process sees, and to nothing else. The
# kernel's clock is unchanged, so a wait until a time of day gets longer or shorter by as much as
# when a real clock steps.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long long *ahead;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK_AHEAD"), O_RDONLY);
    ahead = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    real = dlsym(RTLD_NEXT, "clock_gettime");
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *ahead;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library preloaded before libc."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here (apt install gcc)")
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "shim.so"


def set_ahead(file: Path, seconds: int) -> None:
    """Written in place, since the process has the file mapped."""
    with file.open("r+b") as opened:
        opened.write(struct.pack("q", seconds))


@pytest.mark.parametrize("step", [-3600, pytest.param(3600, marks=pytest.mark.soak)])
def test_a_step_by_an_hour_leaves_no_gap(
    network: Path, room: Path, tmp_path: Path, shim: Path, step: int
) -> None:
    """A recording across the step has a frame for every thirtieth of a second."""
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    video = tmp_path / "out.mkv"
    outputs = [{"uri": str(video)}, {"uri": "rtsp://127.0.0.1:0/live"}]
    environment = {"LD_PRELOAD": str(shim), "CLOCK_AHEAD": str(clock)}
    config = configuration(tmp_path, network, room, outputs=outputs)
    with program(config, environment=environment) as mattebox:
        mattebox.wait_for("composites go out")
        wait_until(lambda: video.exists() and video.stat().st_size > 6_000)
        set_ahead(clock, step)
        size = video.stat().st_size
        wait_until(lambda: video.stat().st_size > size + 8_000)
        # Give it something to log, so that the log shows that the step was seen.
        mattebox.process.send_signal(signal.SIGHUP)
        mattebox.wait_for("reloaded: nothing has changed")
        code, took = mattebox.end()
        assert (code, took < promised(5)) == (0, True)
        stamps = [json.loads(line)["timestamp"] for line in mattebox.log if "timestamp" in line]
        first, last = (datetime.fromisoformat(stamps[i].rstrip("Z")) for i in (0, -1))
        assert abs((last - first).total_seconds() - step) < 60, stamps
        assert not mattebox.says("the placeholder goes out")
        assert not mattebox.says("output stalled")
    done = subprocess.run(
        ["ffprobe", "-v", "error",
         "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", str(video)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    times = [float(line.strip(",")) for line in done.stdout.split()]
    assert len(times) > 30
    assert all(0 < b - a < 0.5 for a, b in pairwise(times))
