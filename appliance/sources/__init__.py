"""Where frames come from: cameras, streams, files, patterns and the demo."""

from appliance.sources.base import Source
from appliance.sources.make import make_source

__all__ = ["Source", "make_source"]
