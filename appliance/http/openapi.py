"""The OpenAPI document, made from the same table as the server's routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.types import ASGIApp

from appliance import __version__
from appliance.http.schemas import ProblemAnswer
from appliance.system.json_schema import named_by_title

Answer = type[BaseModel] | str
"""The type of a JSON answer, or the media type of any other."""

_REFERENCE = "#/components/schemas/{model}"
_WORDS = {
    200: "done", 201: "taken in", 401: "no token, or a wrong one",
    400: "malformed", 403: "asked for by another site, or kept to itself by the settings",
    404: "not there", 405: "another method is needed", 406: "it asks for what there is not",
    408: "the body came too slowly",
    409: "it cannot be done as things are; nothing was changed", 411: "the length is missing",
    412: "the file was saved by somebody else since", 413: "too large",
    415: "of another type than is taken", 421: "another host's name",
    422: "the request is wrong", 428: "If-Match is missing", 500: "a mistake in the program",
    503: "not now; see the reason", 504: "not done in time",
}  # fmt: skip
# The guard may answer any request with these.
_ALWAYS = (401, 403, 413, 421, 500)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, in the path or a header (and then required), or in the query."""

    name: str
    description: str
    schema: dict[str, Any]
    path: bool = False
    header: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        handler: what answers. summary: one line.
        answers: status -> answer. problems: the statuses answered with a ``Problem``.
        body: the type of a JSON body, or the media types of any other.
        parts: what a stream is made of, which no media type says.
    """

    method: str
    path: str
    handler: Callable[[Request], Awaitable[ASGIApp]]
    summary: str
    answers: dict[int, Answer]
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | tuple[Answer, ...] | None = None
    parameters: tuple[Parameter, ...] = field(default=())
    parts: tuple[type[BaseModel], ...] = ()


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 of all operations."""
    models: list[type[BaseModel]] = [ProblemAnswer]
    for operation in operations:
        models += [a for a in operation.answers.values() if isinstance(a, type)]
        models += operation.parts
        bodies = operation.body if isinstance(operation.body, tuple) else (operation.body,)
        models += [body for body in bodies if isinstance(body, type)]
    unique = list(dict.fromkeys(models))
    _, schemas = models_json_schema(
        [(model, "validation") for model in unique], ref_template=_REFERENCE
    )
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mattebox",
            "version": __version__,
            "description": "Figures and control of one appliance. Changes take effect within a "
            "frame, and readers stay connected.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        # None is needed if the settings have no token, which is possible on loopback only.
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": named_by_title(schemas)["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "responses": {
            str(status): {"description": _WORDS[status], "content": _content(answer)}
            for status, answer in operation.answers.items()
        },
    }
    for status in sorted({*operation.problems, *_ALWAYS} - set(operation.answers)):
        found["responses"][str(status)] = {
            "description": _WORDS[status],
            "content": _content(ProblemAnswer),
        }
    if operation.parameters:
        found["parameters"] = [
            {
                "name": parameter.name,
                "in": "path" if parameter.path else "header" if parameter.header else "query",
                "required": parameter.path or parameter.header,
                "description": parameter.description,
                "schema": parameter.schema,
            }
            for parameter in operation.parameters
        ]
    if operation.body is not None:
        kinds = operation.body if isinstance(operation.body, tuple) else (operation.body,)
        content: dict[str, Any] = {}
        for kind in kinds:
            content |= _content(kind)
        found["requestBody"] = {"required": True, "content": content}
    return found


def _content(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, type):
        reference = {"$ref": _REFERENCE.format(model=answer.model_config["title"])}
        return {"application/json": {"schema": reference}}
    binary = {"type": "string", "contentEncoding": "binary"}
    return {answer: {"schema": {"type": "string"} if answer.startswith("text/") else binary}}
