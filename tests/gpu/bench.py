"""``mattebox bench --gpu`` without the command line, which wants GStreamer; for ``tests/gpu/run``.

    python tests/gpu/bench.py FILE.json

Emulated (``GPU_TESTS=emulated``) it goes through all of it at small sizes; its figures mean
nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

from appliance.config.settings import Settings
from appliance.errors import MissingDependency
from appliance.tools.bench import gpu
from appliance.tools.bench.gpu_kernels import Sizes
from tests.gpu.device import EMULATED, make_context

SMALL = Sizes(
    picture=(96, 180), large=(128, 72), grid=(32, 18), labels=(((48, 40), 50.0),), patch=(30, 21),
    sets=1,
)  # fmt: skip


def main() -> int:
    if EMULATED:
        results = gpu.measure(
            Settings(), None, (320, 180), 2, sizes=SMALL, make_context=make_context,
            timer={"rounds": 1, "copy_bytes": 1 << 10},
        )  # fmt: skip
    else:
        try:
            results = gpu.measure(Settings(), None, (1920, 1080), 600)
        except MissingDependency as error:
            print(f"nothing to measure here: {error}", file=sys.stderr)
            return 2
    gpu.show(results, Console(width=150))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
