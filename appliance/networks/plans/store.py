"""Where plans lie, and how a new one takes the place of the old.

A plan's file name holds its own hash, and its sidecar names it. The sidecar is what is replaced,
in one rename: whatever the moment of an interruption, the sidecar there is names a whole plan.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from appliance.errors import BuildError, PlanError
from appliance.networks.folders import data_folder
from appliance.networks.plans.sidecar import Sidecar, read_sidecar, write_sidecar

_DRAFT = ".building-"
_LOCK_S = 30.0


def plan_folders(model: Path, name: str) -> tuple[Path, ...]:
    """Where plans of the network with this ONNX file may lie: beside it, or in the data folder."""
    beside = model.parent / "plans"
    elsewhere = data_folder() / name / "plans"
    return (beside,) if elsewhere == beside else (beside, elsewhere)


def writable_plan_folder(model: Path, name: str) -> Path:
    """The first of ``plan_folders`` that can be written to, made. Raises BuildError."""
    reasons = []
    for folder in plan_folders(model, name):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror}")
            continue
        if os.access(folder, os.W_OK):
            return folder
        reasons.append(f"{folder}: this user may not write there")
    raise BuildError(
        f"no folder for the plan: {'; '.join(reasons)}; run as the user that Mattebox runs as"
    )


def sidecars(model: Path, name: str) -> list[Path]:
    """The sidecars of a network's plans, the newest first."""
    found: dict[Path, float] = {}
    for folder in plan_folders(model, name):
        for path in folder.glob("*.json"):
            try:
                found[path] = path.stat().st_mtime
            except OSError:  # replaced or removed since it was listed
                continue
    return sorted(found, key=lambda path: -found[path])


@contextmanager
def drafts(folder: Path) -> Iterator[Path]:
    """A folder for one build's files, on the same disk; gone afterwards.

    What builds that were killed have left is removed first.
    """
    for left in folder.glob(f"{_DRAFT}*"):
        owner = left.name[len(_DRAFT) :].partition("-")[0]
        if not owner.isdigit() or not Path("/proc", owner).is_dir():
            shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{_DRAFT}{os.getpid()}-", dir=folder))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def commit(draft: Path, sidecar: Sidecar, folder: Path) -> Path:
    """Put a finished plan in its place; returns the sidecar's path.

    The plan first, under a name of its own; then its sidecar, in one rename; only then goes what
    it supersedes, and what no sidecar names any more.
    """
    path = folder / f"{sidecar.key}.json"
    with (folder / ".lock").open("w") as lock:
        _take(lock, folder)
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(folder / sidecar.plan)
        write_sidecar(sidecar, path)
        _remove_superseded(folder, sidecar)
        _remove_unnamed(folder)
    return path


def _take(lock: TextIO, folder: Path) -> None:
    """Only renames happen under it: whoever holds it lets go within moments."""
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BuildError(
                    f"{folder}: another build has held its .lock for {_LOCK_S:g} s; look for it "
                    "(fuser), end it, and build again"
                ) from None
            time.sleep(0.05)


def _remove_superseded(folder: Path, new: Sidecar) -> None:
    """Plans that nothing here can use any more: of another ONNX file, or by another version."""
    for path in folder.glob("*.json"):
        try:
            old = read_sidecar(path)
        except PlanError:
            continue
        same = all(
            getattr(old, key) == getattr(new, key)
            for key in ("flavour", "target", "precision", "platform")
        )
        if old.onnx_sha256 != new.onnx_sha256 or (same and old.version != new.version):
            path.unlink(missing_ok=True)


def _remove_unnamed(folder: Path) -> None:
    named = set()
    for path in folder.glob("*.json"):
        try:
            named.add(read_sidecar(path).plan)
        except PlanError:
            return  # it may name any of them: remove nothing
    for plan in folder.glob("*.plan"):
        if plan.name not in named:
            plan.unlink(missing_ok=True)
