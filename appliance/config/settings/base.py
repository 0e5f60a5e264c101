"""What every section of the settings is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from appliance.system.redact import redact


def rule(key: str, message: str, *others: str) -> PydanticCustomError:
    """The error of a rule between settings, told at ``key`` (dotted, within the section).

    ``others`` are the keys that the rule weighs it against: where ``key`` is left at its default,
    the mistake is in one of them.
    """
    return PydanticCustomError("rule", "{message}", {"keys": (key, *others), "message": message})


class Section(BaseModel):
    """Base of every section: frozen, strict about names and types, finite numbers only.

    Its ``title`` is its name in the JSON Schema.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        hide_input_in_errors=True,  # which may be a password
    )

    def __repr__(self) -> str:
        return redact(super().__repr__())

    __str__ = __repr__
