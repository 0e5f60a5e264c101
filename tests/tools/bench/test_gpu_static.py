"""``bench --gpu --static``: arithmetic; with the compiler's tools, a frame from machine code."""

from __future__ import annotations

import argparse
import io
import json
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from appliance.config.settings import Settings
from appliance.cuda import compile as compiler
from appliance.cuda.context import Context
from appliance.errors import InputError
from appliance.tools.bench import gpu_static
from appliance.tools.bench import run as bench
from appliance.tools.bench.gpu_floors import CARDS, Card, floors, occupancy
from appliance.tools.bench.gpu_kernels import Sizes
from appliance.tools.bench.sass.disassembly import Code, find_cuobjdump
from appliance.tools.bench.sass.machine import WorkCounts
from tests.kernels import driver, emulated

ORIN = CARDS[0]
needs_tools = pytest.mark.skipif(
    find_cuobjdump() is None or not compiler.find_nvcc(), reason="no nvcc, or no cuobjdump"
)


@pytest.mark.parametrize(
    ("registers", "shared", "threads", "architecture", "expected"),
    [
        (168, 0, 128, "87", (3, 0.25)),  # as NVIDIA's occupancy table has it
        (32, 0, 256, "87", (6, 1.0)),
        (32, 0, 256, "90", (8, 1.0)),
        (24, 29184, 256, "89", (3, 0.5)),
    ],
)
def test_occupancy(
    registers: int, shared: int, threads: int, architecture: str, expected: tuple[int, float]
) -> None:
    code = Code("x", registers=registers, shared=shared)
    assert occupancy(code, threads, architecture) == expected


def test_floors_are_arithmetic() -> None:
    card = Card("a card", "87", 10, 1.0, 100.0)
    counts = WorkCounts(
        issued=np.array([4000, 1000]), read=1_000_000, written=1_000_000, longest=500,
        by_name={"FFMA": 4000, "MUFU.RCP": 1000},
    )  # fmt: skip
    least = floors(counts, card)
    assert least.memory == pytest.approx(20.0)
    assert least.issue == pytest.approx(5000 / 40 / 1000)
    assert least.pipes == pytest.approx(8 * 1000 / 40 / 1000)
    assert least.alone == pytest.approx(0.5)
    assert (least.us, least.rules) == (least.memory, "memory")


def test_static_belongs_to_gpu() -> None:
    options = argparse.Namespace(
        gpu=False, static=True, only=None, sessions=None, talk=False, avatar=None
    )
    with pytest.raises(InputError, match="--gpu --static"):
        bench.run(Settings(), options)


def test_without_the_tools_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_HOME", raising=False)
    if find_cuobjdump() is not None:
        pytest.skip("cuobjdump is in /usr/local/cuda/bin")
    assert gpu_static.run(argparse.Namespace(json=False)) == 2
    assert "pip install nvidia-cuda-cuobjdump" in capsys.readouterr().err


@pytest.mark.soak
@needs_tools
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.architecture)
def test_a_frame_from_machine_code(card: Card) -> None:
    """No kernel of a frame spills or calculates in doubles, and what comes out shows the person."""
    sizes = Sizes(picture=(320, 180), grid=(288, 160))
    counted = gpu_static.Counted(card.architecture, sizes)
    launches = counted.frame()
    for launch in launches:
        code = counted.driver.codes[launch.kernel]
        assert code.doubles == 0, launch.kernel
        # components_choose keeps a list that one thread walks.
        assert launch.kernel == "components_choose" or code.named("LDL", "STL") == 0, launch.kernel
    assert [one.kernel for one in launches][-1].startswith("composite")
    assert len(launches) <= 13


@pytest.mark.soak
@needs_tools
@pytest.mark.skipif(emulated.compiler() is None, reason="no C++ compiler (g++)")
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.architecture)
def test_machine_code_makes_what_the_source_makes(card: Card) -> None:
    """The composite by nvcc's code, and by g++'s of the same source."""
    sizes = Sizes(picture=(322, 182), grid=(96, 54))
    made = []
    for context in (
        gpu_static.Counted(card.architecture, sizes).context,
        Context(driver=driver, image=lambda _: b""),
    ):
        out, _kept = gpu_static.two_frames(context, sizes, lambda: None)
        picture = np.empty((out.height * 3 // 2, out.pitch), np.uint8)
        context.driver.memcpy_dtoh(picture, out.address)
        made.append(picture[:, : out.width].astype(int))
        context.close()
    by_machine, by_source = made
    assert len(np.unique(by_source)) > 40, "live and background both show"
    apart = np.abs(by_machine - by_source)
    # nvcc makes one instruction of a product and a sum, g++ is told not to.
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3


@pytest.mark.soak
@needs_tools
def test_the_table_is_shown() -> None:
    results: dict[str, Any] = gpu_static.measure((ORIN,), Sizes(picture=(320, 180)))
    out = io.StringIO()
    gpu_static.show(json.loads(json.dumps(results)), Console(file=out, width=200))
    assert "composite" in out.getvalue()
    assert "between them" in out.getvalue()
