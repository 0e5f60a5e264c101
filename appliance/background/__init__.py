"""What stands behind the person: a picture, a video, a colour, a gradient, the blurred scene."""

from appliance.background.base import Background
from appliance.background.make import make_background

__all__ = ["Background", "make_background"]
