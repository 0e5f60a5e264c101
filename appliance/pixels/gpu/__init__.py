"""Every per-pixel operation on the GPU: the twins of ``cpu``'s, under the same names.

Importing this needs neither pycuda nor a GPU; making a ``Context`` does. What has run where is told
in docs/kernels.md.
"""

from appliance.cuda.context import Buffer, Context, GpuError
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.gpu.blur import Blur
from appliance.pixels.gpu.composite import DeviceMatte, composite
from appliance.pixels.gpu.convert import Converter
from appliance.pixels.gpu.paste import paste, paste_nv12
from appliance.pixels.gpu.planes import VERDICT, Plane, Raw, Tensor
from appliance.pixels.gpu.scratch import Grid

__all__ = [
    "VERDICT",
    "Blur",
    "Buffer",
    "Context",
    "Converter",
    "DeviceMatte",
    "DeviceOverlay",
    "GpuError",
    "Grid",
    "Plane",
    "Raw",
    "Surface",
    "Tensor",
    "composite",
    "paste",
    "paste_nv12",
]
