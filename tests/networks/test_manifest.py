"""Manifests, which come with networks from anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from appliance.config.plain import read_plain
from appliance.errors import ModelError
from appliance.networks.manifest import load_manifest
from tests.memory import peak_mb
from tests.networks.bright import bright_network


def bomb() -> str:
    """460 bytes that a YAML library takes for 722 MB of text."""
    lines = ["x0: &x0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    lines += [f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 10)}]" for i in range(1, 9)]
    return "\n".join([*lines, "name: *x7", ""])


def message(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_manifest(path)
    return str(caught.value)


def test_a_bomb_of_aliases_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(bomb())
    said, grew = peak_mb(lambda: message(path))
    assert "manifest.yaml:1:5: x0: found the anchor &x0; anchors are not used here" in said
    assert len(said) < 20_000
    assert grew < 50


@pytest.mark.parametrize(
    "text",
    [
        "name: " + "a" * 900_000,
        "name: x\n" + "a" * 900_000 + ": 1\n",
        "name: [" + "x, " * 9_000 + "]",
        "\n".join(f"k{i}: 1" for i in range(9_000)),
        "name: x\nfigures: {" + ", ".join(f"a{i}: &a{i} 1" for i in range(3_000)) + "}",
        "name: '" + "rtsp://a:" * 100_000 + "'",
        "name: !!python/object/apply:os.system ['true']",
        "input: {name: x, width: " + "9" * 900_000 + "}",
        "[" * 100_000,
        "name: x\0y",
    ],
)
def test_no_message_repeats_what_the_file_holds(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    said = message(path)
    assert "manifest.yaml" in said
    assert len(said) < 20_000


def test_what_is_no_small_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    os.mkfifo(path)
    assert "is a FIFO; expected a YAML file" in message(path)
    path.unlink()
    path.write_text("#" * 1_000_001)
    assert "is larger than 1 MB" in message(path)
    path.unlink()
    assert "cannot be read (No such file or directory); give the manifest.yaml" in message(path)


@pytest.mark.parametrize("shape", [[1, 0, 4, 4], [1, 100_000, 100_000, 100_000]])
def test_a_state_that_no_memory_holds(tmp_path: Path, shape: list[int]) -> None:
    state = [{"input": "before", "output": "after", "shape": shape}]
    said = message(bright_network(tmp_path, recurrent=True, manifest={"state": state}))
    assert "state.0.shape" in said


def test_it_is_read_as_yaml_means_it(root: Path) -> None:
    for path in sorted(root.glob("engines/*/manifest.yaml")):
        assert read_plain(path, "") == yaml.safe_load(path.read_text("utf-8"))


def test_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("{a: 1, b: 1.5, c: yes, d: ~, e: '1', f: [x, 0x10], g: 2026-11-28, h: {}}")
    assert read_plain(path, "") == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "1", "f": ["x", 16], "g": "2026-11-28", "h": {}
    }  # fmt: skip


def test_a_manifest_is_read_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bright_network(tmp_path / "bright")
    read: list[Path] = []

    def noted(path: Path, cure: str) -> object:
        read.append(path)
        return read_plain(path, cure)

    monkeypatch.setattr("appliance.networks.manifest.read_plain", noted)
    for _ in range(3):
        load_manifest(path)
    assert len(read) == 1
    path.write_text(path.read_text().replace("name: ", "name: other-"))
    assert load_manifest(path)[0].name.startswith("other-")
    assert len(read) == 2
