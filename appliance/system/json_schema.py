"""JSON Schema's definitions under the names that readers of the schema know."""

from __future__ import annotations

from typing import Any


def named_by_title(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with each of its ``$defs`` called by its title, where it has one.

    pydantic calls them by their classes; a title is what stays when a class gets another name.
    """
    definitions = schema.get("$defs", {})
    titles = {name: model.get("title", name) for name, model in definitions.items()}

    def renamed(node: Any) -> Any:
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if not isinstance(node, dict):
            return node
        found = {key: renamed(value) for key, value in node.items()}
        if isinstance(reference := found.get("$ref"), str):
            place, _, name = reference.rpartition("/")
            found["$ref"] = f"{place}/{titles[name]}"
        return found

    models = sorted((titles[name], renamed(model)) for name, model in definitions.items())
    return {
        key: dict(models) if key == "$defs" else renamed(value) for key, value in schema.items()
    }
