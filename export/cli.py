"""The verbs of `python -m export`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from export import verbs

ROOT = Path(__file__).resolve().parent.parent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export", description="Label, train, export and judge matting networks."
    )
    shared = Path(os.environ.get("MATTEBOX_SHARED", ROOT.parent / "shared"))
    parser.add_argument(
        "--shared",
        type=Path,
        default=shared,
        help="folder with the media and MediaPipe's models (or MATTEBOX_SHARED); now %(default)s",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / ".export",
        help="folder for packs, sets, checkpoints and reports; now %(default)s",
    )
    parsers = parser.add_subparsers(dest="verb", required=True)
    label = parsers.add_parser("label", help="make the packed training set and the evaluation sets")
    label.add_argument("--only", choices=("packs", "strangers", "sets"), help="make only this")
    train = parsers.add_parser("train", help="train, or resume from the last checkpoint")
    train.add_argument("--setting", default="portrait", help="portrait or portrait-large")
    train.add_argument("--steps", type=int, default=20_000, help="steps in all; now %(default)s")
    train.add_argument("--minutes", type=float, default=0, help="stop by the clock instead")
    train.add_argument("--pairs", type=int, default=12, help="frame pairs a step; now %(default)s")
    train.add_argument("--rate", type=float, default=1e-2, help="highest rate; now %(default)s")
    train.add_argument("--seed", type=int, default=7)
    train.add_argument("--workers", type=int, default=1, help="processes that compose scenes")
    train.add_argument("--threads", type=int, default=1, help="threads of torch, in each process")
    train.add_argument("--processes", type=int, default=1, help="processes that train together")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    train.add_argument(
        "--early", type=float, default=0.6, help="share of small single frames; now %(default)s"
    )
    train.add_argument("--start", type=Path, help="checkpoint to take first weights from")
    tune = parsers.add_parser("tune", help="train on from trained weights, on strangers, or resume")
    tune.add_argument("--setting", default="portrait")
    tune.add_argument("--start", type=Path, default=ROOT / "engines" / "portrait" / "weights.pt")
    tune.add_argument("--minutes", type=float, default=70, help="in all; now %(default)s")
    tune.add_argument("--rate", type=float, default=8e-4, help="highest rate; now %(default)s")
    tune.add_argument("--theirs", type=float, default=0.3, help="share of it for published weights")
    tune.add_argument(
        "--early",
        type=float,
        default=0.45,
        help="share of small frames mostly, published weights held; now %(default)s, 1.01: all",
    )
    tune.add_argument("--scenes", type=int, default=16, help="frames a step; now %(default)s")
    tune.add_argument("--seed", type=int, default=14)
    tune.add_argument("--workers", type=int, default=1, help="processes that make views")
    tune.add_argument("--threads", type=int, default=1, help="threads of torch, in each process")
    tune.add_argument("--processes", type=int, default=1, help="processes that train together")
    average = parsers.add_parser("average", help="the mean of several checkpoints of one run")
    average.add_argument("checkpoints", type=Path, nargs="+")
    average.add_argument("--shares", type=float, nargs="+", help="weights, one a checkpoint")
    average.add_argument(
        "--statistics",
        type=int,
        default=2400,
        help="training scenes that batch norm's statistics are collected from anew; 0: none",
    )
    average.add_argument("--setting", default="portrait")
    average.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    calibrate = parsers.add_parser(
        "calibrate", help="steepen or soften a checkpoint's alpha so that it fits best"
    )
    calibrate.add_argument("checkpoint", type=Path)
    calibrate.add_argument("--scenes", type=int, default=96, help="scenes composed for it")
    calibrate.add_argument("--setting", default="portrait")
    calibrate.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    export = parsers.add_parser("export", help="write ONNX and manifest from a checkpoint")
    export.add_argument("--setting", default="portrait")
    export.add_argument("--checkpoint", type=Path, help="now <work>/<setting>.pt")
    export.add_argument("--out", type=Path, help="now engines/<setting>")
    half = parsers.add_parser("half", help="convert a model to FP16 and hold it against FP32")
    half.add_argument("--model", default="engines/portrait", help="folder or manifest")
    half.add_argument("--frames", type=int, default=200)
    evaluate = parsers.add_parser("evaluate", help="judge models on sets of frames and alphas")
    evaluate.add_argument(
        "models",
        nargs="*",
        help=(
            "manifests (or their folders), mediapipe-general, mediapipe-landscape, "
            "perfect-288x160 (the truth averaged over a grid of that size); "
            "'+appliance' behind one adds the appliance's whole path"
        ),
    )
    evaluate.add_argument("--compare", action="store_true", help=f"{' '.join(verbs.STANDARD)}")
    evaluate.add_argument("--sets", type=Path, nargs="*", help="clips, sets; now <work>/sets")
    evaluate.add_argument("--json", type=Path, help="write all figures here")
    evaluate.add_argument("--record", type=Path, help="write the summary into this manifest.yaml")
    evaluate.add_argument("--sheet", type=Path, help="write the sheet of pictures here (PNG)")
    evaluate.add_argument("--samples", type=int, default=1, help="pictures a clip on the sheet")
    evaluate.add_argument("--threads", type=int, default=2, help="threads of ONNX Runtime")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; 0 done, 1 failed, 2 the input is wrong."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        run = getattr(verbs, options.verb)
        return int(run(options, console))
    except (FileNotFoundError, ModuleNotFoundError, ValueError) as error:
        console.print(f"[red]{options.verb}:[/red] {error}", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("stopped; what was saved stays, run the same command to go on")
        return 1


if __name__ == "__main__":
    sys.exit(main())
