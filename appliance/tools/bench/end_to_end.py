"""The whole path: a file in at its own speed, RTSP out, one client reading; nothing omitted."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import Any

from appliance.config.settings import OutputSettings, Settings
from appliance.daemon.daemon import Daemon
from appliance.errors import MissingDependency, OutputError
from appliance.outputs.encoded.packet import Packet
from appliance.outputs.encoded.shared import Encoders
from appliance.tools.bench.measure import peak_mb, quantiles_ms
from appliance.tools.bench.progress import Tick, no_tick
from appliance.tools.bench.threads import Spent, Watch

_WARM_UP_S = 3.0
# Drawing a bar costs a millisecond; at this rate nothing that the figures show.
_TICK_S = 0.5
# Figures of so many frames are kept, enough for the longest run.
_KEPT = 100_000
_NETWORK = "network"


def _reader(uri: str) -> subprocess.Popen[bytes]:
    """Start a client that reads the stream as it is, without decoding."""
    if shutil.which("ffmpeg"):
        command = [
            "ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", uri,
            "-c", "copy", "-f", "null", "-",
        ]  # fmt: skip
    elif shutil.which("gst-launch-1.0"):
        command = [
            "gst-launch-1.0",
            "-q",
            "rtspsrc",
            f"location={uri}",
            "protocols=tcp",
            "!",
            "fakesink",
        ]
    else:
        raise MissingDependency(
            "a client to read the stream: install ffmpeg (apt install ffmpeg) or gstreamer1.0-tools"
        )
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


def _cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _steps_ns(daemon: Daemon) -> dict[str, int]:
    """CPU time that each step of the frame path has taken since its clock was reset."""
    return {name: sum(step.cpu_ns) for name, step in list(daemon.pipeline.clock.stages.items())}


def _per_frame(spent: Spent, steps: dict[str, int], frames: int) -> dict[str, dict[str, float]]:
    """CPU milliseconds a frame by what they are spent on and by thread; how often each sleeps."""
    groups = dict(spent.cpu_ns)
    # In the frame path's thread, but for those of its own.
    network = steps.get(_NETWORK, 0)
    groups["frame path"] = max(0, groups.get("frame path", 0) - network)
    groups["network"] = network
    return {
        "cpu_ms_per_frame": _shares(groups, 1e6 * frames),
        "steps_cpu_ms_per_frame": _shares(steps, 1e6 * frames),
        "threads_cpu_ms_per_frame": _shares(spent.threads, 1e6 * frames),
        "threads_wake_ups_per_frame": _shares(spent.sleeps, frames),
    }


def _shares(whole: dict[str, int], by: float) -> dict[str, float]:
    ranked = sorted(whole.items(), key=lambda item: -item[1])
    return {name: round(value / by, 3) for name, value in ranked if round(value / by, 3)}


def measure_path(
    settings: Settings, clip: Path, seconds: float, tick: Tick = no_tick
) -> dict[str, Any]:
    """Run the appliance on ``clip`` for ``seconds`` after a warm-up.

    CPU times cover this whole process (decoder, pipeline, encoder, RTSP server) and the client;
    those a frame are by composite that went out. Latencies begin when a frame of the file is due:
    ``latency_capture_to_output_ms`` ends where the composite is in the outputs' mailboxes, and
    ``latency_parts_ms`` are its parts; ``latency_capture_to_packet_ms`` ends where its H.264 leaves
    the encoder. What was left out to keep up is in ``shed``: with it, figures are of less work.
    """
    source = settings.source.model_copy(update={"uri": str(clip), "pace": "realtime", "loop": True})
    outputs = (OutputSettings(uri="rtsp://127.0.0.1:0/bench"),)
    daemon = Daemon(settings.model_copy(update={"source": source, "outputs": outputs}))
    ages: deque[int] = deque(maxlen=_KEPT)

    def encoded(packet: Packet) -> None:
        if packet.kind == "video":
            ages.append(time.monotonic_ns() - packet.pts)

    daemon.start()
    try:
        reader = _reader(daemon.addresses()[0])
        try:
            time.sleep(_WARM_UP_S)
            for encoder in Encoders.video():
                encoder.add(encoded)
            before, cpu, reader_cpu = daemon.counts(), time.process_time(), _cpu_s(reader.pid)
            lost = daemon.drops()
            daemon.pipeline.clock.reset()
            daemon.pipeline.clock.keep = _KEPT
            for kept in (daemon.worker.latency_ns, daemon.worker.parts_ns, ages):
                kept.clear()
            watch = Watch()
            start = time.monotonic()
            while (left := start + seconds - time.monotonic()) > 0:
                time.sleep(min(left, _TICK_S))
                tick(time.monotonic() - start, seconds)
            elapsed = time.monotonic() - start
            spent, steps = watch.spent(), _steps_ns(daemon)
            after, lost_after = daemon.counts(), daemon.drops()
            used, reader_used = time.process_time() - cpu, _cpu_s(reader.pid) - reader_cpu
            latency, parts = list(daemon.worker.latency_ns), list(daemon.worker.parts_ns)
            packets = list(ages)
            reading = reader.poll() is None and after.clients == 1
        finally:
            reader.kill()
            reader.wait(10)
    finally:
        daemon.stop()
    if not reading:
        raise OutputError(
            f"the client did not read the stream for {elapsed:.0f} s (exit status "
            f"{reader.returncode}, {after.clients} clients at the end): nothing was measured"
        )
    frames_in = after.frames_in - before.frames_in
    frames_out = after.frames_out - before.frames_out
    rate = daemon.format.rate
    return {
        "format": str(daemon.format),
        "seconds": round(elapsed, 2),
        "fps_in": round(frames_in / elapsed, 2),
        "fps_out": round(frames_out / elapsed, 2),
        "fps_wanted": round(rate, 2),
        "dropped": after.dropped - before.dropped,
        "dropped_at": {place: count - lost[place] for place, count in lost_after.items()},
        "late": max(0, round(rate * elapsed) - frames_in),
        "shed": after.shed or "nothing",
        "latency_capture_to_output_ms": quantiles_ms(latency),
        "latency_parts_ms": {
            "waiting": quantiles_ms([part.waited for part in parts]),
            "pipeline": quantiles_ms([part.made for part in parts]),
            "handing on": quantiles_ms([part.handed_on for part in parts]),
        },
        "latency_capture_to_packet_ms": quantiles_ms(packets),
        "process_cpu_cores": round(used / elapsed, 3),
        "client_cpu_cores": round(reader_used / elapsed, 3),
        "process_cpu_ms_per_frame": round(1e3 * used / max(1, frames_out), 2),
        **_per_frame(spent, steps, max(1, frames_out)),
        "cores": len(os.sched_getaffinity(0)),
        "peak_memory_mb": round(peak_mb(), 1),
    }
