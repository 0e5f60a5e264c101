"""Every per-pixel operation on the GPU: the twins of ``cpu``'s, under the same names.

Importing this needs neither pycuda nor a GPU; making a ``Context`` does. What has run where is told
in docs/kernels.md.
"""

from appliance.pixels.cuda_context import Buffer, Context, GpuError
from appliance.pixels.cuda_frame import (
    Blur,
    Converter,
    DeviceMatte,
    composite,
    paste,
    paste_nv12,
)
from appliance.pixels.cuda_grid import VERDICT, Grid, Plane, Raw, Tensor
from appliance.pixels.cuda_path import FramePath, Report
from appliance.pixels.cuda_surfaces import DeviceOverlay, Surface

__all__ = [
    "VERDICT",
    "Blur",
    "Buffer",
    "Context",
    "Converter",
    "DeviceMatte",
    "DeviceOverlay",
    "FramePath",
    "GpuError",
    "Grid",
    "Plane",
    "Raw",
    "Report",
    "Surface",
    "Tensor",
    "composite",
    "paste",
    "paste_nv12",
]
