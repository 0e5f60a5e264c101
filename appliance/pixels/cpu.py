"""Every per-pixel operation on the CPU: the oracle of the GPU's, under the same names."""

from appliance.pixels.components import Kept, clean, keep_components
from appliance.pixels.composite import Compositor, Matte
from appliance.pixels.crop import crop_planes, planes_to_tensor, yuv_to_rgb
from appliance.pixels.feather import feather
from appliance.pixels.guided import foreground_shift, guided_coefficients
from appliance.pixels.paste import default_ramp, paste, paste_nv12
from appliance.pixels.steady import motion, resample, steady

__all__ = [
    "Compositor",
    "Kept",
    "Matte",
    "clean",
    "crop_planes",
    "default_ramp",
    "feather",
    "foreground_shift",
    "guided_coefficients",
    "keep_components",
    "motion",
    "paste",
    "paste_nv12",
    "planes_to_tensor",
    "resample",
    "steady",
    "yuv_to_rgb",
]
