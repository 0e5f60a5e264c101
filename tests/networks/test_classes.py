"""Networks of classes: every form of output, and what does not fit its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.errors import ModelError
from appliance.networks.classes import ClassNetwork
from appliance.networks.manifest import load_manifest
from tests.networks.bright import bright_network
from tests.networks.coloured import CLASSES, coloured_network

CHAIR, CAT = CLASSES.index("chair"), CLASSES.index("cat")
FORMS: list[dict[str, Any]] = [
    {}, {"layout": "NHWC"}, {"coarse": 4}, {"activation": "none"},
    {"activation": "none", "layout": "NHWC"}, {"activation": "argmax"},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_each_form_of_output(tmp_path: Path, form: dict[str, Any]) -> None:
    network = ClassNetwork(*load_manifest(coloured_network(tmp_path, **form), task="classes"), 1)
    network.input[:] = 0.4
    network.input[:, :, :32] = np.float32([0.1, 0.1, 0.9])[:, None, None]
    network.input[:, :12, 48:] = np.float32([0.9, 0.1, 0.1])[:, None, None]
    network.infer()
    size = 4 if form.get("coarse") else 1
    rows, columns = 36 // size, 64 // size
    chair = np.full((rows, columns), -1.0)
    chair[:, : columns // 2] = 1
    cat = np.full((rows, columns), -1.0)
    cat[: rows // 3, columns * 3 // 4 :] = 1
    assert np.abs(network.lead([CHAIR]) - chair).max() < 0.1
    assert np.abs(network.lead([CAT]) - cat).max() < 0.1
    assert np.abs(network.lead([CHAIR, CAT]) - np.maximum(chair, cat)).max() < 0.1


def test_a_class_that_counts_neither_way(tmp_path: Path) -> None:
    network = ClassNetwork(*load_manifest(coloured_network(tmp_path), task="classes"), 1)
    network.input[:] = np.float32([0.9, 0.1, 0.85])[:, None, None]
    network.infer()
    assert network.lead([CHAIR]).max() < 0, "the cat leads"
    assert network.lead([CHAIR], [CAT]).min() > 0


@pytest.mark.parametrize(
    ("form", "manifest", "message"),
    [
        ({}, {"classes": CLASSES[:3]}, r"4 channel\(s\) .*expected 3, as its manifest names 3"),
        ({"activation": "argmax"}, {"output": {"name": "numbers", "activation": "none"}},
         r"tensor\(int64\) of shape \[1, 36, 64\], expected float, 4 dimensions"),
        ({}, {"output": {"name": "scores", "activation": "argmax"}}, "expected whole numbers"),
        ({}, {"output": {"name": "others"}}, "no output 'others'"),
        ({}, {"input": {"name": "image", "width": 32, "height": 36}}, "its manifest says"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(
    tmp_path: Path, form: dict[str, Any], manifest: dict[str, Any], message: str
) -> None:
    path = coloured_network(tmp_path, manifest=manifest, **form)
    with pytest.raises(ModelError, match=message):
        ClassNetwork(*load_manifest(path, task="classes"))


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"classes": []}, "classes: expected two or more"),
        ({"classes": ["chair", "chair"]}, "classes: expected two or more, each once"),
        ({"classes": ["a,b", "chair"]}, r"classes\.0: String should match pattern"),
        ({"classes": [f"c{n}" for n in range(1001)]}, "at most 1000 items"),
        ({"task": "alpha"}, "classes: expected none, as task is alpha"),
        ({"output": {"name": "scores", "activation": "sigmoid"}}, "expected softmax, none or"),
        ({"state": [{"input": "a", "output": "b", "shape": [1]}]}, "state: expected none"),
    ],
)
def test_manifests_that_contradict_themselves(
    tmp_path: Path, manifest: dict[str, Any], message: str
) -> None:
    path = coloured_network(tmp_path, manifest=manifest)
    with pytest.raises(ModelError, match=message) as caught:
        load_manifest(path, task=None)
    assert "found {" not in str(caught.value), "not the whole manifest"


def test_a_network_of_another_task_is_refused(tmp_path: Path) -> None:
    classes, alpha = coloured_network(tmp_path / "c"), bright_network(tmp_path / "a")
    with pytest.raises(ModelError) as caught:
        load_manifest(classes)
    assert str(caught.value) == (
        f"{classes}: task: found classes (it gives a class for each pixel), expected alpha (a "
        "person's matte); name another network here: this one is for stages.select.model"
    )
    with pytest.raises(ModelError, match=r"found alpha .*this one is for matting\.model"):
        load_manifest(alpha, task="classes")
    assert load_manifest(classes, task=None)[0].task == "classes"
