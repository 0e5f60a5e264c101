"""``bench --gpu``: what is measured, the arithmetic, and what is said without a GPU."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from appliance.cli import main as cli
from appliance.config.settings import Settings
from appliance.cuda import source
from appliance.cuda.context import Context, GpuError
from appliance.errors import InputError
from appliance.tools.bench import gpu
from appliance.tools.bench import run as bench
from appliance.tools.bench.gpu_kernels import Sizes
from appliance.tools.bench.gpu_timer import Row, Timer
from tests.kernels import driver
from tests.kernels.emulated import compiler
from tests.kernels.gpus import emulated, fresh

SMALL = Sizes(
    picture=(96, 180), large=(128, 72), grid=(32, 18), labels=(((48, 40), 50.0),), patch=(30, 21),
    sets=1,
)  # fmt: skip


def context(**options: Any) -> Context:
    """An emulated GPU."""
    if compiler() is None:
        pytest.skip("no C++ compiler (g++): the kernels cannot be emulated here")
    graphs = driver.Library(**options)
    return Context(driver=driver, image=lambda architecture: b"", library=graphs)


def test_a_row_is_arithmetic() -> None:
    row = Row("composite", us=20.0, nbytes=37_324_800)
    assert row.gb_s == pytest.approx(1866.24)
    assert row.held(4000.0) is None
    assert "held" not in row.json(4000.0)
    assert Row("x", 60.0, target_us=60.0).held(1.0) is True
    assert Row("x", 60.1, target_us=60.0).held(1.0) is False
    assert Row("x", 20.0, 37_324_800, target_share=0.4).held(4000.0) is True
    late = Row("x", 20.0, 37_324_800, target_share=0.5)
    assert late.json(4000.0) == {
        "name": "x", "us": 20.0, "bytes": 37_324_800, "gb_s": 1866.2, "of_copy": 0.467,
        "target_of_copy": 0.5, "held": False,
    }  # fmt: skip


def test_times_are_of_one_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 ms between the events, 5 rounds, 4 launches in each: 150 microseconds."""
    fresh()
    monkeypatch.setattr(driver.Event, "milliseconds", 3.0)
    ran: list[int] = []
    with context() as gpu_context:
        timer = Timer(gpu_context, rounds=5, copy_bytes=1 << 20)
        # Read and written: twice 2^20 bytes in 600 microseconds.
        assert timer.copy_gb_s == pytest.approx(2 * 2**20 / 600 / 1e3)
        row = timer.measure("it", 1500, lambda i: driver.submit(lambda: ran.append(i)), count=4)
        assert row.us == pytest.approx(150.0)
        assert row.gb_s == pytest.approx(0.01)
        # Two launches to warm up, likewise two replays, five that count.
        assert ran == [0, 1, *[0, 1, 2, 3] * 7]
        assert timer.graphs is None


def test_without_graphs_launches_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh()
    with context(refuses=True) as gpu_context:
        timer = Timer(gpu_context, rounds=5, copy_bytes=1 << 20)
        ran: list[int] = []
        row = timer.measure("it", 0, lambda i: driver.submit(lambda: ran.append(i)), count=4)
        assert ran == [0, 1, *[0, 1, 2, 3] * 7]
        assert row.us == pytest.approx(1e3 / 5 / 4)
        assert "UNSUPPORTED" in str(timer.graphs)


def test_a_cuda_error_is_told() -> None:
    log = fresh()
    with context() as gpu_context:
        timer = Timer(gpu_context, rounds=2, copy_bytes=1 << 10)
        log.fail_at = "Event.record"
        with pytest.raises(GpuError, match=r"CUDA failed while timing"):
            timer.measure("it", 0, lambda i: None)


def test_every_kernel_is_measured(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    """The whole bench at small sizes; the network is an engine of the stand-in."""
    log = fresh()
    monkeypatch.setattr(gpu, "shapes_on_gpu", lambda *_: emulated(network))
    settings = Settings.model_validate({"matting": {"model": str(network)}})
    results = gpu.measure(
        settings, room, (320, 180), 2, sizes=SMALL, make_context=context,
        timer={"rounds": 1, "copy_bytes": 1 << 10},
    )  # fmt: skip
    assert (log.depth, log.alive) == (0, 0)
    # Half precision is the same kernel with a different load; the appliance's tensors are FP32.
    kernels = {name for name in source.signatures() if not name.endswith("_f16")}
    assert kernels - set(log.launches) == set()
    rows = {row["name"]: row for row in results["rows"]}
    path = rows["crop to composite, 96x180"]
    assert path["bytes"] == round(5.1 * 96 * 180)
    assert path["target_us"] == 60
    assert rows["composite 128x72, half everywhere"]["bytes"] == round(4.5 * 128 * 72)
    assert rows["composite 128x72, half everywhere"]["target_of_copy"] == 0.8
    assert rows["paste 30x21, 3 channels"]["target_us"] == 10
    assert rows["components 48x40, person"]["target_us"] == 50
    assert rows["crop nv12 96x180 to 32x18"]["bytes"] == 1.5 * 96 * 180 + 24 * 32 * 18
    assert "network bright" in rows
    targets = [row for row in results["rows"] if "held" in row]
    assert len(targets) == 4
    assert results["missed"] == [row["name"] for row in targets if not row["held"]]
    runs = [found["runs"] for found in results["frames"]]
    assert runs[0].startswith("a painted matte in place of a network; frames on an emulated GPU")
    assert runs[1].startswith("bright on tensorrt 10.3.0")
    for found in results["frames"]:
        assert found["size"] == "320x180"
        assert found["launched"]["median_ms"] > 0
        assert set(found["replayed"]["stages"]) >= {"upload", "wait", "download"}
    said = io.StringIO()
    gpu.show(results, Console(file=said, width=160))
    text = said.getvalue()
    assert "an emulated GPU" in text
    assert "at most 60 µs" in text
    assert "at least 80 %" in text
    assert "targets held:" in text
    json.dumps(results)


def test_without_a_gpu_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    assert cli.main(["bench", "--gpu", "--source", "demo://"]) == 2
    said = capsys.readouterr().err
    assert "bench --gpu cannot measure anything here" in said
    assert "pip install pycuda" in said


def test_gpu_and_only_are_two_things() -> None:
    with pytest.raises(InputError, match="--gpu and --only"):
        bench.run(Settings(), argparse.Namespace(gpu=True, only="stages", static=False))


def test_no_engine_is_said(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    """The kernels are still measured."""
    settings = Settings.model_validate({"matting": {"model": str(network)}})
    found, why = gpu._network(settings)
    assert found is None
    assert why
    options = argparse.Namespace(clip=None, size=None, frames=None, json=False)
    monkeypatch.setattr(gpu, "measure", lambda *_, **__: {
        "mattebox": "0", "gpu": "g", "compute_capability": "90", "copy_gb_s": 1.0, "graphs": False,
        "rows": [], "missed": [], "frames": [], "no_network": why,
    })  # fmt: skip
    assert gpu.run(settings, options) == 0
