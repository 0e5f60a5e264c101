"""Clean: connected components of a matte, which of them stay, and the verdict on it."""

from __future__ import annotations

from appliance.cuda.context import blocks
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.scratch import Scratch

_TILE = 16
_BLOCK = (32, 8)
_FOLD_BLOCKS = 64
# The least share of the largest component, as two whole numbers of so many bits: SHARE_BITS.
_HALF_BITS = 20
# The enum Keep of components.cuh.
_KEEP = {"all": 0, "largest": 1, "taking-part": 2}


def keep_components(
    scratch: Scratch, raw: Raw, threshold: float, keep: str, min_area: float, max_coverage: float,
    verdict: int, alpha: Plane | None = None, known: int = 0,
    sides: tuple[bool, bool] = (True, True),
) -> None:  # fmt: skip
    """``cpu.keep_components`` and ``check_alpha``; ``alpha`` receives ``raw`` clipped to 0..1.

    ``check_alpha`` is that of ``stages.matte.checks``. ``verdict`` is the address of a VERDICT,
    overwritten; ``scratch.mask`` receives what was kept. ``known`` is that of a
    ``KnownPeople``, for ``taking-part``; 0: nobody was there before. ``sides`` as in the twin.

    Raises:
        ValueError: the grid does not fit.
    """
    rows, columns, kernels = raw.rows, raw.columns, scratch.context.kernels
    scratch.check(rows, columns)
    wide, high = (columns + 1) // 2, (rows + 1) // 2
    shape = {"rows": rows, "columns": columns}
    kernels[f"components_tiles_{'f16' if raw.half else 'f32'}"](
        blocks(wide, high, (_TILE, _TILE)), (_TILE, _TILE, 1),
        raw=raw.address, stride=raw.stride, **shape, sides=sides[0] + 2 * sides[1],
        threshold=threshold, alpha=alpha.address if alpha else 0, parent=scratch.parent.address,
        bits=scratch.bits.address, components=scratch.components.address,
        roots=scratch.roots.address, tally=scratch.tally.address,
    )  # fmt: skip
    border = (high - 1) // _TILE * wide + (wide - 1) // _TILE * high
    if border:
        kernels["components_merge"](
            (-(-border // 128), 1, 1), (128, 1, 1),
            bits=scratch.bits.address, parent=scratch.parent.address, **shape,
        )  # fmt: skip
    kernels["components_fold"](
        (_FOLD_BLOCKS, 1, 1), (256, 1, 1),
        parent=scratch.parent.address, components=scratch.components.address,
        roots=scratch.roots.address, finals=scratch.finals.address, tally=scratch.tally.address,
    )  # fmt: skip
    least = int(min_area * (1 << 2 * _HALF_BITS))
    kernels["components_choose"](
        (1, 1, 1), (256, 1, 1),
        components=scratch.components.address, finals=scratch.finals.address,
        tally=scratch.tally.address, **shape, keep=_KEEP[keep], least_high=least >> _HALF_BITS,
        least_low=least & (1 << _HALF_BITS) - 1, max_coverage=max_coverage, known=known,
        verdict=verdict,
    )  # fmt: skip
    kernels["components_mask"](
        blocks(wide, high, _BLOCK), (*_BLOCK, 1),
        parent=scratch.parent.address, bits=scratch.bits.address,
        components=scratch.components.address, **shape, mask=scratch.mask.address,
    )  # fmt: skip


def clean(scratch: Scratch, alpha: Plane) -> None:
    """``cpu.clean``, in place, with the mask of the last ``keep_components`` of the same grid."""
    shape = {"rows": alpha.rows, "columns": alpha.columns, "grow": scratch.grow}
    grid = blocks(alpha.columns, alpha.rows, _BLOCK)
    scratch.context.kernels["clean_reach"](
        grid, (*_BLOCK, 1), mask=scratch.mask.address, **shape, reach=scratch.reach.address
    )
    scratch.context.kernels["clean_fade"](
        grid, (*_BLOCK, 1), alpha=alpha.address, mask=scratch.mask.address,
        reach=scratch.reach.address, widths=scratch.widths.address, **shape,
    )  # fmt: skip
