"""Schemes: which addresses sources, outputs and backgrounds can have, and what each can do.

A scheme is declared once, in a file of its own: ``sources/schemes/csi.py`` says what ``csi://``
looks like, what it needs, whether it is exclusive, and how it is opened. Everyone who needs to know
looks the declaration up here: the settings, make, check, doctor, a reload, the HTTP API.

The declarations are found by convention, as plugins are: every module in a family's folder has a
``SCHEME``. They are not listed anywhere: the settings must know them all but may import nothing
from the rooms above, and a new scheme is then just one new file. The files must be light, because
every ``mattebox check`` imports them all: whatever opens a camera or loads GStreamer is imported
inside ``make``, and the settings are imported for their types only.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Use:
    """What a set of GStreamer elements is for, as doctor shows it, in the order of ``place``.

    ``elements`` are (element, package) pairs. Without a ``needed`` set the main job cannot run.
    Sets with the same name are shown as one.
    """

    name: str
    elements: tuple[tuple[str, str], ...]
    place: int
    needed: bool = False
    only_on_jetson: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """A library with GObject introspection: what it is for, its namespace, its name, its package.

    An output's libraries are needed only when it is configured.
    """

    use: str
    namespace: str
    name: str
    package: str


def as_it_is(uri: str) -> str:
    """The address, unchanged."""
    return uri


def _nothing(_path: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scheme:
    """What every scheme declares.

    Attributes:
        names: the names before ``://``, in lower case; more than one if they are all opened in the
            same way.
        place: its sort key in lists of schemes.
        written: what its addresses look like, for a list of what is allowed.
        check: checks the form of an address (nothing is opened), and returns it, normalised if it
            can be written in several ways. Raises ValueError in words.
        make: makes it, not opened yet: a source from its settings and the address (``auto``
            resolved), an output from its settings, a background from its settings and the canvas's
            format. Raises InputError or MissingDependency.
        spelling: a regular expression for the whole address, if it is not written ``name://…``.
        bare: whether an address without a scheme, that is a path, is one of these; true for one
            scheme in a family.
        meant: the mistake in words, when a path, or an address of a scheme that there is not, can
            only have been meant as one of these.
        path: the path that an address names, if it names one; the same in every family.
        has_file: whether that is a plain file, which must exist or, for an output, is written.
        files: all the plain files that an address names, where it names several.
        anchored: an address with its relative paths made absolute, starting from a folder, where
            it has paths after ``://``. Raises nothing.
        uses: the GStreamer elements it needs.
        network: the network that it needs, installed under this name by ``mattebox model add``.
    """

    names: tuple[str, ...]
    place: int
    written: str
    make: Callable[..., Any]
    check: Callable[[str], str] = as_it_is
    spelling: str | None = None
    bare: bool = False
    meant: Callable[[str], str | None] = _nothing
    path: Callable[[str], Path] | None = None
    has_file: bool = False
    files: Callable[[str], tuple[Path, ...]] | None = None
    anchored: Callable[[str, Path], str] | None = None
    uses: tuple[Use, ...] = ()
    network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceScheme(Scheme):
    """A kind of source.

    Attributes:
        live: whether it cannot wait; if it can, ``source.pace`` says whether it does.
        exclusive: whether a device can be opened only once, so that the old source must release it
            before the new one opens.
        device: a key that is the same for all addresses of one device.
        by_auto: whether ``auto`` may choose it.
        by_jetson_utils: whether jetson-utils may take its pictures.
        microphone: the address of the microphone that belongs to an address's camera, asked each
            time that it is to be opened; None there if it has none. Whoever declares this has no
            sound in its stream.
        folders: whether what it names may be a folder, rather than a file.
    """

    live: bool
    exclusive: bool = False
    device: Callable[[str], object] = as_it_is
    by_auto: bool = False
    by_jetson_utils: bool = False
    microphone: Callable[[str], str | None] | None = None
    folders: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutputScheme(Scheme):
    """A kind of output.

    Attributes:
        destination: in words, what two outputs cannot share; None if any number may.
        ports: for a server, the default port of each name.
        patient: whether it can wait for frames, so that a dropped one is a fault if the source can
            wait too.
        libraries: what it needs besides GStreamer's elements.
        retry_most_s: the longest wait before it is opened anew after a failure, seconds.
        secret: the setting of an output in which its secret may stand; "" if it has none.
        takes_references: whether its address may hold references to secrets.
        encodes: whether it sends H.264, by an encoder that others may take from as well.
    """

    destination: Callable[[str], str | None] | None = as_it_is
    ports: Mapping[str, int] = field(default_factory=dict)
    patient: bool = False
    libraries: tuple[Library, ...] = ()
    retry_most_s: float = 2.0
    secret: str = ""
    takes_references: bool = False
    encodes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BackgroundScheme(Scheme):
    """What stands behind the person.

    Attributes:
        hides_room: whether it shows nothing of the real scene.
    """

    hides_room: bool = True


S = TypeVar("S", bound=Scheme)


class BadDeclaration(TypeError):
    """A module in a folder of schemes does not declare one as it should: a bug in the code."""


class Family(Generic[S]):
    """The schemes of one kind, each declared in a module of one package as its ``SCHEME``."""

    def __init__(self, package: str, kind: type[S]) -> None:
        self.package, self._kind = package, kind
        self._all: tuple[S, ...] | None = None
        self._by_name: dict[str, S] = {}

    def all(self) -> tuple[S, ...]:
        """All of them, in order; searched for at the first call. Raises BadDeclaration."""
        if self._all is None:
            self._by_name, self._all = self._find()
        return self._all

    def named(self, name: str) -> S | None:
        """The scheme with a name ("csi"), for "" the one that takes paths; None if unknown."""
        self.all()
        return self._by_name.get(name)

    def forget(self) -> None:
        """Search for them again at the next call; for tests."""
        self._all = None

    def known(self) -> str:
        """Their names, for an error: "file://, colour://"."""
        return ", ".join(f"{name}://" for scheme in self.all() for name in scheme.names)

    def written(self, *, bare_first: bool = False) -> str:
        """What their addresses look like, for a list of what is allowed."""
        schemes = sorted(self.all(), key=lambda scheme: bare_first and not scheme.bare)
        return ", ".join(scheme.written for scheme in schemes)

    def _find(self) -> tuple[dict[str, S], tuple[S, ...]]:
        by_name: dict[str, S] = {}
        modules: dict[str, str] = {}
        found: list[S] = []
        folder = importlib.import_module(self.package).__path__
        for name in sorted(module.name for module in pkgutil.iter_modules(folder)):
            module = f"{self.package}.{name}"
            scheme = getattr(importlib.import_module(module), "SCHEME", None)
            if not isinstance(scheme, self._kind):
                raise BadDeclaration(
                    f"{module}: found {'no SCHEME' if scheme is None else f'SCHEME = {scheme!r}'}; "
                    f"every module of this package declares one, SCHEME = "
                    f"{self._kind.__name__}(…), see appliance.config.schemes"
                )
            for claimed in (*scheme.names, *([""] if scheme.bare else [])):
                if claimed in by_name:
                    what = f"{claimed}://" if claimed else "addresses without a scheme"
                    raise BadDeclaration(
                        f"{module}: claims {what}, which {modules[claimed]} has already; "
                        "take it out of one of the two"
                    )
                by_name[claimed], modules[claimed] = scheme, module
            found.append(scheme)
        return by_name, tuple(sorted(found, key=lambda scheme: scheme.place))


SOURCES = Family("appliance.sources.schemes", SourceScheme)
OUTPUTS = Family("appliance.outputs.schemes", OutputScheme)
BACKGROUNDS = Family("appliance.background.schemes", BackgroundScheme)
FAMILIES: tuple[Family[Any], ...] = (SOURCES, OUTPUTS, BACKGROUNDS)
