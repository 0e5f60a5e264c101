"""The API's documentation as one HTML page, made from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>Mattebox: the API</title>
<link rel="icon" href="/page/mattebox.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/base.css">
<link rel="stylesheet" href="/page/docs.css">
</head>
<body>
"""
_TOKEN = '-H "Authorization: Bearer $TOKEN"'
_MOST_DEPTH = 4


def page(document: dict[str, Any]) -> str:
    """The whole page: every operation with what it takes, what it answers, and an example."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return _HEAD + "\n".join([*_body(document, operations, schemas), "</body></html>\n"])


def _body(
    document: dict[str, Any], operations: list[tuple[str, str, Any]], schemas: dict[str, Any]
) -> Iterator[str]:
    yield '<header class="docs-head"><h1>The API</h1>'
    yield f"<p>{escape(document['info']['description'])} Where a token is set (http.token), every "
    yield f"request takes it: <code>{escape(_TOKEN)}</code>. Errors are JSON with one key, "
    yield "<code>error</code>, which says what was found and what to do. For programs: <a "
    yield 'href="/openapi.json">openapi.json</a>. <a href="/">Back to the page</a>.</p></header>'
    yield '<div class="docs"><nav aria-label="Operations"><ul>'
    for method, path, operation in operations:
        anchor = operation["operationId"]
        yield f'<li><a href="#{anchor}"><b class="{method.lower()}">{method}</b> '
        yield f"<span>{_breakable(path)}</span></a></li>"
    yield '<li><a href="#schemas">Types</a></li></ul></nav><main>'
    for method, path, operation in operations:
        yield from _operation(method, path, operation, schemas)
    yield '<h2 id="schemas">Types</h2>'
    for name, schema in schemas.items():
        yield f'<section id="type-{escape(name)}"><h3>{escape(name)}</h3>'
        yield f"<p>{escape(schema.get('description', ''))}</p>"
        yield from _fields(schema)
        yield "</section>"
    yield "</main></div>"


def _operation(method: str, path: str, operation: Any, schemas: dict[str, Any]) -> Iterator[str]:
    yield f'<section id="{operation["operationId"]}"><h2><b class="{method.lower()}">{method}</b> '
    yield f"<code>{_breakable(path)}</code></h2><p>{escape(operation['summary'])}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield '<table><thead><tr><th scope="col">parameter</th><th scope="col">in</th>'
        yield '<th scope="col">what</th></tr></thead><tbody>'
        for one in parameters:
            yield f'<tr><th scope="row"><code>{escape(one["name"])}</code></th>'
            yield f"<td>{escape(one['in'])}</td><td>{escape(one['description'])}"
            yield f"<br><small>{escape(_kind(one['schema']))}</small></td></tr>"
        yield "</tbody></table>"
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        yield f"<p>Takes <code>{escape(kind)}</code>{_link(body['schema'])}.</p>"
    yield f"<pre><code>{escape(_curl(method, path, operation, schemas))}</code></pre>"
    yield '<ul class="answers">'
    for status, answer in operation["responses"].items():
        # The rest are errors that any request may meet.
        kinds = [f"{escape(kind)}{_link(one['schema'])}" for kind, one in answer["content"].items()]
        yield f"<li><b>{status}</b> {escape(answer['description'])}"
        yield f"<small> {', '.join(kinds)}</small></li>" if status < "400" else "</li>"
    yield "</ul></section>"


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    properties = schema.get("properties", {})
    if not properties:
        return
    yield '<table><thead><tr><th scope="col">field</th><th scope="col">what</th></tr></thead>'
    yield "<tbody>"
    for name, field in properties.items():
        needed = " <small>needed</small>" if name in schema.get("required", []) else ""
        words = field.get("description", "")
        yield f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(words)}'
        yield f"{'<br>' if words else ''}<small>{escape(_kind(field))}</small>"
        yield f"{_link(field)}{needed}</td></tr>"
    yield "</tbody></table>"


def _kind(schema: dict[str, Any]) -> str:
    """A type in words: "number, 0 to 32"."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        words = ", ".join(map(str, schema["enum"]))
    elif "const" in schema:
        words = str(schema["const"])
    else:
        words = str(schema.get("type", "object"))
    if schema.get("type") == "array":
        words = f"list of {_kind(schema.get('items', {}))}"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None or high is not None:
        words += f", {'' if low is None else low} to {'any' if high is None else high}"
    if schema.get("default") is not None:
        words += f"; by default {json.dumps(schema['default'])}"
    return words


def _link(schema: dict[str, Any]) -> str:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    if not reference:
        return ""
    name = escape(str(reference).rpartition("/")[2])
    return f' <a href="#type-{name}">{name}</a>'


def _curl(method: str, path: str, operation: Any, schemas: dict[str, Any]) -> str:
    for one in operation.get("parameters", []):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", one["name"].upper())
    parts = ["curl", *([] if method == "GET" else ["-X", method]), f"localhost:8080{path}"]
    content = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(content), "")
    if kind:
        parts.append(f"-H 'Content-Type: {kind}'")
    if kind == "application/json":
        example = _example(content[kind]["schema"], schemas, 0)
        parts.append(f"-d '{json.dumps(example, ensure_ascii=False)}'")
    elif kind:
        parts.append("--data-binary @FILE")
    if any(one["name"] == "If-Match" for one in operation.get("parameters", [])):
        parts.append("-H 'If-Match: \"VERSION\"'")
    return " ".join(parts)


def _example(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    """A value of a type: what is needed of it, else its first field."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object" or "properties" in schema:
        fields = schema.get("properties", {})
        chosen = schema.get("required") or list(fields)[:1]
        if depth >= _MOST_DEPTH:
            return {}
        return {name: _example(fields[name], schemas, depth + 1) for name in chosen}
    plain: dict[str, Any] = {
        "string": "…", "number": 1.0, "integer": 1, "boolean": True, "array": []
    }  # fmt: skip
    return schema.get("default") or plain.get(str(schema.get("type")))


def _breakable(path: str) -> str:
    return escape(path).replace("/", "/<wbr>")
