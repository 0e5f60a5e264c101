"""The plate as evidence for the matte: what looks like the empty room is not the person."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.pixels.gpu.planes import Plane
from appliance.pixels.gpu.scratch import Scratch

_BLOCK = (32, 8)


def person_colours(
    scratch: Scratch, live: Plane, alpha: Plane, expected: Plane, noise: Plane, radius: int,
    light: int, weighed: Plane, out: Plane,
) -> None:  # fmt: skip
    """``cpu.person_colours``; nothing is done while the ``DeviceLight`` says that it is not used.

    Args:
        light: its address. weighed: six planes to work in. out: five planes, overwritten.
    """
    scratch.check(alpha.rows, alpha.columns)
    kernels, grid = scratch.context.kernels, blocks(alpha.columns, alpha.rows, _BLOCK)
    size = {"rows": alpha.rows, "columns": alpha.columns, "light": light}
    kernels["plate_weigh"](
        grid, (*_BLOCK, 1), live=live.address, alpha=alpha.address, expected=expected.address,
        noise=noise.address, out=weighed.address, **size,
    )  # fmt: skip
    kernels["plate_rows"](
        grid, (*_BLOCK, 1), planes=weighed.address, radius=radius, out=scratch.sums.address, **size
    )
    kernels["plate_person"](
        grid, (*_BLOCK, 1), sums=scratch.sums.address, radius=radius, out=out.address, **size
    )


def weigh_in(
    scratch: Scratch, alpha: Plane, live: Plane, expected: Plane, noise: Plane, person: Plane,
    light: int, out: Plane,
) -> None:  # fmt: skip
    """``cpu.weigh_in``; alpha as it is while the ``DeviceLight`` says that it is not used."""
    scratch.context.kernels["plate_weigh_in"](
        blocks(alpha.columns, alpha.rows, _BLOCK), (*_BLOCK, 1), alpha=alpha.address,
        live=live.address, expected=expected.address, noise=noise.address, person=person.address,
        rows=alpha.rows, columns=alpha.columns, light=light, out=out.address,
    )  # fmt: skip
