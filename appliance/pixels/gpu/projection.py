"""Alpha's projection onto the horizontal axis: how much of the person stands in each column."""

from __future__ import annotations

from appliance.cuda.context import Context
from appliance.pixels.gpu.planes import Plane

_THREADS = 128


def column_sums(context: Context, alpha: Plane, out: int) -> None:
    """``cpu.column_sums``; ``out``: the address of as many floats as there are columns."""
    context.kernels["column_sums"](
        (alpha.columns, 1, 1), (_THREADS, 1, 1), alpha=alpha.address, rows=alpha.rows,
        columns=alpha.columns, out=out,
    )  # fmt: skip
