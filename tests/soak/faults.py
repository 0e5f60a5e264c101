"""The soak's faults. Each is injected, seen to take effect, and removed again."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from random import Random

import pytest

from appliance.errors import InputError, OutputError
from tests.outputs.conftest import RtspByHand
from tests.soak.box import Box

Fault = Callable[[Box, Random], None]
FAULTS: dict[str, Fault] = {}

HOUR_NS = 3600 * 10**9


def fault(name: str) -> Callable[[Fault], Fault]:
    """Register a function in the deck."""

    def keep(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return keep


def troubled(box: Box) -> None:
    """Wait until the placeholder is out."""
    box.wait(lambda: box.daemon.programme.trouble is not None, "the placeholder")


# The source.


@fault("camera unplugged")
def unplugged(box: Box, rng: Random) -> None:
    """Gone for longer than one retry, then back."""
    box.camera.plugged = False
    troubled(box)
    box.hold(rng.uniform(0.2, 4))
    box.camera.plugged = True


@fault("camera with a loose plug")
def loose(box: Box, rng: Random) -> None:
    """Gone and back several times within a second."""
    for _ in range(rng.randint(2, 6)):
        box.camera.plugged = False
        box.hold(rng.uniform(0.02, 0.2))
        box.camera.plugged = True
        box.hold(rng.uniform(0.02, 0.2))


@fault("camera silent")
def silent(box: Box, rng: Random) -> None:
    """No frame and no error; sometimes long enough for a reconnect."""
    box.camera.silent = True
    troubled(box)
    box.hold(rng.uniform(0, 1.5))
    box.camera.silent = False


@fault("times jump")
def times(box: Box, rng: Random) -> None:
    """A jump of an hour ahead or back, or no times at all for a while."""
    for _ in range(3):
        box.camera.jump_ns += rng.choice((-HOUR_NS, HOUR_NS, -1_000_000, 10**15))
        frames = box.camera.frames + 3
        box.wait(lambda frames=frames: box.camera.frames > frames, "frames")
    box.camera.jump_ns = 0


@fault("source slower than it says")
def slow(box: Box, rng: Random) -> None:
    """A few frames a second."""
    box.camera.fps = rng.uniform(2, 10)
    box.hold(1)
    box.camera.fps = None


# The network.


def _network(how: str) -> Fault:
    def act(box: Box, rng: Random) -> None:
        box.matting.break_it(how)
        troubled(box)
        box.hold(rng.uniform(0, 1))
        box.matting.mend()

    return act


for _how in ("throws", "hangs", "nan", "inf", "ones"):
    FAULTS[f"network {_how}"] = _network(_how)


# The outputs.


def _not_running(box: Box) -> bool:
    return any(status.state != "running" for status in box.daemon.statuses())


@fault("output breaks")
def breaks(box: Box, rng: Random) -> None:
    """It fails with a proper error or through a bug; reopening fails too."""
    box.sluice.fails = rng.choice((OutputError("it is broken"), ZeroDivisionError("a mistake")))
    box.wait(lambda: _not_running(box), "the broken output to be noticed")
    box.hold(rng.uniform(0, 3))
    box.sluice.fails = None


@fault("output stalls")
def stalls(box: Box, rng: Random) -> None:
    """A write that blocks; the other outputs must not wait for it."""
    box.sluice.free.clear()
    before = box.judge.frames + 30
    box.wait(lambda: box.judge.frames > before, "the other outputs")
    box.hold(rng.uniform(0, 2.5))
    box.sluice.free.set()


@fault("disk full")
def disk_full(box: Box, _: Random) -> None:
    """No file may grow: the same call fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        box.wait(lambda: _not_running(box), "the recording to break off")
        box.hold(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for old in sorted(box.folder.glob("recording*.mkv"), key=os.path.getmtime)[:-1]:
        old.unlink()


# Changes while running.


@fault("reload: background and steps")
def reload_steps(box: Box, rng: Random) -> None:
    """Restored at the end."""
    for _ in range(3):
        box.apply(
            background={"uri": f"colour:#7878{rng.randint(100, 140):02x}"},
            refine={"radius": rng.randint(1, 3)},
            edge={"softness": rng.uniform(0, 8), "choke": rng.uniform(-4, 4)},
        )
    box.apply()


@fault("reload: network")
def reload_network(box: Box, _: Random) -> None:
    """Another number of threads needs a new session."""
    box.apply(matting={"threads": 2})
    box.apply()


@fault("reload: source")
def reload_source(box: Box, _: Random) -> None:
    """A clip in place of the camera, and the camera again."""
    # A decoder may take its time on a busy machine.
    box.apply(source={"uri": str(box.clip), "timeout_s": 20})
    before = box.judge.frames + 5
    box.wait(lambda: box.judge.frames > before, "frames of the clip")
    box.apply()


@fault("reload: outputs")
def reload_outputs(box: Box, _: Random) -> None:
    """One more recording, and none at all."""
    outputs = box.settings.model_dump()["outputs"]
    extra = box.folder / "extra.mp4"
    box.apply(outputs=[*outputs, outputs[-1] | {"uri": str(extra)}])
    box.wait(box.well, "the recording")
    box.apply(outputs=outputs[:-1])
    box.apply()
    for file in box.folder.glob("extra*"):
        file.unlink()


@fault("reload: refused")
def reload_refused(box: Box, _: Random) -> None:
    """Unusable settings change nothing."""
    for bad in (
        {"background": {"uri": str(box.folder / "none.png")}},
        {"canvas": {"size": (640, 360)}},
    ):
        with pytest.raises(InputError):
            box.apply(**bad)


@fault("reload: file saved")
def reload_file(box: Box, rng: Random) -> None:
    """By saving the file: another softness, a mistake, and back."""
    softness = round(rng.uniform(0.1, 8), 3)
    box.save(edge={"softness": softness})
    box.wait(lambda: box.daemon.settings.edge.softness == softness, "the file's softness")
    box.save(edge={"softness": "much"})
    box.wait(lambda: box.reloader.state.status().refusal is not None, "the refusal")
    box.save()
    box.wait(
        lambda: box.daemon.settings == box.settings and not box.reloader.state.status().refusal,
        "the file as it was",
    )


# HTTP.


@fault("http requests")
def requests(box: Box, rng: Random) -> None:
    """What a page and Prometheus request, and a preview that is abandoned midway."""
    paths = ["/", "/metrics", "/healthz", "/readyz", "/api/status", "/api/snapshot", "/none"]
    for path in rng.sample(paths, 4):
        line = HTTPConnection(*box.web, timeout=10)
        line.request("GET", path)
        assert line.getresponse().read()
        line.close()
    with socket.create_connection(box.web, timeout=10) as preview:
        preview.sendall(b"GET /api/preview HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(rng.randint(1, 5)):
            assert preview.recv(65536)


@fault("http garbage")
def http_garbage(box: Box, rng: Random) -> None:
    """Noise, half a request, a body that never comes; then hang up."""
    for data in (
        rng.randbytes(rng.randint(1, 3000)),
        b"GET /metrics HTTP/1.1\r\nHost:",
        b"PATCH /api/picture HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{",
    ):
        with socket.create_connection(box.web, timeout=5) as line:
            line.sendall(data)
            box.hold(0.1)


# RTSP.


@fault("rtsp readers come and go")
def readers(box: Box, rng: Random) -> None:
    """Readers that leave by hanging up."""
    for _ in range(rng.randint(1, 4)):
        with RtspByHand(box.rtsp) as reader:
            reader.play()
            for _ in range(rng.randint(1, 10)):
                assert reader.socket.recv(65536), "the reader was put out"


@fault("rtsp reader that never reads")
def deaf(box: Box, rng: Random) -> None:
    """A reader that requests the stream and never reads it."""
    with RtspByHand(box.rtsp, 4096) as reader:
        reader.play()
        box.hold(rng.uniform(0.2, 3))


@fault("rtsp garbage")
def garbage(box: Box, rng: Random) -> None:
    """Garbage on the port, hanging up at random."""
    match = re.match(r"rtsp://([^:/]+):(\d+)/", box.rtsp)
    assert match is not None
    for _ in range(5):
        with socket.create_connection((match[1], int(match[2])), timeout=5) as line:
            line.sendall(rng.randbytes(rng.randint(1, 3000)))


# The machine.


@contextlib.contextmanager
def few_descriptors(spare: int) -> Iterator[None]:
    """Let the process open only that many more files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + spare, before[1]))
        # Count those free below the highest too.
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
        for descriptor in taken[-spare:]:
            os.close(descriptor)
        del taken[-spare:]
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in taken:
            os.close(descriptor)


@fault("out of descriptors")
def descriptors(box: Box, rng: Random) -> None:
    """None left, while the camera goes and comes back and somebody connects."""
    match = re.match(r"rtsp://([^:/]+):(\d+)/", box.rtsp)
    assert match is not None
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(socket.socket())
        with few_descriptors(0):
            line.connect((match[1], int(match[2])))
            box.camera.plugged = False
            box.hold(rng.uniform(0.1, 1))
            box.camera.plugged = True
            before = box.judge.frames + 30
            box.wait(lambda: box.judge.frames > before, "frames without a free descriptor")


@fault("process stopped for a while")
def stopped(_: Box, rng: Random) -> None:
    """Like a suspended machine."""
    pause = f"sleep {rng.uniform(0.2, 1.5):.2f}"
    script = f"kill -STOP {os.getpid()}; {pause}; kill -CONT {os.getpid()}"
    subprocess.run(["sh", "-c", script], check=True, timeout=30, stdin=sys.stdin)
