"""``python -m tests.soak --seed 7 --frames 108000``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from appliance.system import log
from tests.soak.faults import FAULTS
from tests.soak.run import soak

# 30 frames a second for an hour.
_HOUR = 108_000


def main() -> int:
    """Run it; 0 when all was well, 1 when something leaked, hung, or came back too late."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="of the order and length of faults (7)")
    parser.add_argument(
        "--frames", type=int, default=_HOUR, help=f"composites to make ({_HOUR}, an hour's at 30)"
    )
    parser.add_argument(
        "--every", type=int, default=100, help="frames from one fault to the next (100)"
    )
    parser.add_argument(
        "--kind", action="append", choices=sorted(FAULTS), help="these faults only; may repeat"
    )
    parser.add_argument(
        "--seconds", type=float, help="be content with the frames of so many seconds"
    )
    parser.add_argument("--log", choices=("info", "warning", "error"), default="error")
    options = parser.parse_args()
    log.configure(options.log)
    with tempfile.TemporaryDirectory(prefix="mattebox-soak-") as folder:
        report = soak(
            Path(folder), seed=options.seed, frames=options.frames, every=options.every,
            seconds=options.seconds,
            kinds=options.kind,
            tell=lambda *sample: print(*sample, file=sys.stderr, flush=True),
        )  # fmt: skip
    print(report.text())
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
