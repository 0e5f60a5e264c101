"""From a tree to settings, with every mistake collected and put into words.

The schema decides: a scalar is read as the type of its setting (``off`` is false for a switch and a
word for a name; ``1e-3`` is a number although YAML 1.1 says text), so a file means what it says.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from appliance.config.secrets import ALLOWED, Secret
from appliance.config.settings import Settings
from appliance.config.settings.scenes import NOT_IN_A_SCENE, SceneOverrides
from appliance.config.settings.types import WordList, joined
from appliance.config.tree import Mapping, Mistake, Node, Origin, Scalar, Sequence, join, one_line
from appliance.config.uris import Allowed, Resolves
from appliance.system.redact import redact

_INT = re.compile(r"[-+]?[0-9]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|nan)", re.IGNORECASE)
_NO_OUTPUT = "null://"
_ITEMS = {
    "outputs": "an output, for example uri: null://",
    "scenes": "a scene, for example name: lectern",
}
# Keys and sections that there were once: what to write now.
_RENAMED = {
    "composite": "its feather is called roi.ramp now (the fading at the region's border); the "
    "person's own edge is set by edge.softness and edge.choke",
}
_SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a section."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def item_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the items of a field that is a list of sections."""
    if get_origin(field.annotation) is not tuple:
        return None
    item = get_args(field.annotation)[0]
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


def _is_words(field: FieldInfo) -> bool:
    return any(isinstance(mark, WordList) for mark in field.metadata)


