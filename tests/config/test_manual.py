"""config.yaml is the manual: its keys, values and comments against the schema and the defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from appliance.config.load import load, plain, schema
from appliance.config.schemes import BACKGROUNDS, OUTPUTS, SOURCES, Family, Scheme
from appliance.config.settings import Settings
from appliance.config.settings.scenes import SceneOverrides, SceneSettings
from appliance.config.uris import scheme_of
from appliance.config.validate import allowed, item_of, section_of


def fields() -> Iterator[tuple[str, FieldInfo, object]]:
    """Every setting: dotted key, field, default."""
    defaults = plain(Settings())
    for name, field in Settings.model_fields.items():
        section, item = section_of(field), item_of(field)
        if item is not None and not defaults[name]:
            yield name, field, defaults[name]
        elif item is not None:
            yield from _within(f"{name}.0", item, defaults[name][0])
        elif section is not None:
            yield from _within(name, section, defaults[name])
        else:
            yield name, field, defaults[name]


def _within(
    path: str, model: type[BaseModel], defaults: dict[str, Any]
) -> Iterator[tuple[str, FieldInfo, object]]:
    for key, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            yield from _within(f"{path}.{key}", section, defaults[key])
        else:
            yield f"{path}.{key}", field, defaults[key]


def comments(text: str) -> dict[str, str]:
    """Dotted key -> the comment right above it, as one line."""
    found: dict[str, str] = {}
    block: list[str] = []
    open_: list[tuple[int, str]] = []
    for line in text.splitlines():
        if match := re.fullmatch(r"\s*# ?(.*)", line):
            block.append(match[1].strip())
        elif match := re.fullmatch(r"( *)(- )?([a-z_]+):.*", line):
            indent, dash, key = match.groups()
            depth = len(indent) + len(dash or "")
            open_ = [(at, name) for at, name in open_ if at < depth]
            name = ".".join([*(name for _, name in open_), key])
            open_.append((depth, f"{key}.0" if key in ("outputs", "scenes") else key))
            found[name] = " ".join(block)
            block = []
        elif not line.strip():
            block = []
        else:
            pytest.fail(f"config.yaml: a line of no known kind: {line}")
    return found


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "config.yaml").read_text(encoding="utf-8")


FIELDS = list(fields())


def with_example(text: str) -> str:
    """The manual with its example of scenes in the place of the empty list."""
    before, _, after = text.partition("scenes: []\n# For example, without the #")
    example = after.partition("\n")[2].splitlines()
    assert all(line.startswith("#") for line in example)
    return "\n".join([before, *(line[1:] for line in example), ""])


def test_the_example_of_scenes_is_right_and_explains_every_key(text, root, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(with_example(text))
    [scene] = load(file).scenes
    assert scene.model_fields_set == set(SceneSettings.model_fields)
    told = comments(with_example(text))
    for name, field in SceneSettings.model_fields.items():
        meaning, _, rest = told[f"scenes.0.{name}"].partition(" Allowed: ")
        assert len(meaning) > 15
        assert field.description
        if name == "settings":
            assert all(section in meaning for section in SceneOverrides.model_fields)
        elif name == "name":
            assert rest == f"{allowed(field)}."
        else:
            assert rest == f"{allowed(field)}. Default: {field.default}"


def test_the_file_is_the_defaults(root):
    assert load(root / "config.yaml") == Settings()


def test_every_key_stands_in_the_file_and_no_other(text):
    # By YAML 1.1 a key "on" would be true; Mattebox reads keys as they are written.
    data = yaml.load(text, yaml.BaseLoader)
    assert list(data) == list(Settings.model_fields)
    whole = list(data)
    [output] = data.pop("outputs")
    data = {key: {"0": output} if key == "outputs" else data.get(key) for key in whole}
    assert list(_leaves(data)) == [key for key, _, _ in FIELDS]


def _leaves(data: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


@pytest.mark.parametrize(("key", "field", "default"), FIELDS, ids=[key for key, _, _ in FIELDS])
def test_every_key_is_explained_with_range_and_default(text, key, field, default):
    comment = comments(text)[key]
    meaning, _, rest = comment.partition(" Allowed: ")
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    assert rest == f"{allowed(field)}. Default: {shown}"
    assert len(meaning) > 15, f"{key}: what it means is missing"
    assert field.description, f"{key}: the schema has no description"


def list_of(text: str, key: str) -> set[str]:
    """The schemes listed above an address, one per line: "  csi://0     a camera"."""
    section, _, name = key.partition(".")
    lines = text.partition(f"\n{section}:\n")[2].splitlines()
    end = next(i for i, line in enumerate(lines) if re.match(rf"  (- )?{name}:", line))
    listed = [line for line in lines[:end] if re.match(r"  #   \S", line)]
    assert listed, f"{key}: no list in config.yaml"
    addresses = [re.split(r"\s{2,}", line[6:])[0] for line in listed]
    return {scheme_of(address) for group in addresses for address in group.split(", ")}


@pytest.mark.parametrize(
    ("key", "family"),
    [("source.uri", SOURCES), ("background.uri", BACKGROUNDS), ("outputs.uri", OUTPUTS)],
)
def test_every_scheme_has_its_line_and_no_other_is_named(
    text: str, key: str, family: Family[Scheme]
) -> None:
    named = list_of(text, key)
    for scheme in family.all():
        assert named & {*scheme.names}, (
            f"config.yaml, {key}: a line for {scheme.written} is missing"
        )
    assert [name for name in named if family.named(name) is None] == []


@pytest.mark.parametrize(("key", "field", "default"), FIELDS, ids=[key for key, _, _ in FIELDS])
def test_units_are_named(text, key, field, default):
    """A key whose name ends in a unit declares that unit too."""
    units = {"_s": "second", "_ms": "millisecond", "_kbps": "kilobit"}
    for suffix, unit in units.items():
        if key.endswith(suffix):
            assert unit in comments(text)[key].lower()
            assert unit in (field.description or "").lower()


def test_the_schema_has_every_key_with_description_and_default():
    document = schema()
    definitions = document["$defs"]
    assert document["additionalProperties"] is False
    for key, field, default in FIELDS:
        *sections, name = key.replace(".0.", ".").split(".")
        model = document
        for section in sections:
            reference = model["properties"][section]
            reference = reference.get("items", reference)
            model = definitions[reference["$ref"].rpartition("/")[2]]
            assert model["additionalProperties"] is False
        entry = model["properties"][name]
        assert entry["description"] == field.description
        if key != "outputs.0.uri":
            assert entry["default"] == default
