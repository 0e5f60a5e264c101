"""Each section of ``config.yaml`` is in the file of its name, and no file holds anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import settings
from appliance.config.settings import Settings, StagesSettings
from appliance.config.validate import item_of, section_of

SHARED = {"__init__", "base", "types"}
"""The building blocks of the sections."""
SINGLE = {"scene"}
"""Keys that are no sections: which of a section is meant."""


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - SINGLE))
def test_each_section_is_defined_in_the_file_of_its_name(name):
    field = Settings.model_fields[name]
    section = section_of(field) or item_of(field)
    assert section is not None
    assert section.__module__ == f"{settings.__name__}.{name}"


def test_every_file_is_a_section():
    assert settings.__file__ is not None
    folder = Path(settings.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} | {"stages"}
    assert files - SHARED == Settings.model_fields.keys() - SINGLE
    stages = {path.stem for path in (folder / "stages").glob("*.py")}
    assert stages - SHARED == set(StagesSettings.model_fields)
