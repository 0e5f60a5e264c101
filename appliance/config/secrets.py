"""Secrets: how the configuration names them, where they come from, and how they stay hidden.

A setting of the type ``Secret`` holds a password or a token. The file says

    password: ${credential:rtsp}     the file ``rtsp`` in $CREDENTIALS_DIRECTORY, from systemd's
                                     LoadCredential= or a container's secrets
    password: ${env:RTSP_PASSWORD}   the environment variable RTSP_PASSWORD
    password: something-long         the secret itself, or
    password: none                   no secret

The first two may also be the user or the password in an address:
``rtsp://admin:${credential:camera}@10.0.0.5/main``. ``fill`` puts in the values only when the
address is used, so that settings, their printout and every message hold only the reference.

Every value looked up, and every password written in an address, is struck out of logs and messages
by ``system.redact.redact``.
"""

from __future__ import annotations

import hmac
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from appliance.errors import InputError
from appliance.system.redact import HIDDEN, remember

LEAST = 8
MOST_BYTES = 4096

KEYS = frozenset({"password", "token", "stream_key", "passphrase"})
"""The names of the settings of this type, in any section."""
ALLOWED = f"none, ${{credential:name}}, ${{env:NAME}}, or at least {LEAST} characters"

_REFERENCE = re.compile(r"\$\{(env|credential):([A-Za-z0-9_][A-Za-z0-9_.-]{0,199})\}")
_WRITTEN = "a reference is written ${credential:name} or ${env:NAME}"


class Secret:
    """Text that is never shown: not by ``str``, ``repr``, a dump, a log or an error.

    Its value is looked up at construction, so that a reload finds a changed one. Two are equal
    when they are written alike and have the same value.
    """

    __slots__ = ("_problem", "_value", "written")

    def __init__(self, text: str) -> None:
        """``text`` as it stands in the file. Raises ValueError when it cannot be a secret."""
        self._value, self._problem = "", ""
        self.written = text
        """What may be shown: the reference, ``none``, or ``***`` for a secret written out."""
        if text == "none":
            return
        if _REFERENCE.fullmatch(text):
            try:
                self._value = look_up(text)
                judge(self._value)
            except ValueError as error:
                self._value, self._problem = "", f"{text}: {error}"
        elif "${" in text:
            raise ValueError(f"is not one; {_WRITTEN}")
        else:
            judge(text)
            self.written, self._value = HIDDEN, text
        remember(self._value)

    def __bool__(self) -> bool:
        """Whether there is a secret, even if it cannot be looked up."""
        return self.written != "none"

    @property
    def is_reference(self) -> bool:
        """Whether the file says only where to find it."""
        return self.written not in ("none", HIDDEN)

    @property
    def problem(self) -> str:
        """Why it cannot be looked up, and what to do; empty when it can."""
        return self._problem

    def reveal(self) -> str:
        """The secret itself; "" for none. Raises InputError when it cannot be looked up."""
        if self._problem:
            raise InputError(self._problem)
        return self._value

    def matches(self, text: str) -> bool:
        """Whether ``text`` is the secret, compared in constant time."""
        value = self.reveal()
        return bool(value) and hmac.compare_digest(value.encode(), text.encode("utf-8", "replace"))

    def __str__(self) -> str:
        return self.written

    def __repr__(self) -> str:
        return f"Secret({self.written})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (
            (secret.written, secret._problem, secret._value) for secret in (self, other)
        )
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.written, self._value))

    def __deepcopy__(self, _: dict[int, Any]) -> Secret:
        """Itself, as it never changes."""
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not to be stored or sent")

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Validated from text, serialised as what may be shown."""
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def _read(cls, value: object) -> Secret:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError("is no text")
        return cls(value)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "minLength": 4, "writeOnly": True}


NONE = Secret("none")


def is_secret(key: str) -> bool:
    """Whether ``key`` (dotted) is that of a secret, whose value must not be repeated."""
    return key.rpartition(".")[2] in KEYS


def judge(value: str, least: int = LEAST) -> None:
    """Raise ValueError for an unusable secret, without ever revealing it."""
    if len(value) < least:
        raise ValueError(f"is {len(value)} characters long; expected at least {least}")
    if len(value.encode("utf-8", "replace")) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES} bytes; expected one line")
    if not value.isprintable():
        raise ValueError("holds a line break or another control character; expected one line")


def look_up(reference: str) -> str:
    """What ``${env:NAME}`` or ``${credential:name}`` stands for.

    One line break at the end of a credential is dropped, since editors and ``echo`` write one.

    Raises a ValueError that says what is missing and what to do, without any value.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(_WRITTEN)
    kind, name = match.groups()
    value = os.environ.get(name, "") if kind == "env" else _credential(name)
    if not value:
        where = "the variable" if kind == "env" else "the credential"
        raise ValueError(f"{where} {name} is {_missing(kind, name)}")
    return value


def _missing(kind: str, name: str) -> str:
    if kind == "env":
        return "not set; set it, for the service in /etc/default/mattebox"
    return "empty; write the secret into its file, as one line"


def _credential(name: str) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise ValueError(
            f"there are no credentials here ($CREDENTIALS_DIRECTORY is not set); the service has "
            f"them when its unit says LoadCredential={name}:/etc/credstore/mattebox.{name} "
            "(systemctl edit mattebox)"
        )
    path = Path(folder) / name
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 3)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); give the service "
            f"LoadCredential={name}:/etc/credstore/mattebox.{name} (systemctl edit mattebox)"
        ) from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; expected the secret as one line") from None
    return text.removesuffix("\n").removesuffix("\r")


def trouble(reference: str) -> str:
    """Why a reference cannot be looked up, and what to do; "" when it can."""
    try:
        judge(look_up(reference), 1)
    except ValueError as error:
        return f"{reference}: {error}"
    return ""


def credentials_elsewhere(problem: str) -> bool:
    """Whether ``problem`` is just that only the service has its credentials."""
    return "$CREDENTIALS_DIRECTORY is not set" in problem


def references(text: str) -> list[str]:
    """Every reference within an address. Raises ValueError for a malformed one."""
    if "${" in _REFERENCE.sub("", text):
        raise ValueError(_WRITTEN)
    return [match[0] for match in _REFERENCE.finditer(text)]


def fill(address: str) -> str:
    """The address with each reference replaced by its value, URL-quoted.

    Raises InputError when one cannot be looked up.
    """

    def value(match: re.Match[str]) -> str:
        # However short it is: that is the camera's business.
        problem = trouble(match[0])
        if problem:
            raise InputError(problem)
        found = look_up(match[0])
        remember(found)
        return quote(found, safe="")

    return _REFERENCE.sub(value, address)
