"""The whole path: a file in at its own speed, RTSP out, one client reading; nothing omitted."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from appliance.config.settings import OutputSettings, Settings
from appliance.daemon.daemon import Daemon
from appliance.errors import MissingDependency, OutputError
from appliance.tools.bench.measure import peak_mb, quantiles_ms
from appliance.tools.bench.progress import Tick, no_tick

_WARM_UP_S = 3.0
# Drawing a bar costs a millisecond; at this rate nothing that the figures show.
_TICK_S = 0.5


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


def measure_path(
    settings: Settings, clip: Path, seconds: float, tick: Tick = no_tick
) -> dict[str, Any]:
    """Run the appliance on ``clip`` for ``seconds`` after a warm-up.

    CPU times cover this whole process (decoder, pipeline, encoder, RTSP server) and the client.
    """
    source = settings.source.model_copy(update={"uri": str(clip), "pace": "realtime", "loop": True})
    outputs = (OutputSettings(uri="rtsp://127.0.0.1:0/bench"),)
    daemon = Daemon(settings.model_copy(update={"source": source, "outputs": outputs}))
    daemon.start()
    try:
        reader = _reader(daemon.addresses()[0])
        try:
            time.sleep(_WARM_UP_S)
            before, cpu, reader_cpu = daemon.counts(), time.process_time(), _cpu_s(reader.pid)
            lost = daemon.drops()
            daemon.worker.latency_ns.clear()
            start = time.monotonic()
            while (left := start + seconds - time.monotonic()) > 0:
                time.sleep(min(left, _TICK_S))
                tick(time.monotonic() - start, seconds)
            elapsed = time.monotonic() - start
            after, lost_after = daemon.counts(), daemon.drops()
            used, reader_used = time.process_time() - cpu, _cpu_s(reader.pid) - reader_cpu
            latency = list(daemon.worker.latency_ns)
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
        "latency_capture_to_output_ms": quantiles_ms(latency),
        "process_cpu_cores": round(used / elapsed, 3),
        "client_cpu_cores": round(reader_used / elapsed, 3),
        "process_cpu_ms_per_frame": round(1e3 * used / max(1, frames_out), 2),
        "cores": len(os.sched_getaffinity(0)),
        "peak_memory_mb": round(peak_mb(), 1),
    }
