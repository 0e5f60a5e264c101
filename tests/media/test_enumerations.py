"""Enumerations by the names that launch lines have, whatever the version of the bindings."""

from __future__ import annotations

import pytest

from appliance.media.enumerations import nicks
from appliance.media.gst import GObject, Gst


def test_the_names_are_those_that_gstreamer_takes() -> None:
    source = Gst.ElementFactory.make("videotestsrc")
    assert source is not None
    names = nicks(source.find_property("pattern").value_type)
    assert names[:3] == ("smpte", "snow", "black")
    for name in names:
        Gst.util_set_object_arg(source, "pattern", name)
        assert source.get_property("pattern").value_nick == name


def test_what_is_no_enumeration_is_refused() -> None:
    with pytest.raises(TypeError, match="found the type gint, expected an enumeration"):
        nicks(GObject.TYPE_INT)
