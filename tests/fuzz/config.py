"""The configuration loader: whatever the file holds, it returns Settings or says what is wrong.

A case is a file's bytes. Comment lines ``#!set key=value`` and ``#!env NAME=value`` in it are also
passed as flags and variables.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel

from appliance.config.load import InvalidConfig, Override, changed, load, load_located, to_yaml
from appliance.config.settings import Settings
from appliance.config.validate import item_of, section_of
from appliance.tools import check
from tests.fuzz.harness import Target, main
from tests.fuzz.mutate import spoiled

MOST_LINE = 2000
"""Longest error message in characters; a log line or STATUS= has to hold it."""

_ROOT = Path(__file__).resolve().parents[2]

SCALARS = (
    "", "~", "null", "true", "no", "off", "0", "-1", "1", "0.5", ".5", "5.", "1e3", "1e400", "-0",
    "1_000", "0x10", "0o7", "0b1", ".inf", "-.inf", ".nan", "9" * 40, "9" * 41, "9" * 5000,
    "0." + "0" * 400 + "1", "1e-99999", "12:30:45", "2026-11-21", "=", "<<", "auto", "x" * 3000,
    "1920x1080", "0x0", "99999999999x2", "30000/1001", "1/0", "0/0", "٣", "½", "²", "é", "\u202e",
    "\x85", "\u2028", "\ufeff", "\U0001f600", "'", '"', "'a''b'", '"\\x00"', '"\\u0000"',
    '"\\ud800"',
    '"\\n\\e[31m"', "!!python/object:os.system", "!!binary aGk=", "!x y", "&a b", "*a", "*",
    "&", "|", ">", "|2\n  x", "%YAML 1.1", "@", "`", "- ", "? x", ": ", "[", "]", "{", "}", "#",
    "rtsp://u:p@h/a", "rtsp://[::1", "rtsp://h:99999/x", "file:///%00", "file:///etc/passwd",
    "/dev/zero", "/dev/stdin", "~root/x", "~nobody-is-this/x", "../../../../../x", "a\tb",
    "${env:HOME}", "${credential:../x}", "${env:", "colour:#00b140", "colour:#zzz", "blur://",
    "v4l2:///dev/video0", "csi://0", "csi://99999999999999999999", "test://smpte", "demo://",
    "null://", "out.mp4", "x.yaml", "engines/portrait", "portrait",
)  # fmt: skip
SMALL = (
    b"steady: {strength: 0.5}\n",
    b"outputs:\n  - uri: null://\n  - {uri: out.mp4, encoder: x264enc}\n",
    b"source:\n  uri: clip.mp4\n  size: 640x360\n  fps: 30000/1001\n",
    b"a: &a [1, 2]\nb: *a\n<<: {c: 1}\n",
    b"roi: {margin: 1}\nroi: {margin: 2}\n",
    b"--- !!map\nroi: !!map {margin: !!float '1'}\n...\n---\nx: 1\n",
    b"#!set outputs.0.uri=null://\n#!env MATTEBOX_ROI__MARGIN=0.5\nroi: {hold: 0}\n",
    b"%YAML 1.2\n%TAG ! tag:x,2000:\n---\nroi: {}\n",
    b"scene: a\nscenes:\n  - {name: a, key: 1, settings: {steady: {motion_low: 5}}}\n  - name: b\n",
    b"a: |\n  text\n   more\nb: >-\n  folded\n",
)


def _keys() -> list[str]:
    names: list[str] = []

    def of(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            names.append(name)
            inner = section_of(field) or item_of(field)
            if inner is not None:
                of(inner)

    of(Settings)
    return names


KEYS = (*_keys(), "sourse", "URI", "", "<<", "0", "a.b", "__class__", "?", "x" * 300, "é", "model ")
_TOKENS = (
    *SCALARS,
    *KEYS,
    "\n",
    "\n  ",
    "\n    - ",
    ": ",
    ":\n  ",
    ", ",
    "\t",
    "\r",
    "\r\n",
    "---\n",
)
WORDS = tuple(token.encode("utf-8", "surrogatepass") for token in _TOKENS)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp037", "utf-7")


class ConfigTarget(Target):
    name = "config"

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._manual = (_ROOT / "config.yaml").read_bytes()

    def __enter__(self) -> ConfigTarget:
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        assert self._folder is not None
        self._folder.cleanup()

    def generate(self, rng: random.Random) -> bytes:
        return rng.choice((self._spoiled, self._spoiled, self._made, self._made, _bomb))(rng)

    def _spoiled(self, rng: random.Random) -> bytes:
        seed = self._manual if rng.random() < 0.3 else rng.choice(SMALL)
        return _encoded(spoiled(seed, WORDS, rng), rng)

    def _made(self, rng: random.Random) -> bytes:
        lines = []
        for _ in range(rng.randint(0, 3)):
            path = ".".join(rng.choice(KEYS) for _ in range(rng.randint(1, 4)))
            value = _tree(rng, 1, flow=True).replace("\n", " ")
            if rng.random() < 0.5:
                lines.append(f"#!set {path}={value}")
            else:
                lines.append(f"#!env MATTEBOX_{path.upper().replace('.', '__')}={value}")
        lines.append(_tree(rng, 0, flow=rng.random() < 0.2))
        return _encoded("\n".join(lines).encode("utf-8", "surrogatepass"), rng)

    def run(self, case: bytes) -> None:
        assert self._folder is not None
        path = Path(self._folder.name) / "config.yaml"
        path.write_bytes(case)
        overrides, env = _others(case)
        try:
            loaded = load_located(path, env=env, overrides=overrides)
            mistakes = check.mistakes(loaded)
            if mistakes:
                raise InvalidConfig(mistakes)
        except InvalidConfig as error:
            _judge(error, (str(path), "the default", "--set ", "MATTEBOX_"))
            return
        settings = loaded.settings
        assert not changed(settings, settings), "changed: differs from itself"
        text = to_yaml(settings)
        if "***" not in text:  # a password is not printed
            path.write_text(text)
            assert load(path) == settings, "printed: loads as something else"


def _judge(error: InvalidConfig, labels: tuple[str, ...]) -> None:
    assert error.mistakes, "nothing: refused without a mistake"
    for mistake in error.mistakes:
        text = str(mistake)
        assert mistake.message, f"silent: {text!r}"
        assert mistake.origin.label.startswith(labels), f"nowhere: {text!r}"
        assert len(text) <= MOST_LINE, f"long: {len(text)} characters, {text[:200]!r}"
        assert text.isprintable(), f"unprintable: {text!r}"
    assert str(error).count("\n") == len(error.mistakes) - 1, "lines: not one for each mistake"


def _others(case: bytes) -> tuple[list[Override], dict[str, str]]:
    overrides, env = [], {}
    for line in case.decode("utf-8", "replace").split("\n"):
        key, equals, value = line[6:].partition("=")
        if line.startswith("#!set ") and equals:
            overrides.append(Override(key, value))
        elif line.startswith("#!env ") and equals:
            env[key] = value
    return overrides, env


def _encoded(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.95:
        return data
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def _tree(rng: random.Random, depth: int, *, flow: bool) -> str:
    """Some YAML, mostly well formed, mostly with keys that exist."""
    kind = rng.random()
    decoration = rng.choice(("&a ", "!!str ", "!x ", "!!set ")) if rng.random() < 0.03 else ""
    if depth > 5 or (depth > 0 and kind < 0.5):
        return decoration + rng.choice(SCALARS)
    count = rng.choice((0, 1, 1, 2, 3, 8)) if depth else rng.choice((1, 3, 12))
    if depth and kind < 0.65:
        items = [_tree(rng, depth + 1, flow=True) for _ in range(count)]
        return f"{decoration}[{', '.join(items)}]"
    pairs = [(rng.choice(KEYS), _tree(rng, depth + 1, flow=flow)) for _ in range(count)]
    if flow:
        return f"{decoration}{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
    indent = "  " * depth
    return decoration + "".join(f"\n{indent}{key}: {value}" for key, value in pairs)


def _bomb(rng: random.Random) -> bytes:
    """Small in bytes, large when parsed: nesting, repetition, references."""
    size = rng.choice((17, 100, 1000, 20_000, 200_000))
    ways: tuple[Callable[[], str], ...] = (
        lambda: "[" * size,
        lambda: "{a: " * size,
        lambda: "[" * size + "]" * size,
        lambda: "- " * size,
        lambda: "? " * size,
        lambda: "\n".join(" " * i + "a:" for i in range(min(size, 1200))),
        lambda: f"roi: {{{', '.join(f'k{i}: 1' for i in range(size))}}}",
        lambda: "roi: {" + "margin: 1, " * size + "}",
        lambda: "outputs:\n" + "- uri: null://\n" * size,
        lambda: "\n".join(f"k{i}: 1" for i in range(size)),
        lambda: "a: &a [x]\n" + "\n".join(f"k{i}: *a" for i in range(size)),
        lambda: "a" * size + ": 1",
        lambda: "&" + "a" * size + " x",
        lambda: "!" + "a" * size + " x",
        lambda: "*" + "a" * size,
        lambda: "roi: {margin: " + "9" * size + "}",
        lambda: "roi: {margin: '" + "x\\" * size + "'}",
        lambda: 'source: {uri: "' + "\\\\" * size + '"}',
        lambda: "source: {uri: rtsp://" + "u:p@" * size + "}",
        lambda: "source: {uri: rtsp://" + "a:" * size + "@}",
        lambda: "source: {uri: " + "../" * size + "x}",
        lambda: "source: {uri: " + "${env:A}" * size + "}",
        lambda: "background: {uri: colour:" + "#" * size + "}",
        lambda: "source: {fps: " + "1" * size + "/" + "3" * size + "}",
        lambda: "source: {size: " + "1" * size + "x" + "2" * size + "}",
        lambda: "a: |\n" + "  x\n" * size,
        lambda: "\t" * size,
        lambda: " " * size + "a: 1",
        lambda: "\n" * size + "a",
        lambda: "#" * size,
        lambda: "---\n" * size,
        lambda: "%X " + "y " * size + "\n---\n",
        lambda: "'" + "''" * size,
        lambda: "#!set " + "roi." * size + "x=1\n",
        lambda: "#!set outputs." + "9" * size + ".uri=null://\n",
        lambda: f"#!set outputs.{size}.uri=null://\n",
        lambda: "#!set outputs=" + "[" * size + "\n",
        lambda: "#!env MATTEBOX_" + "A__" * size + "=1\n",
    )  # fmt: skip
    return rng.choice(ways)().encode()


TARGET = ConfigTarget()

if __name__ == "__main__":
    main(TARGET)
