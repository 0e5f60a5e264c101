"""Every per-pixel operation on the GPU: the twins of those in ``cpu``, under the same names.

Everything is launched on the context's stream, and nothing waits. Operations on the network's grid
take a ``Scratch`` first, the others take the context; pictures are ``Surface``s, planes dense
float32, all in device memory.

Importing this needs neither pycuda nor a GPU; making a ``Context`` does. docs/kernels.md says what
has run on which hardware.
"""

from appliance.cuda.context import Buffer, Context, GpuError
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.gpu.blur import Blur
from appliance.pixels.gpu.components import clean, keep_components
from appliance.pixels.gpu.composite import composite
from appliance.pixels.gpu.convert import Matrices, bgrx_to_nv12, nv12_to_bgrx, yuyv_to_nv12
from appliance.pixels.gpu.crop import crop_planes, fill_black
from appliance.pixels.gpu.edge import EdgePlan, edge_guide, edge_plan, shape_edge
from appliance.pixels.gpu.guided import foreground_shift, guided_coefficients
from appliance.pixels.gpu.layer import PersonLayer, blend_layer, separate
from appliance.pixels.gpu.matte import Matte
from appliance.pixels.gpu.paste import paste, paste_nv12
from appliance.pixels.gpu.planes import VERDICT, Plane, Raw, Tensor
from appliance.pixels.gpu.scratch import Scratch
from appliance.pixels.gpu.steady import resample, steady
from appliance.pixels.gpu.tiles import join_tiles

__all__ = [
    "VERDICT",
    "Blur",
    "Buffer",
    "Context",
    "DeviceOverlay",
    "EdgePlan",
    "GpuError",
    "Matrices",
    "Matte",
    "PersonLayer",
    "Plane",
    "Raw",
    "Scratch",
    "Surface",
    "Tensor",
    "bgrx_to_nv12",
    "blend_layer",
    "clean",
    "composite",
    "crop_planes",
    "edge_guide",
    "edge_plan",
    "fill_black",
    "foreground_shift",
    "guided_coefficients",
    "join_tiles",
    "keep_components",
    "nv12_to_bgrx",
    "paste",
    "paste_nv12",
    "resample",
    "separate",
    "shape_edge",
    "steady",
    "yuyv_to_nv12",
]