def allowed(field: FieldInfo) -> str:
    """What a field may hold, in words: "a number from 0 up to, not including, 1"."""
    for mark in field.metadata:
        if isinstance(mark, Allowed):
            return str(mark)
    kind = field.annotation
    if get_origin(kind) in (Union, UnionType):  # or nothing
        kind = next(one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is Literal:
        words = [str(word) for word in get_args(kind)]
        return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    if kind is Secret:
        return ALLOWED
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        return f"{'a whole number' if kind is int else 'a number'}{_bounds(field)}"
    return "text"


def _bounds(field: FieldInfo) -> str:
    words = ""
    for mark in field.metadata:
        if isinstance(mark, Ge):
            words += f" from {mark.ge:g}" if isinstance(mark.ge, float) else f" from {mark.ge}"
        elif isinstance(mark, Gt):
            words += f" above {mark.gt}"
    for mark in field.metadata:
        if isinstance(mark, Le):
            words += f" to {mark.le}" if " from" in words else f" up to {mark.le}"
        elif isinstance(mark, Lt):
            below = f"up to, not including, {mark.lt}"
            words += f" {below}" if " from" in words else f" and below {mark.lt}"
    return words


def expected(field: FieldInfo) -> str:
    """``allowed``, followed by the meaning of the field."""
    meaning = f" ({field.description})" if field.description else ""
    return f"expected {allowed(field)}{meaning}"


def scalar_value(node: Scalar, field: FieldInfo) -> Any:
    """The scalar's value, read as the field's type; its text if that is impossible."""
    kind, text = field.annotation, node.text
    if not node.plain or kind in (str, Secret) or get_origin(kind) is Literal:
        return text
    if kind is bool or (get_origin(kind) in (Union, UnionType) and bool in get_args(kind)):
        return _SWITCH.get(text.lower(), text)
    if _INT.fullmatch(text):
        return int(text)
    if special := _SPECIAL.fullmatch(text):
        return float(special[1] + special[2])
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def broken(
    error: ValidationError, model: type[BaseModel] | None = None, whole: str = ""
) -> list[str]:
    """Pydantic's errors in our words, one line each, as "KEY: found …; expected …".

    ``model``: what was validated, if not the settings; ``whole``: what to call all of it.
    """
    return [_in_words(one, model or Settings, whole) for one in error.errors(include_url=False)]


def _in_words(error: Any, model: type[BaseModel], whole: str) -> str:
    key = ".".join(map(str, error["loc"])) or whole
    found = repr(error["input"]) if isinstance(error["input"], str) else str(error["input"])
    found = f"found {one_line(redact(found), 60)}"
    kind = error["type"]
    if kind == "rule":
        return f"{error['ctx']['keys'][0]}: {error['ctx']['message']}"
    if kind == "value_error":
        told = _at(model, error["loc"])[1]
        if told is not None and told.annotation is Secret:  # never shown
            return f"{key}: found a secret that {error['ctx']['error']}"
        return f"{key}: {found}; {error['ctx']['error']}"
    if kind == "json_invalid":
        place = re.search(r"line \d+ column \d+", error["ctx"]["error"])
        where = f", from {place[0]} on" if place else ""
        return f'{key}: not JSON{where}; expected an object, as {{"key": value}}'
    model, field = _at(model, error["loc"])
    if kind == "extra_forbidden":
        known = ", ".join(model.model_fields)
        return f"{key}: unknown key; " + (f"known here: {known}" if known else "expected none")
    if field is None:
        return f"{key}: {found}; expected an object"
    return f"{key}: {'is missing' if kind == 'missing' else found}; {expected(field)}"


def _at(model: type[BaseModel], where: tuple[Any, ...]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The field that an error is about, None if there is none, and the model around it."""
    field: FieldInfo | None = None
    for part in where:
        if field is not None:
            model = section_of(field) or item_of(field) or model
        found = model.model_fields.get(str(part))
        field = found if found is not None or not isinstance(part, int) else field
    return model, field


class Reading:
    """One pass over a tree: ``settings()`` gives the result or None, ``mistakes`` what is wrong."""

    def __init__(self, root: Mapping, folder: Path) -> None:
        self._folder = folder
        self._nodes: dict[str, Node] = {"": root}
        self._bad: set[str] = set()
        self._left_out: set[str] = set()
        self.mistakes: list[Mistake] = []
        self._data = self._section(root, Settings, "")

    def settings(self) -> Settings | None:
        """The settings; with mistakes, those that result when what is wrong is left out.

        So that everything else can be examined in the same pass. None if not even those are valid.
        """
        # Each pass leaves something out. A rule between settings speaks only once each of them is
        # valid, and then of the first place where it is broken.
        while True:
            try:
                return Settings.model_validate(self._data)
            except ValidationError as error:
                gone = False
                for one in error.errors():
                    # A list whose items are wrong is also reported as too short, which it is not.
                    if one["type"] != "too_short" or not one["input"]:
                        self._value_mistake(one)
                        gone = any(self._leave_out(key) for key in _keys(one)) or gone
                if not gone:
                    return None

    def is_wrong(self, key: str) -> bool:
        """Whether ``key`` or something around it is wrong: its value is then not the user's."""
        return any(_within(key, wrong) for wrong in self._bad | self._left_out)

    def _leave_out(self, key: str) -> bool:
        """Have ``key`` take its default; False if it has it already."""
        here: Any = self._data
        *path, last = key.split(".")
        for part in path:
            try:
                here = here[int(part)] if isinstance(here, tuple) else here[part]
            except (KeyError, IndexError, ValueError):
                return False
        if not isinstance(here, dict):
            return False
        stand_in = None
        # There is no default, and an item less would change the others' numbers.
        if path[:1] == ["outputs"] and last == "uri":
            stand_in = _NO_OUTPUT
        elif path[:1] == ["scenes"] and path[2:] == [] and last == "name":
            stand_in = f"scene {path[1]}"
        if stand_in is not None:
            changed = here.get(last) != stand_in
            here[last] = stand_in
        else:
            changed = last in here
            here.pop(last, None)
        self._left_out.add(key)
        return changed

    def has(self, key: str) -> bool:
        """Whether ``key`` (dotted) itself was written."""
        return key in self._nodes

    def origin(self, key: str) -> Origin | None:
        """Where ``key`` (dotted) or else the section around it was written; None for a default."""
        while key:
            if key in self._nodes:
                return self._nodes[key].origin
            key = key.rpartition(".")[0]
        return None

    def _section(self, node: Mapping, model: type[BaseModel], path: str) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, value in node.items.items():
            key = join(path, name)
            field = model.model_fields.get(name)
            if field is None:
                self._unknown(node, name, model, path)
                continue
            self._nodes[key] = value
            self._take(data, name, value, field, key)
        return data

    def _take(
        self, data: dict[str, Any], name: str, node: Node, field: FieldInfo, key: str
    ) -> None:
        section, item = section_of(field), item_of(field)
        nothing = isinstance(node, Scalar) and node.is_null
        if section is not None:
            if isinstance(node, Mapping):
                data[name] = self._section(node, section, key)
            elif not nothing:  # a section whose every key is commented out is all defaults
                keys = ", ".join(section.model_fields)
                self._wrong(node, key, f"found {node.shown()}; expected a section with {keys}")
        elif item is not None:
            if isinstance(node, Sequence):
                data[name] = self._items(node, item, key)
            else:
                self._wrong(node, key, f"found {node.shown()}; expected {allowed(field)}")
        elif isinstance(node, Sequence) and _is_words(field):
            self._words(data, name, node, field, key)
        elif not isinstance(node, Scalar):
            self._wrong(node, key, f"found {node.shown()}; {expected(field)}")
        elif nothing:
            self._wrong(
                node,
                key,
                f"found nothing{_hidden(node, field)}; {expected(field)}; or leave the key out for "
                "its default",
            )
        elif field.annotation is Secret and _is_bare(node):
            self._wrong(
                node,
                key,
                "found a secret in a flag, which every user of this machine can read; write it "
                f"into the file, or give {node.origin.label}='${{env:NAME}}'",
            )
        else:
            data[name] = self._resolved(scalar_value(node, field), field, node.origin)

    def _words(
        self, data: dict[str, Any], name: str, node: Sequence, field: FieldInfo, key: str
    ) -> None:
        """A list of words, as the text that it stands for."""
        wrong = [one for one in node.items if not isinstance(one, Scalar) or "," in one.text]
        if wrong or not node.items:
            found = (wrong[0] if wrong else node).shown()
            self._wrong(wrong[0] if wrong else node, key, f"found {found}; {expected(field)}")
            return
        data[name] = joined([one.text for one in node.items if isinstance(one, Scalar)])

    def _items(self, node: Sequence, model: type[BaseModel], path: str) -> tuple[Any, ...]:
        items = []
        for index, item in enumerate(node.items):
            key = join(path, index)
            self._nodes[key] = item
            if isinstance(item, Mapping):
                items.append(self._section(item, model, key))
            else:
                example = _ITEMS[path]
                self._wrong(item, key, f"found {item.shown()}; expected {example}")
                items.append({})
        return tuple(items)

    def _resolved(self, value: Any, field: FieldInfo, origin: Origin) -> Any:
        """Relative paths in the file start from its folder, all others from the current folder."""
        if isinstance(value, str):
            for mark in field.metadata:
                if isinstance(mark, Resolves):
                    return mark.resolve(value, self._folder if origin.line else Path.cwd())
        return value

    def _unknown(self, node: Mapping, name: str, model: type[BaseModel], path: str) -> None:
        places = {
            inner: join(section, inner)
            for section, field in Settings.model_fields.items()
            if (found := section_of(field)) is not None
            for inner in found.model_fields
        }
        near = get_close_matches(name, model.model_fields, n=1, cutoff=0.6)
        if model is SceneOverrides and name in NOT_IN_A_SCENE:
            message = f"is not for a scene: {NOT_IN_A_SCENE[name]}; take it out of here"
            origin = node.keys.get(name, node.origin)
            self.mistakes.append(Mistake(origin, join(path, name), message))
            return
        if join(path, name) in _RENAMED:
            hint = _RENAMED[join(path, name)]
        elif near:
            hint = f"did you mean {near[0]}?"
        elif name in places and path != places[name].partition(".")[0]:
            hint = f"there is {places[name]}"
        else:
            hint = f"known here: {', '.join(model.model_fields)}"
        origin = node.keys.get(name, node.origin)
        self.mistakes.append(Mistake(origin, join(path, name), f"unknown key; {hint}"))

    def _wrong(self, node: Node, key: str, message: str) -> None:
        self._bad.add(key)
        self.mistakes.append(Mistake(node.origin, key, message))

    def _value_mistake(self, error: Any) -> None:
        keys = _keys(error)
        key = keys[0]
        if error["type"] == "rule":
            if any(self.is_wrong(one) for one in keys):
                return  # it may be broken only because one of them was left out
            origin = next((self._nodes[k].origin for k in keys if k in self._nodes), None)
            message = str(error["ctx"]["message"])
        else:
            origin = None
            message = self._explain(key, error)
        if any(_within(key, bad) for bad in self._bad):
            return
        where = origin or self.origin(key) or self._nodes[""].origin
        self.mistakes.append(Mistake(where, key, message))

    def _explain(self, key: str, error: Any) -> str:
        field = _field(key)
        node = self._nodes.get(key)
        shown = node.shown() if node is not None else repr(error["input"])
        if error["type"] == "missing":
            return f"is missing; {expected(field)}"
        if field.annotation is Secret:  # never shown
            return f"found a secret that {error['ctx']['error']}"
        if error["type"] == "value_error":
            return f"found {shown}; {error['ctx']['error']}"
        cure = ""
        if isinstance(node, Scalar) and field.annotation in (int, float):
            if not node.plain and _FLOAT.fullmatch(node.text):
                cure = "; take the quotes away"
            elif re.fullmatch(r"[0-9]+,[0-9]+", node.text):
                cure = "; write a point, not a comma"
        return f"found {shown}; {expected(field)}{cure}"


def _within(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.")


def _keys(error: Any) -> list[str]:
    """The dotted keys that one of pydantic's errors is about, the one at fault first."""
    path = ".".join(map(str, error["loc"]))
    return [join(path, key) for key in error["ctx"]["keys"]] if error["type"] == "rule" else [path]


def _hidden(node: Scalar, field: FieldInfo) -> str:
    """What a comment has swallowed: ``uri: #00b140`` is an empty value to YAML."""
    if not node.comment:
        return ""
    shown = "" if field.annotation is Secret else f': "{one_line(redact(node.comment), 60)}"'
    return f", as # begins a comment; if the # belongs to the value, put it into quotes{shown}"


def _is_bare(node: Scalar) -> bool:
    """Whether the command line holds a secret itself, not a reference to it."""
    return node.origin.label.startswith("--") and node.text != "none" and "${" not in node.text


def _field(key: str) -> FieldInfo:
    """The field of a dotted key that exists in the schema."""
    model: type[BaseModel] = Settings
    field: FieldInfo | None = None
    for part in key.split("."):
        if part.isdigit():
            continue
        field = model.model_fields[part]
        model = section_of(field) or item_of(field) or model
    if field is None:
        raise KeyError(key)
    return field
