"""Each scheme is declared once: found by its file, known everywhere, cheap to look up."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config import schemes
from appliance.config.schemes import FAMILIES, OUTPUTS, SOURCES, BadDeclaration, Family
from appliance.config.settings import OutputSettings, Settings, SourceSettings
from appliance.config.uris import files_of, output_scheme, path_of
from appliance.daemon import apply
from appliance.outputs.make import make_output
from appliance.sources.make import make_source
from appliance.tools.doctor import media

FILES = [
    path
    for family in FAMILIES
    for folder in importlib.import_module(family.package).__path__
    for path in sorted(Path(folder).glob("*.py"))
]

WHALE = """
from pathlib import Path
from types import SimpleNamespace

from appliance.config.schemes import {kind}, Use


def check(uri):
    if not uri.startswith("whale:///"):
        raise ValueError("a whale is written whale:///deep/water")
    return uri


SCHEME = {kind}(
    names=("whale",),
    place=100,
    written="whale:///deep/water",
    check=check,
    path=lambda uri: Path(uri[len("whale://"):]),
    has_file=True,
    uses=(Use("whales", (("whalesrc", "whales-good"),), place=100),),
    make=lambda *given: SimpleNamespace(whale=given, live=True),
    {more}
)
"""
MORE = {
    "SourceScheme": "live=True, exclusive=True",
    "OutputScheme": "patient=True, ports={'whale': 52}",
    "BackgroundScheme": "hides_room=False",
}

Put = Callable[[Family[schemes.Scheme], str, str], None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Puts a file into a family's folder; it is removed after the test."""
    put: list[str] = []

    def one(family: Family[schemes.Scheme], name: str, text: str) -> None:
        folder = tmp_path / family.package
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(text)
        package = importlib.import_module(family.package)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        put.append(f"{family.package}.{name}")
        importlib.invalidate_caches()
        family.forget()

    yield one
    monkeypatch.undo()
    for module in put:
        package, _, name = module.rpartition(".")
        sys.modules.pop(module, None)
        vars(sys.modules[package]).pop(name, None)
    for family in FAMILIES:
        family.forget()


def whale(kind: str) -> str:
    return WHALE.format(kind=kind, more=MORE[kind])


