"""Every mistake in one pass: of form, between settings, in the files named, in a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli import main as cli

CONFIG = """\
background:
  uri: #00b140
roi:
  margin: 7
source:
  uri: nofile.mp4
  retry_first_s: 9
matting:
  model: net/manifest.yaml
outputs:
  - uri: rtsp://0.0.0.0:8554/a
  - uri: rtsp://0.0.0.0:8555/b
  - uri: none/x.mp4
  - url: rtsp://0.0.0.0:8556/c
rtsp:
  certificate: none.pem
  key: none.key
http:
  token: #abc
"""
MANIFEST = """\
name: X!
model: none.onnx
input: {name: a, width: 1}
"""
# Each line that must be there, in this order: where it is and what it is about.
EXPECTED = (
    ":2:7: background.uri: found nothing, as # begins a comment",
    ":4:11: roi.margin: found 7",
    ":6:8: source.uri: ",
    ":7:18: source.retry_first_s: found 9; expected at most retry_most_s",
    ":9:10: matting.model: {net}: name: ",
    ":9:10: matting.model: {net}: input.width: ",
    ":9:10: matting.model: {net}: input.height: ",
    ":9:10: matting.model: {net}: output: ",
    ":9:10: matting.model: {net}: model: ",
    ":11:10: outputs.0.uri: found rtsp://0.0.0.0:8554/a, which other machines can reach",
    ":12:10: outputs.1.uri: found rtsp://0.0.0.0:8555/b, which other machines can reach",
    ":13:10: outputs.2.uri: ",
    ":14:5: outputs.3.url: unknown key; did you mean uri?",
    ":14:5: outputs.3.uri: is missing",
    ":16:16: rtsp.certificate: ",
    ":17:8: rtsp.key: ",
    ":19:9: http.token: found nothing, as # begins a comment",
)


@pytest.mark.parametrize("verb", ["check", "run"])
def test_all_mistakes_come_in_one_pass(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "net/manifest.yaml"
    net.parent.mkdir()
    net.write_text(MANIFEST)
    Path("config.yaml").write_text(CONFIG)
    assert cli.main([verb, "--set", "roi.hold=2"]) == 2
    title, *lines = capsys.readouterr().err.splitlines()
    expected = [*(f"config.yaml{line.format(net=net)}" for line in EXPECTED), "--set roi.hold: "]
    assert title == f"mattebox: {len(expected)} mistakes:"
    for line, start in zip(lines, expected, strict=True):
        assert line.strip().startswith(start)


def test_what_follows_from_another_mistake_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that is wrong is not missing, too."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(
        "rtsp: {password: [1]}\noutputs: [{uri: 'rtsp://0.0.0.0:8554/live'}]\n"
    )
    assert cli.main(["check"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "rtsp.password" in line
    assert "which other machines can reach" not in line


def test_a_file_that_is_not_there_does_not_hide_the_flags_mistakes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["check", "--config", "/none.yaml", "--set", "roi.margin=7"]) == 2
    said = capsys.readouterr().err
    assert "/none.yaml: cannot be read" in said
    assert "--set roi.margin: found 7" in said


@pytest.mark.parametrize(
    ("line", "shown"),
    [("uri: #00b140", '"#00b140"'), ("uri:   # none yet", '"# none yet"'), ("uri: ~ #x", '"#x"')],
)
def test_a_value_behind_a_comment_sign(
    line: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"# to YAML, this ends a line:\u2028# it does\nbackground:\n  {line}\n")
    assert cli.main(["check", "--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert (
        f"as # begins a comment; if the # belongs to the value, put it into quotes: {shown};"
        in (said)
    )


def test_a_bare_colour_is_told_how_colours_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "--background", "#00B140"]) == 2
    assert 'a colour is written "colour:#00b140"' in capsys.readouterr().err
    Path("#00B140").write_bytes(b"x")  # unless there is such a file
    assert cli.main(["check", "--background", "#00B140"]) == 0
