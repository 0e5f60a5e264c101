"""Pango and cairo, imported when captions are first drawn: the two together draw any script."""

from __future__ import annotations

from typing import Any, NamedTuple

from appliance.errors import MissingDependency

PACKAGES = ("gir1.2-pango-1.0", "python3-gi-cairo")


class Libraries(NamedTuple):
    """The modules ``Pango``, ``PangoCairo`` and ``cairo``."""

    pango: Any
    pango_cairo: Any
    cairo: Any


def libraries() -> Libraries:
    """Raises MissingDependency where one of them is not installed."""
    try:
        import cairo
        import gi

        # What hands cairo's objects over to Pango: without it every call fails.
        gi.require_foreign("cairo")
        for name in ("Pango", "PangoCairo"):
            gi.require_version(name, "1.0")
        from gi.repository import Pango, PangoCairo
    except (ImportError, ValueError) as error:
        raise MissingDependency(
            f"captions are drawn by Pango, whose Python bindings are not to be had here ({error}); "
            f"install them with: apt install {' '.join(PACKAGES)}, and make the virtual "
            "environment with --system-site-packages (make setup does)"
        ) from error
    return Libraries(Pango, PangoCairo, cairo)
