"""``mattebox engine list|show|verify``: what plans there are, and whether they may be used."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from appliance.engine.flavour import load_flavour, platform, this_gpu
from appliance.engine.sidecar import Sidecar, read_sidecar, sha256_of
from appliance.engine.store import sidecars
from appliance.engine.verify import Runner, mismatches, read_plan, rebuild
from appliance.errors import MissingDependency, PlanError
from appliance.matting.manifest import Manifest, load_manifest


def this_runner() -> Runner:
    """What would run a plan here; None where it is not known (no TensorRT, no GPU)."""
    try:
        flavour = load_flavour()
    except MissingDependency:
        return Runner(platform=platform())
    return Runner(flavour.name, flavour.version, this_gpu(), platform())


def wrong_with(path: Path, manifest: Manifest, model: Path, runner: Runner) -> list[str]:
    """All that is wrong with one plan, a sentence each."""
    try:
        found = mismatches(read_sidecar(path), manifest, sha256_of(model), runner)
        read_plan(path)
    except PlanError as error:
        return [str(error)]
    return found


def list_plans(manifests: list[Path], console: Console) -> int:
    """One line for each plan of these networks."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("network", "for", "precision", "by", "size", "built", "usable here"):
        table.add_column(column, overflow="fold")
    runner, rows = this_runner(), 0
    for manifest_path in manifests:
        manifest, model = load_manifest(manifest_path)
        for path in sidecars(model, manifest.name):
            rows += 1
            wrong = wrong_with(path, manifest, model, runner)
            verdict = "yes" if not wrong else "no: see mattebox engine verify " + manifest.name
            if not wrong and runner.target is None:
                verdict = "whole; no GPU here"
            try:
                s = read_sidecar(path)
            except PlanError:
                table.add_row(manifest.name, "?", "?", "?", "?", "?", verdict)
                continue
            table.add_row(
                manifest.name, s.target, s.precision, f"{s.flavour} {s.version}",
                f"{s.plan_bytes / 1e6:.1f} MB", s.built[:16].replace("T", " "), verdict,
            )  # fmt: skip
    if rows:
        console.print(table)
    else:
        console.print("no plans yet; build one: mattebox engine build portrait", highlight=False)
    return 0


def show_plans(manifest_path: Path, console: Console) -> int:
    """All that the sidecars of one network's plans say."""
    manifest, model = load_manifest(manifest_path)
    paths = sidecars(model, manifest.name)
    if not paths:
        raise PlanError(
            f"{manifest.name} has no TensorRT plan yet; build one: {rebuild(manifest.name)}"
        )
    for path in paths:
        for key, value in _lines(read_sidecar(path), path):
            console.print(f"{key:<14}{value}", highlight=False, markup=False, soft_wrap=True)
        console.print()
    return 0


def _lines(s: Sidecar, path: Path) -> list[tuple[str, str]]:
    def tensor(name: str, shape: tuple[int, ...], dtype: str) -> str:
        return f"{name} {dtype} {'x'.join(map(str, shape))}"

    return [
        ("plan", str(path.parent / s.plan)),
        ("sidecar", str(path)),
        ("size, SHA-256", f"{s.plan_bytes:,} bytes, {s.plan_sha256}"),
        ("ONNX SHA-256", s.onnx_sha256),
        ("built by", f"{s.flavour} {s.version} for {s.target}, {s.platform}"),
        ("built", f"{s.built}, in {s.build_seconds:g} s"),
        ("inputs", ", ".join(tensor(t.name, t.shape, t.dtype) for t in s.inputs)),
        ("outputs", ", ".join(tensor(t.name, t.shape, t.dtype) for t in s.outputs)),
        ("precision", f"{s.precision}; in fp32: {', '.join(s.fp32_layers) or 'no layer'}"),
        *(
            ("gate", f"{'passed' if gate.passed else 'FAILED'}: {gate.words}")
            for gate in (s.gate, s.gpu_gate)
            if gate is not None
        ),
        *([] if s.gpu_gate else [("", "the engine itself was not run when it was built")]),
    ]


def verify_plans(manifest_path: Path, console: Console) -> int:
    """Hold each plan of a network against its sidecar and this machine; 1 when one is refused."""
    manifest, model = load_manifest(manifest_path)
    paths = sidecars(model, manifest.name)
    if not paths:
        raise PlanError(
            f"{manifest.name} has no TensorRT plan yet; build one: {rebuild(manifest.name)}"
        )
    runner, failed = this_runner(), False
    for path in paths:
        wrong = wrong_with(path, manifest, model, runner)
        failed = failed or bool(wrong)
        for line in wrong or [f"{path.stem}: whole, as its sidecar says"]:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if runner.target is None:
        console.print("no GPU here: compute capability not checked, nothing run", highlight=False)
    return int(failed)
