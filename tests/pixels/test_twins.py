"""CPU and GPU operations are twins by location: same file name, same public names.

``ALONE`` and ``DIFFERENT`` list all exceptions, each with its reason; one that no longer applies
fails as well.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from appliance.pixels import cpu, gpu

SIDES = {"cpu": cpu, "gpu": gpu}

# Files that only one side has.
ALONE = {
    ("cpu", "bake"): "tables, made once for both sides",
    ("cpu", "cover"): "a part of the GPU's keep_components",
    ("cpu", "dissolve"): "of finished composites, which are the host's in either pipeline",
    ("cpu", "feather"): "the GPU's composite and paste compute the weights in their own kernels",
    ("cpu", "flow"): "the flow runs on the CPU alone: the GPU runs the network on each frame",
    ("cpu", "given"): "made small on the host, and uploaded with the matte",
    ("cpu", "halfway"): "a motion, which is estimated on the CPU in either path",
    ("cpu", "huffman"): "looks at a picture before it is decoded, and changes none",
    ("cpu", "key"): "the keyer runs on the CPU alone",
    ("cpu", "jit"): "numba's; the GPU's kernels are CUDA C++",
    ("cpu", "lanes"): "instructions that numba has no word for",
    ("cpu", "light_rows"): "parts of light.cuh",
    ("cpu", "lit"): "saves the CPU the layer's memory; the GPU's costs little",
    ("cpu", "mesh_warp"): "where a source draws its own pictures, before a frame is one of ours",
    ("cpu", "over_black"): "where a source gives alpha, before a frame is one of ours",
    ("cpu", "picture"): "for PNGs; no part of the frame's path",
    ("cpu", "rgba"): "for a window of jetson-utils, which is fed with the CPU's frames",
    ("cpu", "resize"): "a part of crop.cuh",
    ("cpu", "rows"): "parts of common.cuh and composite.cuh",
    ("cpu", "things"): "classes of things are looked for on the CPU in either pipeline",
    ("cpu", "spans"): "the GPU computes each pixel: there a copy is no cheaper",
    ("cpu", "table"): "where a source gives 10 bits, before a frame is one of ours",
    ("cpu", "warp_rows"): "parts of affine.cuh",
    ("cpu", "wall"): "learnt on the host, from a few thousand samples",
    ("cpu", "widen"): "parts of common.cuh",
    ("cpu", "windows"): "the GPU sums where it is: a launch, not bandwidth, is what costs there",
    ("cpu", "wide_colour"): "formulas, and the table that is made of them once",
    ("gpu", "planes"): "device memory: on the CPU these are arrays",
    ("gpu", "scratch"): "device memory, taken once: the CPU's functions make their own arrays",
}

# Public names that only one side's file defines.
DIFFERENT = {
    ("cpu", "composite", "lay_background"): "the GPU's kernels write it in their one pass",
    ("cpu", "components", "Kept"): "the GPU's are Scratch.mask and the VERDICT",
    ("cpu", "taking_part", "Component"): "on the device a FOUND of the VERDICT",
    ("cpu", "taking_part", "at_once"): "a part of taking_part.cuh",
    ("cpu", "taking_part", "half_within"): "a part of taking_part.cuh",
    ("cpu", "taking_part", "part_of"): "a part of taking_part.cuh",
    ("cpu", "taking_part", "reach_of"): "a part of taking_part.cuh",
    ("cpu", "taking_part", "taking_part"): "a part of the kernel components_choose",
    ("cpu", "taking_part", "who"): "a part of taking_part.cuh",
    ("gpu", "taking_part", "KnownPeople"): "device memory: the CPU is given them as they are",
    ("gpu", "affine", "DeviceViewport"): "device memory: the CPU is given the view as it is",
    ("cpu", "between", "Weighed"): "the GPU's kernel weighs as it reads",
    ("cpu", "between", "empty_weighed"): "the GPU's kernel weighs as it reads",
    ("cpu", "between", "clear_weighed"): "the GPU's kernel weighs as it reads",
    ("cpu", "between", "weigh"): "the GPU's kernel weighs as it reads",
    ("gpu", "between", "Between"): "what the kernel takes, by name",
    ("gpu", "between", "DeviceFlow"): "device memory: the CPU is given the motion as it is",
    ("cpu", "key_fill", "draw_plain"): "the GPU's kernels write it in their one pass",
    ("cpu", "layer", "Separator"): "keeps arrays as wide as the ROI",
    ("cpu", "layer", "empty_layer"): "device memory: the step takes it",
    ("gpu", "layer", "separate"): "Separator's call: it has nothing to keep",
    ("cpu", "light", "Relight"): "keeps arrays as wide as the picture",
    ("gpu", "light", "relight"): "Relight's call: it has nothing to keep",
    ("cpu", "light", "soft"): "Soft's call: on the device it keeps memory",
    ("gpu", "light", "Soft"): "keeps weights and sums in device memory",
    ("cpu", "light", "wrap_share"): "a part of the kernel relight",
    ("gpu", "light", "enlarge"): "OpenCV's resize, where the CPU wants it",
    ("cpu", "shadow", "contact_shadow"): "ContactShadow's call: on the device it keeps memory",
    ("gpu", "shadow", "ContactShadow"): "keeps planes and weights in device memory",
    ("gpu", "overlay", "DeviceCaption"): "device memory: the CPU is given the overlay as it is",
    ("cpu", "overlay", "overlay_of"): "made on the host once a cue, and uploaded",
    ("gpu", "look", "upload_look"): "device memory: the CPU's tables are arrays",
    ("cpu", "matte", "Cells"): "the GPU blends every pixel of a given matte",
    ("cpu", "matte", "Stretch"): "the GPU's kernels stretch the coefficients in their one pass",
    ("cpu", "matte", "reached"): "the GPU's kernels look at the cells under their pixels",
    ("cpu", "plate", "light_at"): "a part of plate.cuh",
    ("cpu", "plate", "plate_noise"): "a part of the GPU's expected_planes",
    ("gpu", "plate", "DeviceLight"): "device memory: the CPU is given the light as it is",
    ("gpu", "plate", "taken_cells"): "OpenCV's dilate, where the CPU wants it",
    ("cpu", "plate_detail", "sharpen"): "the detail of the edge is the CPU's alone",
    ("cpu", "plate_light", "fit_light"): "on the GPU compare, then settle on the host",
    ("gpu", "plate_light", "compare"): "the first half of fit_light",
    ("gpu", "plate_light", "sums_of"): "what compare gives, as settle takes it",
    ("cpu", "plate_matte", "apart"): "a part of plate.cuh",
    ("cpu", "plate_matte", "fused"): "a part of plate.cuh",
    ("cpu", "plate_matte", "ramp"): "a part of plate.cuh",
    ("cpu", "mattes", "hand_mattes"): "drawn on the host once, and uploaded",
    ("gpu", "matte", "matte_arguments"): "what kernels take: the CPU's take the arrays",
    ("cpu", "composite", "Compositor"): "keeps arrays as wide as the ROI",
    ("gpu", "composite", "composite"): "Compositor's call: it has nothing to keep",
    ("cpu", "convert", "crop_bgrx"): "the GPU's crop_planes takes every kind of surface",
    ("cpu", "convert", "crop_yuyv"): "the GPU's crop_planes takes every kind of surface",
    ("gpu", "convert", "Matrices"): "device memory: the CPU's conversions make their matrix",
    ("gpu", "crop", "fill_black"): "on the CPU one assignment, in stages/network",
    ("cpu", "crop", "shrunk"): "for a keyed matte, which the CPU alone makes",
    ("cpu", "crop", "planes_to_tensor"): "the GPU's crop_planes writes the tensor in its pass",
    ("cpu", "crop", "yuv_to_rgb"): "Scratch keeps that matrix on the device",
    ("cpu", "steady", "loosen"): "a part of the GPU's steady",
    ("cpu", "steady", "motion"): "a part of the GPU's steady",
}


def files(side: str) -> set[str]:
    folder = Path(str(SIDES[side].__file__)).parent
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def module(side: str, name: str) -> ModuleType:
    return importlib.import_module(f"appliance.pixels.{side}.{name}")


def defined(module: ModuleType) -> set[str]:
    """The public functions and classes defined in a file itself."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", None) == module.__name__
    }


