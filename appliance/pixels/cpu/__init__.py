"""Every per-pixel operation on the CPU: the oracles of those in ``gpu``, under the same names."""

from appliance.pixels.cpu.affine import Viewport, warp_layer
from appliance.pixels.cpu.bake import ColourCube, bake_affine, bake_look
from appliance.pixels.cpu.between import (
    Weighed,
    blend_between,
    clear_weighed,
    empty_weighed,
    layer_between,
    weigh,
)
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
from appliance.pixels.cpu.crop import crop_planes, planes_to_tensor, shrunk, yuv_to_rgb
from appliance.pixels.cpu.dissolve import dissolve
from appliance.pixels.cpu.edge import EdgePlan, edge_guide, edge_plan, shape_edge
from appliance.pixels.cpu.feather import feather
from appliance.pixels.cpu.given import GivenMatte, given_grid
from appliance.pixels.cpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.cpu.halfway import halfway
from appliance.pixels.cpu.huffman import first_fault
from appliance.pixels.cpu.join import join_things
from appliance.pixels.cpu.key import (
    Key,
    despill,
    fuse_key,
    key_guide,
    key_matte,
    key_planes,
    shade_behind,
    solid,
)
from appliance.pixels.cpu.key_fill import draw_fill, draw_key, draw_over_plain, draw_plain
from appliance.pixels.cpu.layer import PersonLayer, Separator, blend_layer, empty_layer
from appliance.pixels.cpu.light import (
    Relight,
    Wrap,
    light_grid,
    shrink,
    small_picture,
    soft,
    wrap_share,
)
from appliance.pixels.cpu.lit import Light, LitCompositor, grid_alpha
from appliance.pixels.cpu.look import LookTable, apply_look
from appliance.pixels.cpu.matte import Matte
from appliance.pixels.cpu.mattes import HandMattes, apply_mattes, hand_mattes
from appliance.pixels.cpu.over_black import over_black
from appliance.pixels.cpu.overlay import Overlay, blend_overlay, overlay_of
from appliance.pixels.cpu.paste import default_ramp, paste, paste_nv12
from appliance.pixels.cpu.plate import (
    Plate,
    empty_plate,
    free_cells,
    learn,
    plate_noise,
)
from appliance.pixels.cpu.plate_detail import sharpen, true_colour
from appliance.pixels.cpu.plate_light import Fit, RoomLight, expected_planes, fit_light
from appliance.pixels.cpu.plate_matte import person_colours, weigh_in
from appliance.pixels.cpu.projection import column_sums
from appliance.pixels.cpu.shadow import contact_shadow, darken, feet
from appliance.pixels.cpu.steady import loosen, motion, resample, steady
from appliance.pixels.cpu.table import look_up
from appliance.pixels.cpu.taking_part import Component, Known, taking_part
from appliance.pixels.cpu.things import (
    Shares,
    box_of,
    carry_share,
    carry_shares,
    follow_edges,
    halved,
    mixed,
    small_planes,
    spread_lead,
    without_people,
)
from appliance.pixels.cpu.tiles import join_tiles
from appliance.pixels.cpu.wall import NoWall, Wall, WallLearner, outline, shade, stretched
from appliance.pixels.cpu.windows import survey

__all__ = [
    "Blur",
    "ColourCube",
    "Component",
    "Compositor",
    "EdgePlan",
    "Fit",
    "GivenMatte",
    "HandMattes",
    "Kept",
    "Key",
    "Known",
    "Light",
    "LitCompositor",
    "LookTable",
    "Matte",
    "NoWall",
    "Overlay",
    "PersonLayer",
    "Plate",
    "Relight",
    "RoomLight",
    "Separator",
    "Shares",
    "Viewport",
    "Wall",
    "WallLearner",
    "Weighed",
    "Wrap",
    "apply_look",
    "apply_mattes",
    "bake_affine",
    "bake_look",
    "bgr_to_yuv",
    "bgrx_to_nv12",
    "blend_between",
    "blend_layer",
    "blend_overlay",
    "box_of",
    "carry_share",
    "carry_shares",
    "clean",
    "clear_weighed",
    "column_sums",
    "contact_shadow",
    "crop_bgrx",
    "crop_planes",
    "crop_yuyv",
    "darken",
    "default_ramp",
    "despill",
    "dissolve",
    "draw_fill",
    "draw_key",
    "draw_over_plain",
    "draw_plain",
    "edge_guide",
    "edge_plan",
    "empty_layer",
    "empty_plate",
    "empty_weighed",
    "expected_planes",
    "feather",
    "feet",
    "first_fault",
    "fit_light",
    "follow_edges",
    "foreground_shift",
    "free_cells",
    "fuse_key",
    "given_grid",
    "grid_alpha",
    "guided_coefficients",
    "halfway",
    "halved",
    "hand_mattes",
    "join_things",
    "join_tiles",
    "keep_components",
    "key_guide",
    "key_matte",
    "key_planes",
    "layer_between",
    "learn",
    "light_grid",
    "look_up",
    "loosen",
    "mixed",
    "motion",
    "nv12_to_bgrx",
    "outline",
    "over_black",
    "overlay_of",
    "paste",
    "paste_nv12",
    "person_colours",
    "planes_to_tensor",
    "plate_noise",
    "resample",
    "shade",
    "shade_behind",
    "shape_edge",
    "sharpen",
    "shrink",
    "shrunk",
    "small_picture",
    "small_planes",
    "soft",
    "solid",
    "spread_lead",
    "steady",
    "stretched",
    "survey",
    "taking_part",
    "true_colour",
    "warp_layer",
    "weigh",
    "weigh_in",
    "without_people",
    "wrap_share",
    "yuv_to_bgr",
    "yuv_to_rgb",
    "yuyv_to_nv12",
]
