"""Key and fill, emulated, against ``cpu``: one step of 255, and in at most one in a thousand."""

from __future__ import annotations

import pytest

from appliance.media.frame import Colour
from appliance.pixels import cpu, gpu
from tests.kernels.memory import Memory
from tests.pixels.cpu.test_key_fill import COLOURS, layer_of
from tests.pixels.frames import noise
from tests.pixels.gpu.test_composite import LAYOUTS, close
from tests.pixels.gpu.test_layer import device_layer

GREEN = (173, 42, 26)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(("pad", "offset"), LAYOUTS[::2])
@pytest.mark.parametrize(("width", "height"), [(2, 2), (66, 36)])
def test_twins(
    memory: Memory, width: int, height: int, pad: int, offset: int, colour: Colour
) -> None:
    layer = layer_of(width, height, colour)
    for nobody in (False, True):
        if nobody:
            layer.alpha[:] = 0
        device, _kept = device_layer(memory, layer, pad, offset)
        want = noise(width, height, 5, 0, colour)
        for draw, there in (
            (cpu.draw_key, gpu.draw_key),
            (cpu.draw_fill, gpu.draw_fill),
            (
                lambda one, out: cpu.draw_fill(one, out, straight=True),
                lambda context, one, out: gpu.draw_fill(context, one, out, straight=True),
            ),
            (
                lambda one, out: cpu.draw_over_plain(one, GREEN, out),
                lambda context, one, out: gpu.draw_over_plain(context, one, GREEN, out),
            ),
        ):
            target = memory.picture(noise(width, height, 6, 0, colour), pad, offset)
            draw(layer, want)
            there(memory.context, device, target.surface)
            got = target.read()
            close(got.y, want.y, draw)
            close(got.uv, want.uv, draw)


def test_sizes_must_agree(memory: Memory) -> None:
    device, _kept = device_layer(memory, layer_of(64, 36, Colour()))
    other = memory.picture(noise(66, 36, 1)).surface
    for draw in (gpu.draw_key, gpu.draw_fill):
        with pytest.raises(ValueError, match="66x36"):
            draw(memory.context, device, other)
    with pytest.raises(ValueError, match="66x36"):
        gpu.draw_over_plain(memory.context, device, GREEN, other)
