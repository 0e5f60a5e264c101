"""A JSON Schema's definitions are called by their titles."""

from __future__ import annotations

from pydantic import BaseModel

from appliance.system.json_schema import named_by_title


class _Inner(BaseModel, title="Part"):
    value: int


class _Plain(BaseModel):
    value: int


class _Outer(BaseModel):
    parts: list[_Inner]
    plain: _Plain


def test_definitions_and_what_refers_to_them_take_the_title() -> None:
    schema = named_by_title(_Outer.model_json_schema())
    assert list(schema["$defs"]) == ["Part", "_Plain"]
    assert schema["properties"]["parts"]["items"] == {"$ref": "#/$defs/Part"}
    assert schema["properties"]["plain"] == {"$ref": "#/$defs/_Plain"}
