"""What each verb of `python -m export` does with its options.

Each imports for itself: `evaluate` must not wait for torch, nor `--help` for anything.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

STANDARD = (
    "engines/portrait",
    "engines/portrait+appliance",
    "mediapipe-general",
    "mediapipe-landscape",
    "perfect-288x160",
)
"""What `evaluate --compare` judges."""


def label(options: argparse.Namespace, console: Console) -> int:
    """Packs and evaluation sets from the shared media."""
    from export.evaluation.build import build_sets
    from export.evaluation.edge_offset import label_offsets
    from export.labels.build import build_packs
    from export.labels.strangers import build_strangers

    def told(what: str) -> None:
        console.print(what)

    if options.only in (None, "packs"):
        for pack in build_packs(options.shared, options.work, told):
            console.print(f"{pack}: {pack.stat().st_size / 1e6:.1f} MB")
    if options.only in (None, "strangers"):
        pack, held_out = options.work / "strangers.zip", options.work / "sets" / "strangers"
        build_strangers(options.shared, pack, held_out, told)
        console.print(f"{pack}: {pack.stat().st_size / 1e6:.1f} MB; {held_out}: those kept back")
    if options.only in (None, "sets"):
        sets = options.work / "sets"
        build_sets(options.shared, options.work / "validation.zip", sets, told)
        console.print(f"{sets}: evaluation sets")
        for name, offset in label_offsets(sets).items():
            console.print(f"{name}: labels' edges {offset:+.2f} px from the picture's own")
    return 0


def train(options: argparse.Namespace, console: Console) -> int:
    """Train or resume."""
    from export.training.loop import train as run
    from export.training.plan import TrainingPlan

    work: Path = options.work
    names = (
        "setting",
        "steps",
        "minutes",
        "pairs",
        "rate",
        "seed",
        "workers",
        "threads",
        "processes",
    )
    path = run(
        TrainingPlan(
            pack=work / "train.zip",
            validation=work / "validation.zip",
            work=work,
            device=options.device,
            early=options.early,
            start=options.start,
            **{name: getattr(options, name) for name in names},
        )
    )
    console.print(f"{path}: done; next: python -m export export --setting {options.setting}")
    return 0


def tune(options: argparse.Namespace, console: Console) -> int:
    """Train on, on strangers, or resume."""
    from export.training.tune import TunePlan
    from export.training.tune import tune as run

    names = (
        "setting",
        "minutes",
        "rate",
        "theirs",
        "early",
        "scenes",
        "seed",
        "workers",
        "threads",
        "processes",
    )
    path = run(
        TunePlan(
            work=options.work,
            models=options.shared / "models",
            start=options.start,
            **{name: getattr(options, name) for name in names},
        )
    )
    console.print(f"{path}: done; next: python -m export export --checkpoint {path}")
    return 0


def average(options: argparse.Namespace, console: Console) -> int:
    """The mean of checkpoints, as a checkpoint."""
    import torch

    from export.training.checkpoint import mean_of, with_weights
    from export.training.statistics import with_new_statistics

    state = mean_of(options.checkpoints, options.setting, options.shares)
    if options.statistics:
        pack = options.work / "train.zip"
        weights = with_new_statistics(state["average"], options.setting, pack, options.statistics)
        state = with_weights(state, weights)
    torch.save(state, options.out)
    console.print(f"{options.out}: the mean of {len(options.checkpoints)} checkpoints")
    return 0


def calibrate(options: argparse.Namespace, console: Console) -> int:
    """A gain and an offset on the logits, fitted and folded in."""
    import torch

    from export.calibration import calibrate as run
    from export.training.checkpoint import load

    state = load(options.checkpoint, options.setting)
    state, before, after = run(state, options.work / "train.zip", options.scenes)
    for name, errors in (("before", before), ("after", after)):
        console.print(
            f"{name}: gain {errors.gain:g}, offset {errors.offset:g}: MAD {errors.mad:.2f}, "
            f"Grad {errors.grad:.2f}, dtSSD {errors.dtssd:.2f}"
        )
    torch.save(state, options.out)
    console.print(f"{options.out}: calibrated on {options.scenes} scenes")
    return 0


def export(options: argparse.Namespace, console: Console) -> int:
    """ONNX and manifest from a checkpoint."""
    from export.onnx_export import export_checkpoint

    root = Path(__file__).resolve().parent.parent
    checkpoint = options.checkpoint or options.work / f"{options.setting}.pt"
    out = options.out or root / "engines" / options.setting
    model = export_checkpoint(checkpoint, options.setting, out)
    console.print(f"{model}: {model.stat().st_size / 1e6:.2f} MB, checked against torch")
    return 0


def half(options: argparse.Namespace, console: Console) -> int:
    """FP16 against FP32."""
    from export.half import compare_half

    report = compare_half(Path(options.model), options.work / "sets", options.frames)
    for line in report.lines():
        console.print(line)
    return 0 if report.passed else 1


def evaluate(options: argparse.Namespace, console: Console) -> int:
    """Judge models; table to stdout, JSON and sheet where asked."""
    import cv2

    from export.evaluation.judge import judge, summary
    from export.evaluation.judge_strangers import by_slice, judge_strangers, strangers_table
    from export.evaluation.models import contender
    from export.evaluation.report import record_figures, sheet, table_of, write_json
    from export.evaluation.sets import find_clips
    from export.evaluation.strangers import load_strangers

    names = list(options.models) + (list(STANDARD) if options.compare else [])
    if not names:
        raise ValueError("no model given; name manifests or mediapipe-general, or say --compare")
    folders = [f for root in options.sets or [options.work / "sets"] for f in find_clips(root)]
    models = options.shared / "models"
    contenders = [contender(name, models, options.threads) for name in dict.fromkeys(names)]
    strangers = options.work / "sets" / "strangers"
    first = {}
    if not options.sets and (strangers / "slices.csv").is_file():
        verdicts = judge_strangers(load_strangers(strangers), contenders, console.print)
        first = by_slice(verdicts)
        Console(width=None if console.is_terminal else 150).print(strangers_table(first))
    results, samples = judge(folders, contenders, options.samples, console.print)
    figures = summary(results)
    Console(width=None if console.is_terminal else 150).print(table_of(figures))
    if options.json:
        write_json(options.json, results, figures, first)
    if options.record:
        record_figures(options.record, figures, first)
    if options.sheet:
        cv2.imwrite(str(options.sheet), sheet(samples))
    return 0
