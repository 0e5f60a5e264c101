"""``mattebox engine list|show|verify``: which plans there are, and whether they may be used."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from appliance.errors import PlanError
from appliance.networks.manifest import load_manifest
from appliance.networks.plans.here import this_runner
from appliance.networks.plans.sidecar import Sidecar, read_sidecar, sha256_of
from appliance.networks.plans.store import sidecars
from appliance.networks.plans.verify import Runner, judge, rebuild


def list_plans(manifests: list[Path], console: Console) -> int:
    """Print one line for each plan of these networks."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("network", "for", "precision", "by", "size", "built", "usable here"):
        table.add_column(column, overflow="fold")
    runner, rows = this_runner(), 0
    for manifest_path in manifests:
        manifest, model = load_manifest(manifest_path, task=None)
        digest = sha256_of(model)
        for path in sidecars(model, manifest.name):
            rows += 1
            kind = judge(path, manifest, digest, runner).kind
            verdict = {
                "usable": "yes" if runner.needs_engine else f"whole; no {_missing(runner)} here",
                "elsewhere": "no: for another machine",
                "refused": f"no: see mattebox engine verify {manifest.name}",
            }[kind]
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
    """Print all that the sidecars of one network's plans say."""
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
    """Check each plan of a network against its sidecar and this machine; returns the exit code.

    With a GPU and TensorRT, 0 means that one of the plans may be loaded, 1 that none may: plans for
    other machines count neither way. Where no plan could run, 0 means that those present, if any,
    are intact.
    """
    manifest, model = load_manifest(manifest_path)
    runner, digest = this_runner(), sha256_of(model)
    verdicts = [judge(p, manifest, digest, runner) for p in sidecars(model, manifest.name)]

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    for line in (line for verdict in verdicts for line in verdict.lines):
        say(line)
    kinds = {verdict.kind for verdict in verdicts}
    if runner.needs_engine:
        if "usable" in kinds:
            return 0
        say(
            f"{manifest.name} has no TensorRT plan for this machine ({runner}); build one: "
            f"{rebuild(manifest.name)}"
        )
        return 1
    have = "" if verdicts else f"{manifest.name} has no TensorRT plan, and needs none: "
    say(f"{have}no {_missing(runner)} here, so that nothing could be run")
    return int("refused" in kinds)


def _missing(runner: Runner) -> str:
    return "GPU" if runner.target is None else "TensorRT"
