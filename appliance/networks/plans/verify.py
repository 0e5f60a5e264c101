"""Whether a plan may be loaded. It is executable code: nothing is taken on trust.

What is checked is what is loaded: the bytes are read once, hashed, and handed on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from appliance.errors import PlanError
from appliance.networks.manifest import Manifest
from appliance.networks.plans.sidecar import Sidecar, read_sidecar, sha256_of
from appliance.networks.plans.store import sidecars


@dataclass(frozen=True, slots=True)
class Runner:
    """What a plan would be run by: TensorRT's flavour and version, GPU ("sm86"), platform.

    None means that it is not known here, and is not checked.
    """

    flavour: str | None = None
    version: str | None = None
    target: str | None = None
    platform: str | None = None

    @property
    def needs_engine(self) -> bool:
        """Whether there is a GPU and a TensorRT, which are of no use without a plan."""
        return self.target is not None and self.flavour is not None

    def __str__(self) -> str:
        parts = (self.target, " ".join(filter(None, (self.flavour, self.version))), self.platform)
        return ", ".join(filter(None, parts)) or "not known"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan whose bytes are the ones that its sidecar tells of."""

    sidecar: Sidecar
    path: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a plan is to this machine, with a sentence for each reason.

    ``usable``: it may be loaded here (so far as that is known). ``elsewhere``: whole, and made for
    another machine, which is no fault of this one. ``refused``: nobody should load it, or it was
    for this machine and has been overtaken.
    """

    kind: Literal["usable", "elsewhere", "refused"]
    lines: tuple[str, ...]


def rebuild(model: str, sidecar: Sidecar | None = None, *, anywhere: bool = False) -> str:
    """The command that makes a plan anew for this machine's GPU.

    ``anywhere``: for the plan's own, where its TensorRT can do that.
    """
    words = ["mattebox engine build", model]
    if sidecar and sidecar.precision != "fp16":
        words.append(f"--precision {sidecar.precision}")
    if sidecar and anywhere and sidecar.flavour == "tensorrt_rtx":
        words.append(f"--flavour tensorrt_rtx --for {sidecar.target}")
    return " ".join(words)


def mismatches(sidecar: Sidecar, manifest: Manifest, onnx_sha256: str, runner: Runner) -> list[str]:
    """All that keeps a plan from being used, a clear sentence each; empty when nothing does.

    The plan's own bytes are ``read_plan``'s to check.
    """
    found = []
    if sidecar.model != manifest.name:
        found.append(f"the plan is of {sidecar.model}, expected {manifest.name}")
    if sidecar.onnx_sha256 != onnx_sha256:
        found.append(
            f"the plan was built from another ONNX file ({sidecar.onnx_sha256[:12]}…, the model's "
            f"is {onnx_sha256[:12]}…)"
        )
    for what, have, want in (
        ("TensorRT", sidecar.flavour, runner.flavour),
        (f"{sidecar.flavour}'s version", sidecar.version, runner.version),
        ("compute capability", sidecar.target, runner.target),
        ("platform", sidecar.platform, runner.platform),
    ):
        if want is not None and have != want:
            found.append(f"the plan was built for {what} {have}, here is {want}")
            if what == "TensorRT":
                break  # versions of different libraries do not compare
    have_shapes = {t.name: t.shape for t in (*sidecar.inputs, *sidecar.outputs)}
    wanted: dict[str, tuple[int, ...]] = {manifest.input.name: manifest.input.shape}
    wanted |= {s.input: s.shape for s in manifest.state}
    wanted |= {s.output: s.shape for s in manifest.state}
    for name, shape in wanted.items():
        if have_shapes.get(name) != shape:
            found.append(
                f"the plan's tensor {name!r} is {have_shapes.get(name, 'absent')}, "
                f"the manifest says {shape}"
            )
    if manifest.output.name not in have_shapes:
        found.append(f"the plan has no output {manifest.output.name!r}, which the manifest names")
    if sidecar.failed_gate is not None:
        found.append(f"the plan did not pass its gates ({sidecar.failed_gate.words})")
    if not found:
        return []
    command = rebuild(manifest.name, sidecar, anywhere=runner.target is None)
    return [f"{sidecar.key}: {sentence}; build it anew: {command}" for sentence in found]


def read_plan(path: Path) -> Plan:
    """The plan that the sidecar at ``path`` names, its bytes held against their hash.

    Raises PlanError when the sidecar or the plan is missing, or the plan is not the sidecar's.
    """
    for again in (True, False):
        sidecar = read_sidecar(path)
        file = path.parent / sidecar.plan
        try:
            data = file.read_bytes()
            break
        except FileNotFoundError:
            # A build may just have put a new pair in its place.
            if not again:
                raise PlanError(
                    f"{file} is not there, which {path.name} names; build it anew: "
                    f"{rebuild(sidecar.model, sidecar)}"
                ) from None
        except OSError as error:
            raise PlanError(f"{file}: cannot be read: {error.strerror or error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != sidecar.plan_sha256:
        raise PlanError(
            f"{file}: SHA-256 is {digest[:12]}…, its sidecar says {sidecar.plan_sha256[:12]}…; a "
            "plan is executable code, so this one is refused; build it anew: "
            f"{rebuild(sidecar.model, sidecar)}"
        )
    return Plan(sidecar, file, data)


def elsewhere(sidecar: Sidecar, runner: Runner) -> str | None:
    """What the plan is for, when that is another machine or another TensorRT; else None."""
    own = Runner(sidecar.flavour, None, sidecar.target, sidecar.platform)
    for have, want in (
        (own.platform, runner.platform),
        (own.target, runner.target),
        (own.flavour, runner.flavour),
    ):
        if want is not None and have != want:
            return str(own)
    return None


def judge(path: Path, manifest: Manifest, onnx_sha256: str, runner: Runner) -> Verdict:
    """What the plan of the sidecar at ``path`` is to ``runner``, its bytes read and hashed."""
    try:
        sidecar = read_sidecar(path)
        wrong = mismatches(sidecar, manifest, onnx_sha256, Runner())
        read_plan(path)
    except PlanError as error:
        return Verdict("refused", (str(error),))
    if wrong:
        return Verdict("refused", tuple(wrong))
    other = elsewhere(sidecar, runner)
    if other is not None:
        return Verdict("elsewhere", (f"{sidecar.key}: whole; for another machine ({other})",))
    wrong = mismatches(sidecar, manifest, onnx_sha256, runner)
    if wrong:
        return Verdict("refused", tuple(wrong))
    return Verdict("usable", (f"{sidecar.key}: whole, as its sidecar says",))


def find_plan(manifest: Manifest, model: Path, runner: Runner) -> Plan:
    """The newest plan of a network that ``runner`` may load.

    Raises PlanError that says what is wrong with each plan there is, and what to do.
    """
    reasons = []
    digest = sha256_of(model)
    for path in sidecars(model, manifest.name):
        try:
            wrong = mismatches(read_sidecar(path), manifest, digest, runner)
            if not wrong:
                return read_plan(path)
            reasons += wrong[:1]
        except PlanError as error:
            reasons.append(str(error))
    if not reasons:
        raise PlanError(
            f"{manifest.name} has no TensorRT plan yet; build one: {rebuild(manifest.name)}"
        )
    raise PlanError("; ".join(reasons))
