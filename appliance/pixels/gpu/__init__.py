"""Every per-pixel operation on the GPU: the twins of those in ``cpu``, under the same names.

Everything is launched on the context's stream, and nothing waits. Operations on the network's grid
take a ``Scratch`` first, the others take the context; pictures are ``Surface``s, planes dense
float32, all in device memory.

Importing this needs neither pycuda nor a GPU; making a ``Context`` does. docs/kernels.md says what
has run on which hardware.
"""

from appliance.cuda.context import Buffer, Context, GpuError
from appliance.media.surface import Surface
from appliance.pixels.gpu.affine import DeviceViewport, warp_layer
from appliance.pixels.gpu.between import Between, DeviceFlow, blend_between, layer_between
from appliance.pixels.gpu.blur import Blur
from appliance.pixels.gpu.components import clean, keep_components
from appliance.pixels.gpu.composite import composite
from appliance.pixels.gpu.convert import Matrices, bgrx_to_nv12, nv12_to_bgrx, yuyv_to_nv12
from appliance.pixels.gpu.crop import crop_planes, fill_black
from appliance.pixels.gpu.edge import EdgePlan, edge_guide, edge_plan, shape_edge
from appliance.pixels.gpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.gpu.join import join_things
from appliance.pixels.gpu.key_fill import draw_fill, draw_key, draw_over_plain
from appliance.pixels.gpu.layer import PersonLayer, blend_layer, separate
from appliance.pixels.gpu.light import (
    Soft,
    Wrap,
    enlarge,
    light_grid,
    relight,
    shrink,
    small_picture,
)
from appliance.pixels.gpu.look import LookTable, apply_look, upload_look
from appliance.pixels.gpu.matte import Matte
from appliance.pixels.gpu.mattes import HandMattes, apply_mattes
from appliance.pixels.gpu.overlay import DeviceCaption, blend_overlay
from appliance.pixels.gpu.paste import paste, paste_nv12
from appliance.pixels.gpu.planes import VERDICT, Plane, Raw, Tensor
from appliance.pixels.gpu.plate import (
    DeviceLight,
    Plate,
    empty_plate,
    free_cells,
    learn,
    taken_cells,
)
from appliance.pixels.gpu.plate_detail import true_colour
from appliance.pixels.gpu.plate_light import COMPARED, compare, expected_planes, sums_of
from appliance.pixels.gpu.plate_matte import person_colours, weigh_in
from appliance.pixels.gpu.projection import column_sums
from appliance.pixels.gpu.scratch import Scratch
from appliance.pixels.gpu.shadow import ContactShadow, darken, feet
from appliance.pixels.gpu.steady import resample, steady
from appliance.pixels.gpu.tiles import join_tiles

__all__ = [
    "COMPARED",
    "VERDICT",
    "Between",
    "Blur",
    "Buffer",
    "ContactShadow",
    "Context",
    "DeviceCaption",
    "DeviceFlow",
    "DeviceLight",
    "DeviceViewport",
    "EdgePlan",
    "GpuError",
    "HandMattes",
    "LookTable",
    "Matrices",
    "Matte",
    "PersonLayer",
    "Plane",
    "Plate",
    "Raw",
    "Scratch",
    "Soft",
    "Surface",
    "Tensor",
    "Wrap",
    "apply_look",
    "apply_mattes",
    "bgrx_to_nv12",
    "blend_between",
    "blend_layer",
    "blend_overlay",
    "clean",
    "column_sums",
    "compare",
    "composite",
    "crop_planes",
    "darken",
    "draw_fill",
    "draw_key",
    "draw_over_plain",
    "edge_guide",
    "edge_plan",
    "empty_plate",
    "enlarge",
    "expected_planes",
    "feet",
    "fill_black",
    "foreground_shift",
    "free_cells",
    "guided_coefficients",
    "join_things",
    "join_tiles",
    "keep_components",
    "layer_between",
    "learn",
    "light_grid",
    "nv12_to_bgrx",
    "paste",
    "paste_nv12",
    "person_colours",
    "relight",
    "resample",
    "separate",
    "shape_edge",
    "shrink",
    "small_picture",
    "steady",
    "sums_of",
    "taken_cells",
    "true_colour",
    "upload_look",
    "warp_layer",
    "weigh_in",
    "yuyv_to_nv12",
]
