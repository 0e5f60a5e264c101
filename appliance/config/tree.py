"""A configuration as a tree in which every part knows where it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.errors import ConfigError
from appliance.system.redact import redact

_MOST_KEY, _MOST_MESSAGE, _MOST_MISTAKES = 200, 1000, 50
# What is looked at of a text for passwords: more than any has, and no more than takes a moment.
_MOST_REDACTED = 10_000


def one_line(text: str, most: int) -> str:
    """``text`` cut to ``most`` characters, unprintable ones escaped."""
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return text if text.isprintable() else "".join(c if c.isprintable() else _code(c) for c in text)


def redacted(text: str) -> str:
    """The beginning of ``text``, without passwords."""
    return redact(text[:_MOST_REDACTED])


def _code(char: str) -> str:
    return repr(char)[1:-1]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a file with line and column (from 1), a variable, or a flag."""

    label: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.label}:{self.line}:{self.column}" if self.line else self.label


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: where, in which key (dotted, "" for the whole file), and what."""

    origin: Origin
    key: str
    message: str

    def __post_init__(self) -> None:
        """Whatever a file holds, a mistake is one line that a terminal and a log can take."""
        object.__setattr__(self, "key", one_line(self.key, _MOST_KEY))
        # Redacted before it is cut: half a password would not be recognised.
        object.__setattr__(self, "message", one_line(redacted(self.message), _MOST_MESSAGE))

    def __str__(self) -> str:
        where = str(self.origin)
        # "--set roi.hold" names the key already.
        key = "" if where.endswith(f" {self.key}") else self.key
        return ": ".join(filter(None, (where, key, self.message)))


class InvalidConfig(ConfigError):
    """The configuration holds ``mistakes``, at most 51; the message has one line for each."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        more = len(mistakes) - _MOST_MISTAKES
        if more > 0:
            last = Mistake(mistakes[0].origin, "", f"and {more} more mistakes; mend these first")
            mistakes = [*mistakes[:_MOST_MISTAKES], last]
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, mistakes)))


@dataclass(slots=True)
class Scalar:
    """A leaf: its text, and whether it was written without quotes.

    ``comment`` is the comment behind it in its line, from the # on; "" for none.
    """

    text: str
    plain: bool
    origin: Origin
    comment: str = ""

    @property
    def is_null(self) -> bool:
        """True for an empty value and for what YAML calls null."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}

    def shown(self) -> str:
        """The text as a message shows it: short, printable, quoted when it was."""
        # Before it is cut: half a password would not be recognised.
        text = redacted(self.text)
        text = text if len(text) <= 60 else text[:57] + "…"
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        if self.plain:
            return text or "nothing"
        return f'"{text}"'


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list[Node]
    origin: Origin

    def shown(self) -> str:
        """The list as a message shows it."""
        return f"a list of {len(self.items)}" if self.items else "an empty list"


@dataclass(slots=True)
class Mapping:
    """A section: its values, and where each key was written."""

    items: dict[str, Node]
    origin: Origin
    keys: dict[str, Origin] = field(default_factory=dict)

    def shown(self) -> str:
        """The section as a message shows it."""
        return f"a section with {', '.join(self.items)}" if self.items else "an empty section"


Node = Scalar | Sequence | Mapping


def join(path: str, key: str | int) -> str:
    """The dotted key of ``key`` within ``path``."""
    return f"{path}.{key}" if path else str(key)
