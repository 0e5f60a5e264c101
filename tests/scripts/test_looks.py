"""The shipped looks are what their script makes, are packed, and are named in the manual."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.config.settings.stages import StyleSettings
from appliance.config.validate import allowed
from appliance.stages.looks.make import SHIPPED
from scripts import looks as script


def test_they_are_what_the_script_makes() -> None:
    assert script.FOLDER == SHIPPED
    assert {path.stem for path in SHIPPED.iterdir()} == set(script.LOOKS)
    for name, (title, look) in script.LOOKS.items():
        assert (SHIPPED / f"{name}.cube").read_text() == script.text(title, look), name


def test_they_are_named_in_the_manual() -> None:
    words = allowed(StyleSettings.model_fields["look"])
    assert words.split(", ")[1 : 1 + len(script.LOOKS)] == list(script.LOOKS)


def test_they_are_packed(root: Path) -> None:
    # tomllib came with Python 3.11.
    text = (root / "pyproject.toml").read_text()
    assert f'"{SHIPPED.relative_to(root / "appliance")}/*.cube"' in text


def test_greys_rise_and_skin_keeps_its_hue() -> None:
    """Nothing clips within the greys, and from light to dark, skin stays between red and yellow."""
    grey = np.linspace(0, 1, 65)[:, None].repeat(3, axis=1)
    skin = np.array([(233, 196, 178), (205, 155, 132), (147, 84, 59), (88, 52, 40)]) / 255
    for name, (_, look) in script.LOOKS.items():
        levels = look(grey)
        assert (np.diff(script.luma(levels)[:, 0]) > 0.003).all(), name
        assert levels.min() > -0.002, name
        assert levels.max() < 1.002, name
        red, green, blue = look(skin).T
        if name != "monochrome":
            assert (red > green).all(), name
            assert (green > blue).all(), name
            hue, before = ((g - b) / (r - b) for r, g, b in ((red, green, blue), skin.T))
            assert np.abs(hue - before).max() < 0.14, name
