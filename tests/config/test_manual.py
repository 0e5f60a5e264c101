"""config.yaml is the manual: its keys, values and comments against the schema and the defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic.fields import FieldInfo

from appliance.config.load import load, plain, schema
from appliance.config.schemes import BACKGROUNDS, OUTPUTS, SOURCES, Family, Scheme
from appliance.config.settings import Settings
from appliance.config.uris import scheme_of
from appliance.config.validate import allowed, item_of, section_of


def fields() -> Iterator[tuple[str, FieldInfo, object]]:
    """Every setting there is: dotted key, field, default."""
    defaults = plain(Settings())
    for name, field in Settings.model_fields.items():
        section, item = section_of(field), item_of(field)
        inner = section or item
        assert inner is not None, f"{name} is neither a section nor a list of sections"
        for key, inner_field in inner.model_fields.items():
            if item is not None:
                yield f"{name}.0.{key}", inner_field, defaults[name][0][key]
            else:
                yield f"{name}.{key}", inner_field, defaults[name][key]


def comments(text: str) -> dict[str, str]:
    """Dotted key -> the comment right above it, in one line."""
    found, block, section = {}, [], ""
    for line in text.splitlines():
        if match := re.fullmatch(r"\s*# ?(.*)", line):
            block.append(match[1].strip())
        elif match := re.fullmatch(r"( *)(- )?([a-z_]+):.*", line):
            indent, dash, key = match.groups()
            if not indent:
                section = f"{key}.0" if key == "outputs" else key
            name = f"{section}.{key}" if indent or dash else key
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


def test_the_file_is_the_defaults(root):
    assert load(root / "config.yaml") == Settings()


def test_every_key_stands_in_the_file_and_no_other(text):
    data = yaml.safe_load(text)
    assert list(data) == list(Settings.model_fields)
    [output] = data.pop("outputs")
    keys = {f"{section}.{key}" for section in data for key in data[section]}
    keys |= {f"outputs.0.{key}" for key in output}
    assert keys == {key for key, _, _ in FIELDS}


@pytest.mark.parametrize(("key", "field", "default"), FIELDS, ids=[key for key, _, _ in FIELDS])
def test_every_key_is_explained_with_range_and_default(text, key, field, default):
    comment = comments(text)[key]
    meaning, _, rest = comment.partition(" Allowed: ")
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    assert rest == f"{allowed(field)}. Default: {shown}"
    assert len(meaning) > 15, f"{key}: what it means is missing"
    assert field.description, f"{key}: the schema has no description"


def list_of(text: str, key: str) -> set[str]:
    """The schemes in the list above an address, a line each: "  csi://0     a camera"."""
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
    """A key that ends in a unit says it, too."""
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
        section, _, name = key.replace(".0.", ".").partition(".")
        reference = document["properties"][section]
        reference = reference.get("items", reference)
        model = definitions[reference["$ref"].rpartition("/")[2]]
        assert model["additionalProperties"] is False
        entry = model["properties"][name]
        assert entry["description"] == field.description
        if key != "outputs.0.uri":
            assert entry["default"] == default
