"""Health, readiness and metrics, while the appliance is well and while it is not."""

from __future__ import annotations

import re
import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.errors import SourceError
from appliance.stages.timings import BOUNDS_MS, Histogram
from appliance.system.gpus import Gpus
from appliance.system.thermal import Zone
from tests.http.serving import Served, as_json, wait_until


def figures(appliance: Served) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample, by name and labels."""
    answer = appliance.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_alive_and_ready(appliance: Served) -> None:
    health = as_json(appliance.client.get("/healthz"))
    assert health["alive"]
    assert health["problems"] == []
    assert health["configuration"]["refused"] == []
    ready = as_json(appliance.client.get("/readyz"))
    assert ready["ready"]
    assert ready["age_s"] < 1
    assert ready["reason"] is None


def test_a_refused_file_is_told_with_line_key_and_cure(appliance: Served) -> None:
    good = appliance.path.read_text()
    lines = good.splitlines()
    line = next(i for i, text in enumerate(lines, 1) if text.startswith("  model:"))
    lines[line - 1] = lines[line - 1].replace("model", "modle")
    before = figures(appliance)
    appliance.path.write_text("\n".join(lines) + "\n")
    try:
        wait_until(lambda: appliance.reloader.state.status().refusal)
        health = as_json(appliance.client.get("/healthz"))
        assert health["alive"], "the picture goes on"
        assert health["configuration"]["refused"] == [
            {
                "file": str(appliance.path), "line": line, "column": 3, "key": "matting.modle",
                "message": "unknown key; did you mean model?",
            }
        ]  # fmt: skip
        now = figures(appliance)
        assert now[("mattebox_configuration_refused", ())] == 1
        key = ("mattebox_configuration_refusals_total", ())
        assert now[key] == before[key] + 1
        applied = ("mattebox_configuration_applied_timestamp_seconds", ())
        assert now[applied] == before[applied]
        [note] = as_json(appliance.client.get("/api/status"))["notes"]
        assert note == (
            f"The configuration is not applied: {appliance.path}, line {line}: matting.modle: "
            "unknown key; did you mean model?"
        )
    finally:
        appliance.path.write_text(good)
        wait_until(lambda: appliance.reloader.state.status().refusal is None)
    assert figures(appliance)[("mattebox_configuration_refused", ())] == 0


def test_not_ready_while_the_source_is_away(appliance: Served) -> None:
    source = appliance.daemon.feeder.source
    read = source.read

    def broken(timeout: float) -> None:
        raise SourceError("the cable is out")

    source.read = broken  # type: ignore[method-assign]
    try:
        wait_until(lambda: appliance.client.get("/readyz").status_code == 503)
        wait_until(lambda: appliance.daemon.programme.trouble)
        ready = appliance.client.get("/readyz").json()
        assert not ready["ready"]
        wait_until(lambda: "the cable is out" in appliance.client.get("/readyz").json()["reason"])
        assert as_json(appliance.client.get("/healthz"))["alive"], "the placeholder goes out"
        now = figures(appliance)
        assert now[("mattebox_placeholder", ())] == 1
        assert now[("mattebox_placeholder_reason", (("reason", "source"),))] == 1
        status = as_json(appliance.client.get("/api/status"))
        assert status["state"] == "placeholder"
        assert "the cable is out" in status["words"]
        matte = appliance.client.get("/api/snapshot?show=matte")
        assert matte.status_code == 200
    finally:
        source.read = read  # type: ignore[method-assign]
    wait_until(lambda: appliance.client.get("/readyz").status_code == 200)
    now = figures(appliance)
    assert now[("mattebox_placeholder", ())] == 0
    assert now[("mattebox_source_reconnects_total", ())] >= 1


def test_the_figures(appliance: Served) -> None:
    now = figures(appliance)
    daemon = appliance.daemon
    assert 0 < now[("mattebox_frames_in_total", ())] <= daemon.feeder.frames
    assert now[("mattebox_frames_out_total", (("kind", "composite"),))] > 0
    assert ("mattebox_frames_dropped_total", (("place", "pipeline"),)) in now
    assert now[("mattebox_source_state", (("state", "live"),))] == 1
    assert now[("mattebox_source_state", (("state", "waiting"),))] == 0
    assert now[("mattebox_output_state", (("output", "0"), ("state", "running")))] == 1
    assert now[("mattebox_clients", (("output", "0"),))] == 0
    assert now[("process_resident_memory_bytes", ())] > 10e6
    assert now[("process_open_fds", ())] > 3
    assert now[("mattebox_threads", ())] > 3
    assert now[("mattebox_shedding_level", ())] in (0, 3, 4, 5)
    assert now[("mattebox_load_ratio", ())] > 0
    [build] = [labels for name, labels in now if name == "mattebox_build_info"]
    assert dict(build)["version"] == "0.1.0"
    for stage in ("crop", "network", "composite"):
        label = ("stage", stage)
        count = now[("mattebox_stage_seconds_count", (label,))]
        assert count > 0
        assert now[("mattebox_stage_seconds_bucket", (("le", "+Inf"), label))] == count
        assert 0 < now[("mattebox_stage_seconds_sum", (label,))] / count < 1
    assert now[("mattebox_latency_seconds_count", ())] > 0
    later = figures(appliance)
    for key in now:
        if key[0].endswith("_total") or key[0].endswith("_bucket"):
            assert later[key] >= now[key], key


def test_names_and_labels_are_prometheus(appliance: Served) -> None:
    """No label holds prose: each new value would be another time series, for ever."""
    for name, labels in figures(appliance):
        assert re.fullmatch(r"(mattebox|process)_[a-z0-9_]+", name)
        for key, value in labels:
            assert key in {"version", "python", "machine", "kind", "place", "stage", "le", "state",
                           "output", "reason", "zone", "gpu", "name"}  # fmt: skip
            assert len(value) < 60


def test_histogram() -> None:
    histogram = Histogram()
    for milliseconds in (0, 0.25, 0.26, 1000, 1001):
        histogram.observe(int(milliseconds * 1e6))
    assert histogram.counts[0] == 2
    assert histogram.counts[1] == 1
    assert histogram.counts[-2:] == [1, 1]
    assert len(histogram.counts) == len(BOUNDS_MS) + 1
    assert histogram.total_ns == 2001.51e6


def test_a_machine_without_nvml_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    gpus = Gpus()
    assert gpus.read(5) == ()
    assert gpus._absent, "it would be asked for again and again"


class _Nvml(ModuleType):
    """A driver with one card that cannot report its power draw."""

    NVMLError = OSError
    NVML_TEMPERATURE_GPU = 0
    hangs = False

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.go = threading.Event()

    def __getattr__(self, name: str) -> object:
        answers = {
            "nvmlInit": None, "nvmlShutdown": None, "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetHandleByIndex": "card", "nvmlDeviceGetName": "NVIDIA Something",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=2_000, total=8_000),
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=37),
            "nvmlDeviceGetTemperature": 61,
        }  # fmt: skip

        def ask(*_: object) -> object:
            if self.hangs:
                self.go.wait(20)
            if name == "nvmlDeviceGetPowerUsage":
                raise self.NVMLError("not supported")
            return answers[name]

        return ask


def test_a_card(appliance: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _Nvml())
    monkeypatch.setattr(appliance.site, "gpus", Gpus())
    now = figures(appliance)
    labels = (("gpu", "0"), ("name", "NVIDIA Something"))
    assert now[("mattebox_gpu_busy_ratio", labels)] == 0.37
    assert now[("mattebox_gpu_memory_used_bytes", labels)] == 2000
    assert now[("mattebox_gpu_memory_bytes", labels)] == 8000
    assert now[("mattebox_gpu_temperature_celsius", labels)] == 61
    assert ("mattebox_gpu_power_watts", labels) not in now


def test_a_driver_that_hangs_hangs_no_figures(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml = _Nvml()
    nvml.hangs = True
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(appliance.site, "gpus", Gpus())
    try:
        for _ in range(2):
            assert not [name for name, _ in figures(appliance) if name.startswith("mattebox_gpu")]
        assert sum(thread.name == "gpu" for thread in threading.enumerate()) == 1
    finally:
        nvml.go.set()


def test_temperatures_by_zone(appliance: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    zones = (Zone("cpu-thermal", 51.5), Zone("gpu-thermal", 48.0), Zone("cpu-thermal", 53.0))
    monkeypatch.setattr(appliance.daemon.thermometer, "zones", zones)
    now = figures(appliance)
    assert now[("mattebox_temperature_celsius", (("zone", "cpu-thermal"),))] == 51.5
    assert now[("mattebox_temperature_celsius", (("zone", "cpu-thermal 2"),))] == 53.0
    assert as_json(appliance.client.get("/api/status"))["temperatures"]["gpu-thermal"] == 48.0