def lacking(side: str, name: str) -> set[str]:
    """What a file of ``side`` defines and its twin neither defines nor imports from it."""
    here, there = module(side, name), module("gpu" if side == "cpu" else "cpu", name)
    return {
        each
        for each in defined(here) - defined(there)
        if vars(there).get(each) is not vars(here)[each]
    }


def test_every_file_has_its_twin() -> None:
    here, there = files("cpu"), files("gpu")
    alone = {("cpu", name) for name in here - there} | {("gpu", name) for name in there - here}
    assert alone == ALONE.keys()


@pytest.mark.parametrize("name", sorted(files("cpu") & files("gpu")))
def test_twins_have_the_same_public_names(name: str) -> None:
    found = {(side, name, each) for side in SIDES for each in lacking(side, name)}
    assert found == {exception for exception in DIFFERENT if exception[1] == name}


def test_exceptions_are_of_files_that_are_there() -> None:
    assert {name for _, name, _ in DIFFERENT} <= files("cpu") & files("gpu")


def test_there_is_something_to_compare() -> None:
    """Check the comparison itself: it must see the names in question."""
    assert defined(module("gpu", "components")) == {"clean", "keep_components"}
    assert {"Matte", "Stretch"} <= defined(module("cpu", "matte"))
    assert "default_ramp" not in lacking("cpu", "paste"), "the GPU's takes it from the CPU's"


@pytest.mark.parametrize("side", SIDES)
def test_the_facade_offers_the_twins(side: str) -> None:
    """Whatever both define is exported by both ``pixels.cpu`` and ``pixels.gpu``."""
    for name in files("cpu") & files("gpu"):
        both = defined(module("cpu", name)) & defined(module("gpu", name))
        assert both <= set(SIDES[side].__all__), name
