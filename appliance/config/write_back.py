"""Writes changes into the configuration file, comments kept, in one rename."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from appliance.config.document import parse, read_text
from appliance.config.tree import Mapping as Section
from appliance.config.tree import Node, Scalar, Sequence, join
from appliance.config.uris import absolute
from appliance.errors import ConfigError
from appliance.system.file_identity import Identity, identity

Value = str | float | bool

_DRAFT = ".new"
_STALE_S = 60.0


class NotKept(ConfigError):
    """The file was not changed; the message says why, and what to do."""


def edited(text: str, changes: Mapping[str, Value]) -> str:
    """The YAML ``text`` with ``changes`` (dotted key -> value) made, everything else as it was.

    Raises NotKept when that is impossible without changing something else in it.
    """
    try:
        result = _with(text, changes)
    except (YAMLError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise NotKept(f"the file cannot be changed: {' '.join(str(error).split())}") from error
    # A list of words becomes one text with commas.
    before = {
        key: value
        for key, value in values_of(text).items()
        if not any(key.startswith(f"{changed}.") for changed in changes)
    }
    if values_of(result) != before | {key: shown(value) for key, value in changes.items()}:
        raise NotKept("the file cannot be changed without changing other values in it")
    lost = [line for line in comments_of(text) if line not in result]
    if lost:
        raise NotKept(f"the file cannot be changed without losing the comment {lost[0]!r}")
    return result


def as_written(path: Path, changes: Mapping[str, Value]) -> dict[str, Value]:
    """``changes`` with absolute paths as the file at ``path`` writes or would write them.

    A file and its pictures are moved together, so a relative path stays one: as it is written now
    where it means the same, else from the file's folder where the path lies within that.
    """
    folder = path.parent.absolute()
    try:
        now = values_of(read_text(path))
    except ConfigError:
        now = {}
    # Of a link to a file elsewhere, nobody knows which folder the pictures belong to.
    own = os.path.realpath(path.parent) == os.path.dirname(os.path.realpath(path))
    found: dict[str, Value] = {}
    for key, value in changes.items():
        found[key] = value
        if not isinstance(value, str) or not os.path.isabs(value):
            continue
        inside = own and Path(value).is_relative_to(folder)
        relative = str(Path(value).relative_to(folder)) if inside else value
        for text in (relative, now.get(key, value)):
            if absolute(text, folder) == value:
                found[key] = text
    return found


def _with(text: str, changes: Mapping[str, Value]) -> str:
    def put(root: Any) -> None:
        for key, value in changes.items():
            *sections, name = key.split(".")
            inner = root
            for section in sections:
                if isinstance(inner, list):
                    inner = inner[int(section)]
                    continue
                if inner.get(section) is None:
                    inner[section] = {}
                inner = inner[section]
            inner[name] = value

    return with_tree(text, put)


def with_tree(text: str, change: Callable[[Any], None]) -> str:
    """The YAML ``text`` after ``change`` of its tree, laid out as it was. Raises as ruamel does."""
    tree: Any
    tree, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=indent or 4, offset=2 if offset is None else offset)
    tree = yaml.load(text)
    # A file of comments alone has no tree to keep them in.
    before, root = ("", tree) if tree is not None else (_line(text), {})
    change(root)
    out = StringIO()
    yaml.dump(root, out)
    return before + out.getvalue()


def _line(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def values_of(text: str) -> dict[str, str]:
    """Every scalar as our own reader sees it, by dotted key; numbers as Python writes them."""
    found: dict[str, str] = {}
    open_: list[tuple[str, Node | None]] = [("", parse(text, "")[0])]
    while open_:
        key, node = open_.pop()
        if isinstance(node, Section):
            open_ += [(join(key, name), inner) for name, inner in node.items.items()]
        elif isinstance(node, Sequence):
            open_ += [(join(key, index), inner) for index, inner in enumerate(node.items)]
        elif isinstance(node, Scalar) and not node.is_null:
            found[key] = shown(node.text)
    return found


def shown(value: Value) -> str:
    """A value as ``values_of`` has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return repr(float(value))
    except ValueError:
        return str(value)


