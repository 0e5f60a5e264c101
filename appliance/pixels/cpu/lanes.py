"""Vector instructions for kernels, eight float32 at a time: what each does is in ``native/lanes``.

Named here without numba, which is imported when a kernel that uses them is compiled, if ever.
"""

from __future__ import annotations

from typing import Any

from appliance.pixels.cpu.jit import Intrinsic

LANES = 8

_WHERE = "appliance.pixels.native.lanes"

weighted_sum: Any = Intrinsic(_WHERE, "weighted_sum")
prefetch: Any = Intrinsic(_WHERE, "prefetch")
dense_row: Any = Intrinsic(_WHERE, "dense_row")
