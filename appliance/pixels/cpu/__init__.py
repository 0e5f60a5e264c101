"""Every per-pixel operation on the CPU: the oracles of those in ``gpu``, under the same names."""

from appliance.pixels.cpu.blur import Blur
from appliance.pixels.cpu.components import Kept, clean, keep_components
from appliance.pixels.cpu.composite import Compositor
from appliance.pixels.cpu.convert import (
    bgr_to_yuv,
    bgrx_to_nv12,
    crop_bgrx,
    crop_yuyv,
    nv12_to_bgrx,
    yuv_to_bgr,
    yuyv_to_nv12,
)
from appliance.pixels.cpu.crop import crop_planes, planes_to_tensor, yuv_to_rgb
from appliance.pixels.cpu.edge import EdgePlan, edge_guide, edge_plan, shape_edge
from appliance.pixels.cpu.feather import feather
from appliance.pixels.cpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.cpu.huffman import first_fault
from appliance.pixels.cpu.layer import PersonLayer, Separator, blend_layer, empty_layer
from appliance.pixels.cpu.matte import Matte
from appliance.pixels.cpu.over_black import over_black
from appliance.pixels.cpu.overlay import Overlay, blend_overlay
from appliance.pixels.cpu.paste import default_ramp, paste, paste_nv12
from appliance.pixels.cpu.steady import loosen, motion, resample, steady
from appliance.pixels.cpu.table import look_up
from appliance.pixels.cpu.taking_part import Component, Known, taking_part
from appliance.pixels.cpu.tiles import join_tiles

__all__ = [
    "Blur",
    "Component",
    "Compositor",
    "EdgePlan",
    "Kept",
    "Known",
    "Matte",
    "Overlay",
    "PersonLayer",
    "Separator",
    "bgr_to_yuv",
    "bgrx_to_nv12",
    "blend_layer",
    "blend_overlay",
    "clean",
    "crop_bgrx",
    "crop_planes",
    "crop_yuyv",
    "default_ramp",
    "edge_guide",
    "edge_plan",
    "empty_layer",
    "feather",
    "first_fault",
    "foreground_shift",
    "guided_coefficients",
    "join_tiles",
    "keep_components",
    "look_up",
    "loosen",
    "motion",
    "nv12_to_bgrx",
    "over_black",
    "paste",
    "paste_nv12",
    "planes_to_tensor",
    "resample",
    "shape_edge",
    "steady",
    "taking_part",
    "yuv_to_bgr",
    "yuv_to_rgb",
    "yuyv_to_nv12",
]
