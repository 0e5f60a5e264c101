"""Where plans lie, and what a build shows while it runs."""

from __future__ import annotations

import fcntl
import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from appliance.errors import BuildError
from appliance.networks.folders import data_folder
from appliance.networks.manifest import load_manifest
from appliance.networks.plans import store
from appliance.networks.plans.sidecar import read_sidecar, write_sidecar
from appliance.tools.engine.progress import Bar
from tests.networks.bright import bright_network

pytestmark = pytest.mark.usefixtures("data_here")


def test_a_folder_that_may_not_be_written_is_passed_over(tmp_path: Path) -> None:
    _, model = load_manifest(bright_network(tmp_path / "bright"))
    assert store.writable_plan_folder(model, "bright") == model.parent / "plans"
    (model.parent / "plans").rmdir()
    (model.parent / "plans").write_text("in the way")
    assert store.writable_plan_folder(model, "bright") == data_folder() / "bright" / "plans"
    (data_folder() / "bright" / "plans").rmdir()
    (data_folder() / "bright" / "plans").write_text("in the way")
    with pytest.raises(BuildError, match=r"no folder for the plan: .*run as the user"):
        store.writable_plan_folder(model, "bright")


def test_a_lock_that_is_held_has_a_deadline(
    tmp_path: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = read_sidecar(write_plan(*load_manifest(bright_network(tmp_path))))
    monkeypatch.setattr(store, "_LOCK_S", 0.1)
    draft = tmp_path / "draft.plan"
    draft.write_bytes(b"plan")
    with (tmp_path / "plans" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BuildError, match=r"another build has held its \.lock"):
            store.commit(draft, sidecar, tmp_path / "plans")
    assert draft.exists()


def test_a_plan_is_kept_while_any_sidecar_cannot_be_read(tmp_path: Path, write_plan: Any) -> None:
    path = write_plan(*load_manifest(bright_network(tmp_path)))
    other = path.parent / "other.plan"
    other.write_bytes(b"whose?")
    broken = path.parent / "broken.json"
    broken.write_text("{")
    draft = tmp_path / "draft.plan"
    for left in (True, False):
        draft.write_bytes(b"plan")
        store.commit(draft, read_sidecar(path), path.parent)
        assert other.exists() is left
        broken.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("old", "stays"),
    [
        ({"precision": "fp32"}, True),
        ({"target": "sm72"}, True),
        ({"flavour": "tensorrt_rtx"}, True),
        ({"version": "8.6.0"}, False),
        ({"onnx_sha256": "0" * 64}, False),
        ({"onnx_sha256": "0" * 64, "precision": "fp32"}, False),
    ],
)
def test_what_a_new_plan_supersedes_goes(
    tmp_path: Path, write_plan: Any, old: dict[str, str], stays: bool
) -> None:
    """An upgrade of TensorRT, or of the network, leaves nothing behind to stumble over."""
    path = write_plan(*load_manifest(bright_network(tmp_path)))
    new = read_sidecar(path).model_copy(update={"plan": "new.plan"})
    other = read_sidecar(path).model_copy(update=old)
    path.unlink()
    write_sidecar(other, path.with_name("old.json"))
    draft = tmp_path / "draft.plan"
    draft.write_bytes(b"plan")
    made = store.commit(draft, new, path.parent)
    assert read_sidecar(made) == new
    assert path.with_name("old.json").exists() is stays
    assert path.with_name("some.plan").exists() is stays


@pytest.mark.parametrize("terminal", [True, False])
def test_progress(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with Bar(console, "portrait sm86") as bar:
        bar.tell("ranges of all layers [bold]")
        bar.progress("Building engine", 0, 6)
        bar.progress("Timing tactics", 1, 3)
        bar.progress("Timing tactics", 3, 3)
        bar.progress("Timing tactics", 3, 3)
        bar.progress("Building engine", 6, 6)
    text = out.getvalue()
    assert "portrait sm86: ranges of all layers [bold]" in text
    assert ("portrait sm86: building the engine" in text) is not terminal
