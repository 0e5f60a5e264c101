"""What steadying alone keeps and loses of the matte, at several rates of frames, against truth.

Each clip is played through the appliance twice, with steadying and without; lower rates leave
frames out. A pixel is kept only because of steadying where alpha is more than a quarter higher with
it, lost where it is as much lower. Whether that was right the truth says.

    python -m export.evaluation.steadying .export/sets
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import Format, blank
from appliance.networks.base import Matting
from appliance.networks.sizes import load_sizes
from appliance.pipeline.cpu import Pipeline
from export.evaluation.metrics import Alpha, dtssd, mad
from export.evaluation.models import LiveBackground, to_nv12
from export.evaluation.sets import EvaluationClip, load_clip

NATIVE = {"signers": 30.0, "greenwall": 59.94, "head-pose": 12.5, "walkers": 10 / 6}
"""Frames a second of the sets that were filmed and have enough consecutive frames."""
LEAVE_OUT = {"signers": (1, 2, 3), "greenwall": (1, 2, 4, 6)}
"""Every how many-th frame is played; of the others each one."""
_MUCH = 0.25  # of alpha
_SEEN = 0.1  # percent of the picture that is counted as seen


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one clip at one rate, or their mean. Shares are percent of the picture.

    Attributes:
        ghost: kept only because of steadying, where there is background.
        lost: lost only because of it, where there is a person.
        right: kept or lost only because of it, and so it should be.
        ghosts, losses: percent of the frames with a ghost or loss above 0.1 % of the picture.
        mad, dtssd: with steadying. mad_off, dtssd_off: without.
    """

    ghost: float
    lost: float
    right: float
    ghosts: float
    losses: float
    mad: float
    dtssd: float
    mad_off: float
    dtssd_off: float


def figures_of(on: Sequence[Alpha], off: Sequence[Alpha], true: Sequence[Alpha]) -> Figures:
    """Figures from a clip's mattes with and without steadying, float32 (h, w) in [0, 1]."""
    ghost, lost, right = [], [], []
    for with_it, without, alpha in zip(on, off, true, strict=True):
        kept, missing = with_it - without > _MUCH, without - with_it > _MUCH
        nobody, person = alpha < 0.25, alpha > 0.75
        ghost.append(100 * float((kept & nobody).mean()))
        lost.append(100 * float((missing & person).mean()))
        right.append(100 * float((kept & person | missing & nobody).mean()))

    def change(series: Sequence[Alpha]) -> float:
        pairs = range(1, len(true))
        found = [dtssd(series[i], series[i - 1], true[i], true[i - 1]) for i in pairs]
        return float(np.mean(found)) if found else 0.0

    def difference(series: Sequence[Alpha]) -> float:
        return float(np.mean([mad(a, b) for a, b in zip(series, true, strict=True)]))

    def seen(shares: Sequence[float]) -> float:
        return 100 * float(np.mean([share >= _SEEN for share in shares]))

    return Figures(
        float(np.mean(ghost)), float(np.mean(lost)), float(np.mean(right)), seen(ghost), seen(lost),
        difference(on), change(on), difference(off), change(off),
    )  # fmt: skip


def mattes(clip: EvaluationClip, matting: Matting, *, steadied: bool) -> list[Alpha]:
    """The mattes that the appliance makes of a clip at its rate, on the CPU."""
    height, width = clip.frames[0].shape[:2]
    settings = Settings.model_validate({"steady": {"enabled": steadied}})
    first = to_nv12(clip.frames[0])
    format = Format(width, height, (30, 1), first.colour)
    pipeline = Pipeline(settings, format, matting, LiveBackground())
    made = []
    for serial, picture in enumerate(clip.frames):
        moment = round(serial * 1e9 / clip.rate)
        live = replace(to_nv12(picture, serial), pts=moment, captured=moment)
        matte = np.zeros((height, width), np.uint8)
        pipeline.process(live, blank(width, height, live.colour), matte)
        made.append((matte / 255.0).astype(np.float32))
    return made


def judge(
    sets: Path, matting: Matting, told: Callable[[str], None] = lambda _: None
) -> dict[tuple[str, float], list[Figures]]:
    """Set and rate -> figures of its clips there."""
    table: dict[tuple[str, float], list[Figures]] = {}
    for name, rate in NATIVE.items():
        for folder in sorted((sets / name).iterdir()):
            clip = load_clip(folder)
            for every in LEAVE_OUT.get(name, (1,)):
                slower = replace(
                    clip,
                    frames=clip.frames[::every],
                    alphas=clip.alphas[::every],
                    rate=rate / every,
                )
                told(f"{name}/{folder.name} at {slower.rate:.3g} fps")
                on, off = (mattes(slower, matting, steadied=s) for s in (True, False))
                found = figures_of(on, off, slower.alphas)
                table.setdefault((name, slower.rate), []).append(found)
    return table


def mean(several: Iterable[Figures]) -> Figures:
    """Clips weighted alike."""
    return Figures(*(float(value) for value in np.mean([astuple(each) for each in several], 0)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Path, help="folder of the evaluation sets")
    parser.add_argument("--network", type=Path, default=Path("engines/portrait/manifest.yaml"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    matting = load_sizes(options.network, options.threads)
    table = judge(options.sets, matting, lambda line: print(line, file=sys.stderr))
    names = [field.name for field in fields(Figures)]
    print(f"{'set':>10} {'fps':>5} " + " ".join(f"{name:>9}" for name in names))
    for (name, rate), several in table.items():
        values = " ".join(f"{value:9.3f}" for value in astuple(mean(several)))
        print(f"{name:>10} {rate:5.3g} {values}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