class TestANewSchemeIsOneFile:
    """What a new file in the folder achieves, with nothing else touched."""

    def test_of_a_source(self, put: Put, tmp_path: Path) -> None:
        put(SOURCES, "whale", whale("SourceScheme"))
        with pytest.raises(ValueError, match="a whale is written whale:///deep/water"):
            SourceSettings(uri="whale://7")
        with pytest.raises(ValueError, match=r"gopher:// is none of .*avatar://, whale://"):
            SourceSettings(uri="gopher://")
        settings = SourceSettings(uri="whale:///no/water")
        assert make_source(settings).whale == (settings, "whale:///no/water")  # type: ignore[attr-defined]
        assert apply._same_device("whale:///a", "whale:///a")
        assert not apply._same_device("whale:///a", "whale:///b")
        assert media.uses()[-1].elements == (("whalesrc", "whales-good"),)

    def test_of_an_output(self, put: Put) -> None:
        put(OUTPUTS, "whale", whale("OutputScheme"))
        output = OutputSettings(uri="whale:///deep")
        assert make_output(output).whale == (output,)  # type: ignore[attr-defined]
        scheme = output_scheme("whale:///deep")
        assert scheme is not None
        assert scheme.patient
        with pytest.raises(ValueError, match=r"outputs.0 has whale:///deep already"):
            Settings(outputs=(output, output))

    @pytest.mark.parametrize(
        ("family", "kind", "flag"),
        list(zip(FAMILIES, MORE, ("source", "output", "background"), strict=True)),
    )
    def test_check_knows_it(
        self, tmp_path: Path, family: Family[schemes.Scheme], kind: str, flag: str
    ) -> None:
        """In a separate process, as the text of what is allowed is made at startup."""
        (tmp_path / "whale.py").write_text(whale(kind))
        code = (
            f"import sys, {family.package} as room; room.__path__.append({str(tmp_path)!r}); "
            "from appliance.cli.main import main; sys.exit(main(sys.argv[1:]))"
        )
        for uri, words in (
            ("whale://7", "a whale is written whale:///deep/water"),
            ("whale:///no/water", "/no/water: "),
            ("gopher://", ", whale://"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", code, "check", f"--{flag}", uri],
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert done.returncode == 2
            assert words in done.stderr


class TestADeclarationThatIsWrong:
    """A mistake in the code, reported in a sentence."""

    def test_a_module_without_one(self, put: Put) -> None:
        put(SOURCES, "bare", "")
        with pytest.raises(
            BadDeclaration, match=r"sources\.schemes\.bare: found no SCHEME; .*SourceScheme\("
        ):
            SOURCES.all()

    def test_one_of_another_kind(self, put: Put) -> None:
        put(SOURCES, "whale", whale("OutputScheme"))
        with pytest.raises(BadDeclaration, match=r"found SCHEME = OutputScheme\(.*SourceScheme\("):
            SOURCES.all()

    def test_a_name_that_is_taken(self, put: Put) -> None:
        put(SOURCES, "whale", whale("SourceScheme").replace('("whale",)', '("whale", "csi")'))
        with pytest.raises(
            BadDeclaration, match=r"whale: claims csi://, which appliance\.sources\.schemes\.csi"
        ):
            SOURCES.all()

    def test_a_second_one_that_takes_paths(self, put: Put) -> None:
        put(SOURCES, "whale", whale("SourceScheme").replace("live=True,", "live=True, bare=True,"))
        with pytest.raises(BadDeclaration, match="claims addresses without a scheme"):
            SOURCES.all()


@pytest.mark.parametrize("heavy", ["numpy", "gi", "numba", "cv2", "onnxruntime"])
def test_all_of_them_together_are_light(heavy: str) -> None:
    code = (
        "from appliance.config.schemes import FAMILIES; import sys; "
        f"[family.all() for family in FAMILIES]; sys.exit({heavy!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parents[1].name}/{path.stem}")
def test_a_declaration_imports_nothing_that_asks_for_the_declarations(path: Path) -> None:
    """Otherwise importing it first would be circular; ``uris`` and the settings do ask."""
    imported = {
        node.module or ""
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    }
    low = ("appliance.config.schemes", "appliance.config.secrets", "appliance.errors")
    assert [
        name
        for name in imported
        if name.startswith("appliance")
        and not name.startswith("appliance.system.")
        and name not in (*low, "appliance.config")
    ] == []


def test_a_name_means_the_same_path_in_every_family() -> None:
    for family in FAMILIES:
        for scheme in family.all():
            for name in scheme.names if scheme.path is not None else ():
                for uri in (f"{name}:///dev/video0", f"{name}:///a%20b.mp4"):
                    assert scheme.path(uri) == path_of(uri)


@pytest.mark.parametrize("uri", ["demo://", "test://", "clip.mp4", "rtsp://cam/1", "v4l2:///dev/x"])
def test_what_is_made_is_live_as_declared(uri: str) -> None:
    scheme = SOURCES.named(uri.partition("://")[0] if "://" in uri else "")
    assert scheme is not None
    for pace in ("realtime", "fast"):
        made = make_source(SourceSettings(uri=uri, pace=pace, capture="gstreamer"))  # type: ignore[arg-type]
        assert made.live == (scheme.live or pace == "realtime")


def test_check_asks_for_files_and_not_for_devices(tmp_path: Path) -> None:
    file, device = f"file://{tmp_path}/a.mp4", "v4l2:///dev/video0"
    assert files_of(file, SOURCES.named("file")) == (tmp_path / "a.mp4",)
    assert files_of(device, SOURCES.named("v4l2")) == ()
    puppet = f"puppet://{tmp_path}/a%20b.png?drive={tmp_path}/a.mp4"
    both = (tmp_path / "a b.png", tmp_path / "a.mp4")
    assert files_of(puppet, SOURCES.named("puppet")) == both