def comments_of(text: str) -> list[str]:
    """Every line that is a comment."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


@dataclass(frozen=True, slots=True)
class Draft:
    """A new version of the file, written beside it: ``finish`` puts it in place."""

    path: Path
    temporary: str
    before: Identity | None
    after: Identity
    text: str

    def finish(self) -> None:
        """Put it in place. When it raises NotKept, the file is as it was."""
        try:
            if identity(self.path) != self.before:
                raise NotKept(f"{self.path} was saved by somebody else just now; try again")
            os.rename(self.temporary, self.path)
        except OSError as error:
            raise _cannot(self.path, error) from error
        finally:
            self.drop()

    def drop(self) -> None:
        """Leave the file as it is."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.temporary)


def draft(named: Path, changes: Mapping[str, Value], check: Callable[[Path], object]) -> Draft:
    """``draft_of`` the file at ``named`` with ``changes`` (dotted key -> value) made."""
    return draft_of(named, lambda text: edited(text, changes), check)


def draft_of(named: Path, change: Callable[[str], str], check: Callable[[Path], object]) -> Draft:
    """Write the changed file beside the one at ``named``, with its mode and owner.

    ``change`` makes the new text of the old one, or raises NotKept. ``check`` reads the draft as
    the appliance would, and raises ConfigError when it is unusable. When this raises NotKept,
    nothing is left behind.
    """
    path = Path(os.path.realpath(named))
    before = identity(path)
    try:
        old = os.stat(path)
        text = read_text(path)
        new = change(text)
        # In the same folder: a rename works only within one file system, and paths in the file
        # start from its folder.
        _may_replace(path, old)
        _clear_away(path)
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=_DRAFT, dir=path.parent
        )
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            _own(descriptor, old, path)
            file.write(new)
            file.flush()
            os.fsync(descriptor)
        try:
            check(Path(temporary))
        except ConfigError as error:
            words = str(error).replace(temporary, str(path))
            raise NotKept(f"{path} would not be right, so it is left as it is: {words}") from error
        after = identity(Path(temporary))
        if after is None:
            raise FileNotFoundError(errno.ENOENT, "the draft has gone")
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _cannot(path, error) from error
        raise
    return Draft(path, temporary, before, after, new)


def _may_replace(path: Path, old: os.stat_result) -> None:
    """In a sticky folder only one's own files can be replaced: find that out beforehand."""
    folder = os.stat(path.parent)
    mine = os.geteuid() in (0, folder.st_uid, old.st_uid)
    if folder.st_mode & stat.S_ISVTX and not mine:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _clear_away(path: Path) -> None:
    """Remove drafts left behind by a process that was killed."""
    for left in path.parent.glob(f".{path.name}.*{_DRAFT}"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                left.unlink()


def _own(descriptor: int, old: os.stat_result, path: Path) -> None:
    """Give the draft the mode, owner and group of the old file."""
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError as error:
            # Root can read and write it anyway; any other owner would be locked out of their file.
            if old.st_uid != 0 and old.st_uid != mine.st_uid:
                raise NotKept(
                    f"{path} belongs to another user, whose it would not be any more"
                ) from error
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, -1, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _cannot(path: Path, error: OSError) -> NotKept:
    cures = {
        errno.EROFS: "the file system is read-only",
        errno.EACCES: "this user may not write into its folder",
        errno.EPERM: "it is not this user's to replace; for the service: chown mattebox",
        errno.ENOSPC: "the disk is full",
        errno.EBUSY: "it is a mount of its own; mount its folder instead",
    }
    why = cures.get(error.errno or 0, error.strerror or str(error))
    return NotKept(f"{path} cannot be written: {why}")
