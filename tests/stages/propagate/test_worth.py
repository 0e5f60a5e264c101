"""What carrying a matte is worth on real hands: against leaving it, against the network."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import F32, Frame
from appliance.networks.choose import load_matting
from appliance.stages.network.cpu import Look
from appliance.stages.propagate.cpu import Carry
from appliance.stages.timings import StageClock
from appliance.tools.bench.clip import frames_in_memory


@pytest.fixture(scope="module")
def hands(shared: Path) -> list[Frame]:
    """A person signing fast."""
    return frames_in_memory(shared / "media/asl/help.mkv", None, 45)


def test_a_carried_matte_is_nearer_than_the_last_one(hands: list[Frame]) -> None:
    clock = StageClock()
    chosen = Settings.model_validate({"matting": {"runtime": "onnxruntime", "threads": 1}})
    look = Look(load_matting(chosen.matting), clock)
    carry = Carry()
    looks: list[tuple[F32, F32]] = []
    for frame in hands:
        alpha, planes = look(frame, frame.rect)
        looks.append((alpha.copy(), planes[0].copy()))
    carried, left, refused = [], [], 0
    for (before, luma), (now, luma_now) in pairwise(looks):
        carry.keep(before, luma, hands[0].rect, 0)
        with clock("carry"):
            moved = carry.take(luma_now, None, hands[0].rect)
        if moved is None:
            refused += 1
            continue
        carried.append(float(np.abs(moved - now).mean()))
        left.append(float(np.abs(before - now).mean()))
    # Where nothing moves there is nothing to gain: use the half of the frames with most motion.
    fast = np.array(left) >= np.median(left)
    carried_mad, left_mad = np.array(carried)[fast].mean(), np.array(left)[fast].mean()
    network, flow = (
        float(np.median(clock.stages[name].cpu_ns)) / 1e6 for name in ("network", "carry")
    )
    print(
        f"MAD x1000: {1e3 * carried_mad:.2f} carried, {1e3 * left_mad:.2f} left as it "
        f"was; {flow:.2f} ms of CPU, the network {network:.2f}; {refused} not carried"
    )
    assert refused <= 1
    assert carried_mad < 0.7 * left_mad
