"""Join: the person's alpha and the things', as one."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)


def join_things(scratch: Scratch, alpha: Plane, raw: Raw, things: Plane, *, person: bool) -> None:
    """``cpu.join_things``; where there are none, ``things`` is 0."""
    scratch.context.kernels[f"join_things_{'f16' if raw.half else 'f32'}"](
        blocks(alpha.columns, alpha.rows, _BLOCK), (*_BLOCK, 1),
        alpha=alpha.address, raw=raw.address, stride=raw.stride, things=things.address,
        person=float(person), rows=alpha.rows, columns=alpha.columns,
    )  # fmt: skip
