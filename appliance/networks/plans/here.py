"""This machine's part: what would run a plan here, and the plan that it may load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.errors import MissingDependency
from appliance.networks.manifest import Manifest
from appliance.networks.plans import flavour as flavours
from appliance.networks.plans.flavour import Flavour, load_flavour, platform, this_gpu
from appliance.networks.plans.verify import Plan, Runner, find_plan


@dataclass(frozen=True, slots=True)
class Engine:
    """A plan that this machine may load, and the TensorRT to load it with."""

    plan: Plan
    flavour: Flavour


def this_runner() -> Runner:
    """What would run a plan here; None where it is not known (no TensorRT, no GPU)."""
    try:
        flavour = load_flavour()
    except MissingDependency:
        return Runner(platform=platform(), target=this_gpu())
    return Runner(flavour.name, flavour.version, this_gpu(), platform())


def engine_here(manifest: Manifest, model: Path) -> Engine:
    """The network's newest plan that this machine may load; nothing is loaded yet.

    Raises MissingDependency without TensorRT or a GPU, PlanError without a plan that fits.
    """
    target = this_gpu()
    if target is None and flavours.installed():
        # Before TensorRT is imported: it is large, and would be of no use.
        raise MissingDependency("TensorRT is installed, but no NVIDIA GPU answers; see nvidia-smi")
    flavour = load_flavour()
    if target is None:
        raise MissingDependency("no NVIDIA GPU answers; see nvidia-smi")
    runner = Runner(flavour.name, flavour.version, target, platform())
    return Engine(find_plan(manifest, model, runner), flavour)
