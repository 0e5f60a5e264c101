"""Tells an accident from a change: a file that was emptied or cut off, a secret that is missing.

A full disk, a copy that broke off or an editor that crashed leaves a valid configuration with less
in it. What is missing then would have its default, which for a password is none.
"""

from __future__ import annotations

from typing import Any

from appliance.config.load import LoadedConfig
from appliance.config.secrets import KEYS
from appliance.config.settings import Settings
from appliance.config.tree import Mistake, Origin, join


def accidents(now: Settings, text: str, new: LoadedConfig, *, asked: bool) -> list[Mistake]:
    """What speaks against taking ``new`` over from a file; none if it is a change like any other.

    Args:
        now: the settings in use.
        text: the file as it was when it was last good; "" if that is not known.
        new: what the file says now.
        asked: whether somebody said to reload it, so that its length is meant.
    """
    whole = Origin(str(new.path))
    found = [Mistake(whole, key, _missing(key)) for key in _unsaid_secrets(now, new)]
    if found or asked or new.settings == now:
        return found
    if new.says_nothing:
        why = "it has no setting any more"
    elif _is_cut_off(text, new.text):
        lines = len(text.splitlines())
        why = f"it ends at line {len(new.text.splitlines())} of the {lines} that it had"
    else:
        return []
    cure = "save it whole, or confirm it with: mattebox reload"
    return [Mistake(whole, "", f"looks cut off: {why}; {cure}")]


def _unsaid_secrets(now: Settings, new: LoadedConfig) -> list[str]:
    keys = [join(section, name) for section in Settings.model_fields for name in sorted(KEYS)]
    return [
        key
        for key in keys
        if _value(now, key) and not _value(new.settings, key) and not new.is_written(key)
    ]


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name, None)


def _missing(key: str) -> str:
    name = key.rpartition(".")[2]
    return (
        f"is in use, and not to be found here any more; write it again, or {name}: none to do "
        "without"
    )


def _is_cut_off(before: str, after: str) -> bool:
    """Whether ``after`` is the beginning of ``before``, and no more."""
    after = after.rstrip()
    return len(after) < len(before.rstrip()) and before.startswith(after)
