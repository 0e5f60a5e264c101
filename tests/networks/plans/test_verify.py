"""Every way in which a plan may not be the one to load, and the sentence that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.errors import PlanError
from appliance.networks.manifest import load_manifest
from appliance.networks.plans.sidecar import read_sidecar, sha256_of
from appliance.networks.plans.verify import Runner, find_plan, mismatches, read_plan
from tests.engines import GATE
from tests.networks.bright import bright_network

pytestmark = pytest.mark.usefixtures("data_here")

JETSON = Runner("tensorrt", "10.3.0", "sm87", "linux-aarch64")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, None),
        ({"model": "dark"}, "the plan is of dark, expected bright"),
        ({"onnx_sha256": "0" * 64}, "built from another ONNX file (000000000000…, the model's is"),
        ({"flavour": "tensorrt_rtx"}, "built for TensorRT tensorrt_rtx, here is tensorrt"),
        ({"version": "10.13.3"}, "built for tensorrt's version 10.13.3, here is 10.3.0"),
        ({"target": "sm72"}, "built for compute capability sm72, here is sm87"),
        ({"platform": "linux-x86_64"}, "built for platform linux-x86_64, here is linux-aarch64"),
        ({"inputs": ()}, "tensor 'image' is absent, the manifest says (1, 3, 36, 64)"),
        ({"outputs": ()}, "has no output 'alpha', which the manifest names"),
        ({"gate": GATE.model_copy(update={"finite": False})}, "did not pass its gates"),
        ({"gate": GATE.model_copy(update={"frames": 0})}, "did not pass its gates"),
        ({"gate": GATE.model_copy(update={"worst_frame": 0.5})}, "did not pass its gates"),
    ],
)
def test_each_mismatch_is_one_sentence_with_the_command_that_mends_it(
    tmp_path: Path, write_plan: Any, change: dict[str, Any], sentence: str | None
) -> None:
    manifest, model = load_manifest(bright_network(tmp_path))
    sidecar = read_sidecar(write_plan(manifest, model, **change))
    found = mismatches(sidecar, manifest, sha256_of(model), JETSON)
    if sentence is None:
        assert found == []
        assert find_plan(manifest, model, JETSON).data == b"plan"
        return
    assert len(found) == 1
    assert sentence in found[0]
    assert found[0].endswith("build it anew: mattebox engine build bright")
    with pytest.raises(PlanError) as caught:
        find_plan(manifest, model, JETSON)
    assert sentence in str(caught.value)


def test_the_command_builds_for_the_plans_own_gpu_where_that_can_be(
    tmp_path: Path, write_plan: Any
) -> None:
    """Without a GPU, a bare build would only ask which one is meant."""
    manifest, model = load_manifest(bright_network(tmp_path))
    stale = {"onnx_sha256": "0" * 64, "precision": "fp32", "target": "sm86"}
    plain = "mattebox engine build bright --precision fp32"
    for flavour, runner, command in (
        ("tensorrt_rtx", Runner(), f"{plain} --flavour tensorrt_rtx --for sm86"),
        ("tensorrt_rtx", Runner(target="sm89"), plain),
        ("tensorrt", Runner(), plain),
    ):
        sidecar = read_sidecar(write_plan(manifest, model, flavour=flavour, **stale))
        found = mismatches(sidecar, manifest, sha256_of(model), runner)
        assert found[0].endswith(f"; build it anew: {command}")


def test_what_is_not_known_is_not_held_against_it(tmp_path: Path, write_plan: Any) -> None:
    manifest, model = load_manifest(bright_network(tmp_path))
    sidecar = read_sidecar(write_plan(manifest, model))
    assert mismatches(sidecar, manifest, sha256_of(model), Runner()) == []


def test_state_shapes_count_too(tmp_path: Path, write_plan: Any) -> None:
    manifest, model = load_manifest(bright_network(tmp_path, recurrent=True))
    sidecar = read_sidecar(write_plan(manifest, model))
    assert mismatches(sidecar, manifest, sha256_of(model), JETSON) == []
    few = sidecar.model_copy(update={"inputs": sidecar.inputs[:1]})
    [found] = mismatches(few, manifest, sha256_of(model), JETSON)
    assert "'before' is absent" in found


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            lambda plan, sidecar: plan.write_bytes(b"evil"),
            "executable code, so this one is refused",
        ),
        (lambda plan, sidecar: plan.write_bytes(b""), "executable code, so this one is refused"),
        (lambda plan, sidecar: plan.unlink(), "is not there, which some.json names; build"),
        (lambda plan, sidecar: sidecar.write_text("{"), "not a sidecar that this version wrote"),
        (lambda plan, sidecar: sidecar.write_text("{}"), "not a sidecar that this version wrote"),
        (
            lambda plan, sidecar: sidecar.write_text(
                sidecar.read_text().replace('"some.plan"', '"../some.plan"')
            ),
            "plan: String should match pattern",
        ),
    ],
)
def test_a_plan_that_is_not_its_sidecars_is_refused(
    tmp_path: Path, write_plan: Any, damage: Any, sentence: str
) -> None:
    manifest, model = load_manifest(bright_network(tmp_path))
    path = write_plan(manifest, model)
    damage(path.parent / "some.plan", path)
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert sentence in str(caught.value)
    assert "mattebox engine build" in str(caught.value)
    with pytest.raises(PlanError):
        find_plan(manifest, model, JETSON)


def test_none_yet(tmp_path: Path) -> None:
    manifest, model = load_manifest(bright_network(tmp_path))
    with pytest.raises(PlanError, match="no TensorRT plan yet; build one: mattebox engine build"):
        find_plan(manifest, model, JETSON)
