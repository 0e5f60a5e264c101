"""Every module of the appliance can be imported, and none brings in what it must not."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import appliance

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(appliance.__path__, prefix="appliance.")
)
FORBIDDEN = {"torch", "torchvision", "export", "skimage", "matplotlib", "scipy"}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name):
    importlib.import_module(name)


@pytest.mark.parametrize(
    "path",
    sorted(Path(appliance.__path__[0]).rglob("*.py")),
    ids=lambda path: str(path.relative_to(appliance.__path__[0])),
)
def test_no_module_imports_what_does_not_belong_on_the_appliance(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & FORBIDDEN


def test_the_rooms_are_in_order(root):
    """The contracts of pyproject.toml: downwards only, no circle (``make lint`` says the same)."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout
