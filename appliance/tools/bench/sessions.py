"""What sessions of an avatar cost: processor time, memory, and whether every frame comes out.

Runs them as the appliance does, each read over RTSP by an ffmpeg of its own, whose time and memory
do not count. Nothing is decoded.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.avatars.avatar import avatars
from appliance.avatars.clip import PAGE
from appliance.config.settings import Settings
from appliance.daemon.sessions.registry import Sessions
from appliance.daemon.sessions.session import Session
from appliance.errors import InputError, OutputError
from appliance.outputs.whep.output import WhepOutput
from appliance.system import malloc

_WARM_S, _SECONDS = 3.0, 20.0
_READY_S = 15.0
_MOST = 64


class BenchBox:
    """A box without a programme of its own, beside which sessions run."""

    def __init__(self, settings: Settings, most: int) -> None:
        """``settings``: what is not about sources, outputs and sessions is taken from them."""
        uri = f"rtsp://127.0.0.1:{_free_port()}/live"
        data = settings.model_dump()
        data |= {"outputs": [{"uri": uri}], "sessions": {"most": most, "idle_s": 0}, "rtsp": {}}
        # Secrets are no plain data, and nobody is to be let in by HTTP here.
        data |= {"http": {"enabled": False}, "source": {"uri": "demo://"}, "scenes": ()}
        self.settings = Settings.model_validate(data)
        self.whep = WhepOutput(self.settings.http)

    def addresses(self) -> list[str]:
        """See ``registry.HostBox``."""
        return [output.uri for output in self.settings.outputs]


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Measure ``options.sessions`` sessions of ``options.avatar``; print a table or JSON."""
    if options.sessions > _MOST:
        raise InputError(f"--sessions {options.sessions}: expected 1 to {_MOST}")
    known = avatars()
    if options.avatar is None and not known:
        raise InputError(
            "--sessions: there is no avatar to measure with; make one from a folder of clips: "
            "mattebox avatar make FOLDER"
        )
    seconds = options.frames / 25 if options.frames else _SECONDS
    result = measure(settings, options.avatar or known[0], options.sessions, seconds)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        table = Table(title=f"{options.sessions} sessions of {result['avatar']}", show_header=False)
        for key, value in result.items():
            table.add_row(key.replace("_", " "), str(value))
        Console().print(table)
    return 0


def measure(settings: Settings, avatar: str, count: int, seconds: float = _SECONDS) -> Any:
    """Figures of ``count`` sessions, read for ``seconds``. All of this runs on one core.

    Raises InputError for an avatar that cannot be used, OutputError where a reader got nothing.
    """
    malloc.bound()
    sessions = Sessions(BenchBox(settings, count))
    sessions.open()
    with one_core() as others, ExitStack() as ending:
        ending.callback(sessions.stop, 5.0)
        memory = []
        running: list[Session] = []
        for _ in range(count):
            session = sessions.create(avatar)
            running.append(session)
            ending.callback(_read(session, others))
            # With its encoder, once that has settled.
            time.sleep(_WARM_S)
            _map_all(session)
            malloc.give_back()
            memory.append(pss_mb())
        before, threads = _counts(running), threads_s()
        cpu, began = time.process_time(), time.monotonic()
        time.sleep(seconds)
        cpu, wall = time.process_time() - cpu, time.monotonic() - began
        after = _counts(running)
        spent = {
            name: round((now - threads.get(name, 0.0)) / wall / count * 1000, 2)
            for name, now in threads_s().items()
        }
        frames = [now[0] - then[0] for then, now in zip(before, after, strict=True)]
        dropped = sum(now[1] - then[1] for then, now in zip(before, after, strict=True))
    per_frame = cpu / max(1, sum(frames)) * 1000
    return {
        "avatar": avatar,
        "format": str(running[0].format),
        "sessions": count,
        "cpu_of_one_core_percent": round(100 * cpu / wall, 1),
        "cpu_ms_a_frame": round(per_frame, 2),
        "sessions_a_core": round(1000 / (per_frame * running[0].format.rate), 1),
        "fps_slowest": round(min(frames) / wall, 2),
        "frames_dropped": dropped,
        "memory_mb": [round(value, 1) for value in memory],
        "memory_a_further_session_percent": [
            round(100 * (now - then) / memory[0], 1) for then, now in pairwise(memory)
        ],
        "threads_ms_a_session_second": dict(sorted(spent.items(), key=lambda item: -item[1])[:12]),
    }


@contextmanager
def one_core() -> Iterator[set[int]]:
    """Run on one core only, threads begun within included; gives the other ones."""
    before = os.sched_getaffinity(0)
    own = {max(before)}
    os.sched_setaffinity(0, own)
    try:
        yield (before - own) or before
    finally:
        os.sched_setaffinity(0, before)


def pss_mb() -> float:
    """Memory of this process, what it shares with others counted in part, MiB (Linux)."""
    text = Path("/proc/self/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise OSError("/proc/self/smaps_rollup has no Pss: expected Linux")
    return int(found[1]) / 1024


def threads_s() -> dict[str, float]:
    """Processor seconds so far by the names of this process's threads (Linux)."""
    found: dict[str, float] = {}
    tick = os.sysconf("SC_CLK_TCK")
    ours = {str(thread.native_id): thread.name for thread in threading.enumerate()}
    for stat in Path("/proc/self/task").glob("*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it has ended
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        name = ours.get(stat.parent.name, name).partition("rtsp://")[0]
        name = re.sub(r"\d+", "N", name).strip()
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / tick
    return found


def _map_all(session: Session) -> None:
    """Have all pages of its clips in use, as after a while: else memory would seem to grow."""
    playout = session.playout
    if playout is None:
        return
    avatar = playout.avatar
    for clip in (*avatar.clips.values(), *avatar.seams.values()):
        for number in range(clip.frames):
            frame = clip.frame(number)
            for plane in (frame.y, frame.uv, frame.alpha):
                plane.reshape(-1)[::PAGE].max()


def _counts(running: list[Session]) -> list[tuple[int, int]]:
    states = [session.state() for session in running]
    return [(state.frames, state.dropped) for state in states]


def _read(session: Session, cores: set[int]) -> Any:
    """Have an ffmpeg read it; returns what ends that. Raises OutputError."""
    deadline = time.monotonic() + _READY_S
    while session.state().rtsp is None or session.state().state != "live":
        if time.monotonic() > deadline:
            raise OutputError(f"a session is not live after {_READY_S:g} s: {session.state()}")
        time.sleep(0.05)
    reader = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i",
         str(session.state().rtsp), "-c", "copy", "-f", "null", "-"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.sched_setaffinity(reader.pid, cores)
    while session.state().clients == 0:
        if time.monotonic() > deadline or reader.poll() is not None:
            reader.kill()
            raise OutputError(f"nobody could read {session.state().rtsp}")
        time.sleep(0.05)

    def end() -> None:
        reader.kill()
        reader.wait(5)

    return end


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
