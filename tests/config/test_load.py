"""The configuration: what loads, what is refused with which message, and what overrides what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from appliance.config import load as config
from appliance.config.load import InvalidConfig, Override
from appliance.config.settings import OutputSettings, Settings
from appliance.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes ./config.yaml, so that messages name it in full."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes) -> Path:
        data = text if isinstance(text, bytes) else text.encode()
        Path("config.yaml").write_bytes(data)
        return Path("config.yaml")

    return write


def messages(path: Path | None, **layers) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, **layers)
    assert str(caught.value).splitlines() == [str(m) for m in caught.value.mistakes]
    return str(caught.value).splitlines()


EVERYTHING_IS_DEFAULT = (
    "# only a comment\n",
    "---\n",
    "~\n",
    "roi:\n",
    "\ufeffroi: {}\n",
    "{}\n",
)


@pytest.mark.parametrize("text", EVERYTHING_IS_DEFAULT)
def test_a_file_that_says_nothing_gives_the_defaults(write, text):
    assert config.load(write(text)) == Settings()


@pytest.mark.parametrize("text", ["", "\n", " \n\n", "\ufeff"])
def test_an_empty_file_is_an_accident_and_says_how_to_mean_it(write, text):
    path = write(text)
    [said] = messages(path)
    assert said == f"{path}: is empty; write the settings again, or {{}} if the defaults are meant"


def test_a_file_that_lost_its_blocks_to_a_power_cut_is_refused(write):
    assert "control character U+0000" in messages(write("\0" * 4096))[0]


GOOD = {
    "steady: {enabled: off}": ("steady", "enabled", False),
    "steady: {enabled: Yes}": ("steady", "enabled", True),
    "refine: {epsilon: 1e-3}": ("refine", "epsilon", 1e-3),
    "refine: {epsilon: 1.e-2}": ("refine", "epsilon", 1e-2),
    "roi: {margin: 0}": ("roi", "margin", 0.0),
    "roi: {margin: .5}": ("roi", "margin", 0.5),
    "source: {latency_ms: 0100}": ("source", "latency_ms", 100),
    "source: {size: 1920x1080}": ("source", "size", (1920, 1080)),
    "source: {fps: 30}": ("source", "fps", (30, 1)),
    "source: {fps: 59.94}": ("source", "fps", (60000, 1001)),
    "source: {fps: 12.5}": ("source", "fps", (25, 2)),
    "source: {fps: '30000/1001'}": ("source", "fps", (30000, 1001)),
    "source: {uri: rtsp://u:p@h/a}": ("source", "uri", "rtsp://u:p@h/a"),
    "background: {uri: 'colour:#00B140'}": ("background", "uri", "colour:#00b140"),
    "background: {uri: colour:#00b140}": ("background", "uri", "colour:#00b140"),
    "source:\n  uri: no": ("source", "uri", "HERE/no"),
    "matting: {model: 5}": ("matting", "model", "5"),
    "matting: {model: nets/a.yaml}": ("matting", "model", "HERE/nets/a.yaml"),
    "source: {uri: 'file:///a%20b.mp4'}": ("source", "uri", "file:///a%20b.mp4"),
}


@pytest.mark.parametrize(("text", "expected"), GOOD.items())
def test_a_value_means_what_its_setting_wants(write, text, expected):
    section, key, value = expected
    got = getattr(getattr(config.load(write(text)), section), key)
    if isinstance(value, str):
        value = value.replace("HERE", str(Path.cwd()))
    assert got == value
    assert type(got) is type(value)


BAD = {
    # Syntax.
    "roi:\n\tmargin: 1\n": ["config.yaml:2:1: found a tab; YAML is indented with spaces"],
    "roi: {margin: 0.1\n": [
        "config.yaml:2:1: not YAML: expected ',' or '}', but got '<stream end>'; "
        "a bracket is not closed"
    ],
    "source: {uri: 'clip.mp4}\n": [
        "config.yaml:2:1: not YAML: found unexpected end of stream; a quote is not closed"
    ],
    "background:\n  uri: a: b\n": [
        "config.yaml:2:9: not YAML: mapping values are not allowed here; a ': ' within a value "
        "needs quotes around the value; else the indentation is off"
    ],
    "roi: {}\n---\nroi: {}\n": ["config.yaml:2:1: found a second document (---); expected one"],
    "roi: &a {margin: 0.1}\nclean: *a\n": [
        "config.yaml:1:6: roi: found the anchor &a; anchors are not used here",
        "config.yaml:2:8: clean: found the alias *a; write the value itself",
    ],
    "roi: !!python/object:os.system {}\n": [
        "config.yaml:1:6: roi: found the tag tag:yaml.org,2002:python/object:os.system; "
        "write the plain value"
    ],
    "roi:\n  <<: {margin: 0.1}\n": [
        "config.yaml:2:3: roi: found the merge key <<; write the values themselves"
    ],
    "roi: {? [a] : 1}\n": ["config.yaml:1:9: roi: found a list of 1 as a key; expected a name"],
    "roi: {margin: 0.1, margin: 0.2}\n": [
        "config.yaml:1:20: roi.margin: found a second time; the first is in line 1; "
        "keep one of them"
    ],
    "- roi\n": [
        "config.yaml:1:1: found a list of 1; expected sections: "
        + ", ".join(Settings.model_fields)
    ],
    "roi\n": [
        "config.yaml:1:1: found roi; expected sections: "
        + ", ".join(Settings.model_fields)
    ],
    "source: {uri: \x07}\n": ["config.yaml:1:15: found the control character U+0007"],
    "[" * 40 + "]" * 40: ["config.yaml:1:18: 0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0: is nested more "
                          "than 16 deep"],
    # Names.
    "steady: {strenght: 0.5}\n": [
        "config.yaml:1:10: steady.strenght: unknown key; did you mean strength?"
    ],
    "choke: 0.1\n": ["config.yaml:1:1: choke: unknown key; there is edge.choke"],
    "composite: {feather: 0.1}\n": [
        "config.yaml:1:1: composite: unknown key; its feather is called roi.ramp now (the fading "
        "at the region's border); the person's own edge is set by edge.softness and edge.choke"
    ],
    "log: {colour: red}\n": [
        "config.yaml:1:7: log.colour: unknown key; known here: level, format"
    ],
    # Types.
    "roi: 5\n": [
        "config.yaml:1:6: roi: found 5; expected a section with enabled, margin, level, trend, "
        "hold, ramp, rescan_s, min_size, split"
    ],
    "roi: {margin: [1]}\n": [
        "config.yaml:1:15: roi.margin: found a list of 1; expected a number from 0 to 1 "
        "(room around the person, as a fraction of their box)"
    ],
    "roi: {margin: }\n": [
        "config.yaml:1:14: roi.margin: found nothing; expected a number from 0 to 1 (room around "
        "the person, as a fraction of their box); or leave the key out for its default"
    ],
    'roi: {margin: "0.5"}\n': [
        'config.yaml:1:15: roi.margin: found "0.5"; expected a number from 0 to 1 (room around '
        "the person, as a fraction of their box); take the quotes away"
    ],
    "roi:\n  margin: 0,5\n": [
        "config.yaml:2:11: roi.margin: found 0,5; expected a number from 0 to 1 (room around the "
        "person, as a fraction of their box); write a point, not a comma"
    ],
    "roi: {enabled: 1}\n": [
        "config.yaml:1:16: roi.enabled: found 1; expected true or false (off: the network always "
        "sees the whole picture)"
    ],
    "roi: {enabled: 'on'}\n": [
        'config.yaml:1:16: roi.enabled: found "on"; expected true or false (off: the network '
        "always sees the whole picture)"
    ],
    "clean: {grow: 1.0}\n": [
        "config.yaml:1:15: clean.grow: found 1.0; expected a whole number from 0 to 32 "
        "(soft hair kept around a part, network pixels)"
    ],
    "outputs: {uri: 'null://'}\n": [
        "config.yaml:1:10: outputs: found a section with uri; expected a list of 1 to 16 outputs, "
        "each with its uri"
    ],
    "outputs: ['null://']\n": [
        'config.yaml:1:11: outputs.0: found "null://"; expected an output, for example '
        "uri: null://"
    ],
    "outputs: [bitrate_kbps: 5]\n": [
        "config.yaml:1:11: outputs.0.uri: is missing; expected rtsp://address:port/path, "
        "rtsps://…, srt://host:port, srt://:port, rtmp://host/app, rtmps://…, "
        "rtsp+push://host:port/path, display://, a path that ends in .mp4, .mkv or .m3u8 (HLS), "
        "file:///….mp4, "
        "v4l2:///dev/video9, null:// (where the picture goes)"
    ],
    "outputs: []\n": [
        "config.yaml:1:10: outputs: found an empty list; expected a list of 1 to 16 outputs, "
        "each with its uri (ways out, all at once)"
    ],
    # Values.
    "steady: {strength: 1.5}\n": [
        "config.yaml:1:20: steady.strength: found 1.5; expected a number from 0 up to, not "
        "including, 1 (weight of the last matte where nothing moves)"
    ],
    "roi: {margin: .nan}\n": [
        "config.yaml:1:15: roi.margin: found .nan; expected a number from 0 to 1 (room around the "
        "person, as a fraction of their box)"
    ],
    "roi: {rescan_s: 1e999}\n": [
        "config.yaml:1:17: roi.rescan_s: found 1e999; expected a number from 0.1 to 60 (look at "
        "the whole picture this often, seconds)"
    ],
    "roi: {level: -.inf}\n": [
        "config.yaml:1:14: roi.level: found -.inf; expected a number above 0 up to 1 (smoothing "
        "of the box (a in the formula); 1: none)"
    ],
    "source: {latency_ms: 99999999999999999999999999999999999999999999999}\n": [
        "config.yaml:1:22: source.latency_ms: found "
        "99999999999999999999999999999999999999999999999; expected a whole number from 0 to 10000 "
        "(jitter buffer of RTSP and SRT, milliseconds)"
    ],
    "source: {transport: sctp}\n": [
        "config.yaml:1:21: source.transport: found sctp; expected tcp or udp (how RTSP media "
        "travels)"
    ],
    "source: {size: 641x361}\n": [
        "config.yaml:1:16: source.size: found 641x361; both sides must be even and between 32 and "
        "8192 pixels"
    ],
    "canvas: {size: big}\n": [
        "config.yaml:1:16: canvas.size: found big; expected auto or WIDTHxHEIGHT, for example "
        "1920x1080"
    ],
    "canvas: {fps: '1e999999999'}\n": [
        'config.yaml:1:15: canvas.fps: found "1e999999999"; expected auto, a number, or a '
        "fraction such as 30000/1001"
    ],
    "canvas: {fps: 1/0}\n": [
        "config.yaml:1:15: canvas.fps: found 1/0; expected auto, a number, or a fraction such as "
        "30000/1001"
    ],
    "canvas: {fps: 500}\n": [
        "config.yaml:1:15: canvas.fps: found 500; must be between 1 and 240 frames a second"
    ],
    # Addresses.
    "source: {uri: rtps://u:secret@h/x}\n": [
        "config.yaml:1:15: source.uri: found rtps://u:***@h/x; rtps:// is none of v4l2://, "
        "rtsp://, rtsps://, srt://, rtmp://, rtmps://, http://, https://, csi://, file://, "
        "test://, demo://, puppet://, avatar://"
    ],
    "source: {uri: /dev/video0}\n": [
        "config.yaml:1:15: source.uri: found /dev/video0; a camera is written v4l2:///dev/video0"
    ],
    "source: {uri: v4l2://video0}\n": [
        "config.yaml:1:15: source.uri: found v4l2://video0; a device is written "
        "v4l2:///dev/video0"
    ],
    "source: {uri: file://clip.mp4}\n": [
        "config.yaml:1:15: source.uri: found file://clip.mp4; a file address has three slashes: "
        "file:///home/me/clip.mp4"
    ],
    "source: {uri: rtsp://h:99999/x}\n": [
        "config.yaml:1:15: source.uri: found rtsp://h:99999/x; the port must be a number from 1 "
        "to 65535"
    ],
    "background: {uri: colour:red}\n": [
        "config.yaml:1:19: background.uri: found colour:red; a colour is written colour:#RRGGBB, "
        "for example colour:#00b140"
    ],
    "outputs: [uri: out.avi]\n": [
        "config.yaml:1:16: outputs.0.uri: found out.avi; a file output must end in .mp4, .mkv or "
        ".m3u8 (HLS)"
    ],
    "outputs: [uri: 'rtsp://127.0.0.1:8554']\n": [
        'config.yaml:1:16: outputs.0.uri: found "rtsp://127.0.0.1:8554"; the stream needs a path: '
        "rtsp://127.0.0.1:8554/live"
    ],
    # Rules across settings.
    "steady: {motion_low: 8}\n": [
        "config.yaml:1:22: steady.motion_low: found 8; expected less than motion_high, which is 6"
    ],
    "steady:\n  motion_high: 1\n": [
        "config.yaml:2:16: steady.motion_low: found 1.5; expected less than motion_high, which "
        "is 1"
    ],
    "source: {retry_first_s: 9}\n": [
        "config.yaml:1:25: source.retry_first_s: found 9; expected at most retry_most_s, which "
        "is 2"
    ],
    "outputs:\n- uri: rtsp://127.0.0.1:8554/a\n- uri: rtsp://127.0.0.1:8554/a/\n": [
        "config.yaml:3:8: outputs.1.uri: found rtsp://127.0.0.1:8554/a/; outputs.0 has the stream "
        "/a on port 8554 already"
    ],
    "rtsp: {insecure: true}\noutputs:\n"
    "- uri: rtsp://0.0.0.0:8554/a\n- uri: rtsp://127.0.0.1:8554/b\n": [
        "config.yaml:4:8: outputs.1.uri: found rtsp://127.0.0.1:8554/b; outputs.0 listens on that "
        "port as 0.0.0.0 already, give both the same address"
    ],
    "outputs:\n- uri: rtsp://127.0.0.1/a\n- uri: rtsp://127.0.0.1:8554/a\n": [
        "config.yaml:3:8: outputs.1.uri: found rtsp://127.0.0.1:8554/a; outputs.0 has the stream "
        "/a on port 8554 already"
    ],
    "rtsp: {max_clients: 9}\noutputs: [uri: rtsp://0.0.0.0:8554/live]\n": [
        "config.yaml:2:16: outputs.0.uri: found rtsp://0.0.0.0:8554/live, which other machines can "
        "reach, but no password; set rtsp.password (to ${credential:name} or ${env:NAME}, see "
        "config.yaml), or listen at 127.0.0.1, or write rtsp.insecure: true to let everybody in"
    ],
    "outputs: [uri: rtsps://127.0.0.1/live]\n": [
        "config.yaml:1:16: outputs.0.uri: found rtsps://127.0.0.1/live, but no certificate for it; "
        "name one in rtsp.certificate (config.yaml says how to make one), or write rtsp://"
    ],
    "rtsp: {certificate: /c.pem, insecure: true}\noutputs:\n- uri: rtsp://[::]:8554/live\n": [
        "config.yaml:3:8: outputs.0.uri: found rtsp://[::]:8554/live, which is not encrypted, "
        "although rtsp.certificate is given; write rtsps:// for it, or take the certificate out"
    ],
    "rtsp: {certificate: /c.pem}\n"
    "outputs: [uri: rtsp://127.0.0.1:8554/a, uri: rtsps://127.0.0.1:8554/b]\n": [
        "config.yaml:2:46: outputs.1.uri: found rtsps://127.0.0.1:8554/b; outputs.0 serves rtsp:// "
        "on that port already, give this one another port"
    ],
    "rtsp: {key: /k.pem}\n": [
        "config.yaml:1:13: rtsp.key: found /k.pem, but no certificate; name its certificate, too"
    ],
    "rtsp: {password: pa55}\n": [
        "config.yaml:1:18: rtsp.password: found a secret that is 4 characters long; expected at "
        "least 8"
    ],
    "rtsp: {password: 12345678, user: 'a b'}\n": [
        "config.yaml:1:34: rtsp.user: found \"a b\"; expected 1 to 64 of the letters a to z and A "
        "to Z, digits, point, hyphen and underscore (the name that goes with the password)"
    ],
    "rtsp:\n  password: ${vault:rtsp}\n": [
        "config.yaml:2:13: rtsp.password: found a secret that is not one; a reference is written "
        "${credential:name} or ${env:NAME}"
    ],
    "rtsp:\n  password: *open5esame\n": [
        "config.yaml:2:13: rtsp.password: found an alias, anchor or tag; put the value into quotes"
    ],
    "rtsp:\n  password: &open5esame\n": [
        "config.yaml:2:13: rtsp.password: found an alias, anchor or tag; put the value into quotes"
    ],
    "rtsp:\n  password: !open5esame\n": [
        "config.yaml:2:13: rtsp.password: found an alias, anchor or tag; put the value into quotes"
    ],
    "rtsp:\n  pasword: open5esame\n": [
        "config.yaml:2:3: rtsp.pasword: unknown key; did you mean password?"
    ],
    "source: {uri: 'rtsp://me:${env:X@camera/1'}\n": [
        'config.yaml:1:15: source.uri: found "rtsp://me:***@camera/1"; a reference is written '
        "${credential:name} or ${env:NAME}"
    ],
    "source: {uri: 'rtps://me:" + 70 * "x" + "@camera/1'}\n": [
        'config.yaml:1:15: source.uri: found "rtps://me:***@camera/1"; rtps:// is none of v4l2://, '
        "rtsp://, rtsps://, srt://, rtmp://, rtmps://, http://, https://, csi://, file://, "
        "test://, demo://, puppet://, avatar://"
    ],
    "outputs: [uri: /a.mp4, uri: file:///a.mp4]\n": [
        "config.yaml:1:29: outputs.1.uri: found file:///a.mp4; outputs.0 has the file /a.mp4 "
        "already"
    ],
    "source: {uri: /a.mp4}\noutputs: [uri: /a.mp4]\n": [
        "config.yaml:2:16: outputs.0.uri: found /a.mp4, which source.uri reads; name another"
    ],
    "source: {uri: avatar://anna}\nbackground: {uri: blur://}\n": [
        "config.yaml:2:19: background.uri: found blur://, and an avatar has no room of its own to "
        "be shown out of focus; name a picture, a video, a colour or gradient://"
    ],
    # Bytes.
    b"roi:\n  margin: \xff\n": [
        "config.yaml:2:11: found the byte 0xff, which is not UTF-8; save the file as UTF-8"
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BAD.items())
def test_a_mistake_is_told_with_place_key_finding_and_cure(write, text, expected):
    assert messages(write(text)) == expected


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(write):
    path = write("roi:\n  margin: 9\n  levle: 1\nsteady: {strength: x}\nfps: 1\n")
    lines = messages(path, env={"MATTEBOX_ROI__HOLD": "2"}, overrides=[("clean.grow", "-1")])
    places = [line.split(": ")[0] for line in lines]
    assert places == [
        "config.yaml:2:11",
        "config.yaml:3:3",
        "config.yaml:4:20",
        "config.yaml:5:1",
        "MATTEBOX_ROI__HOLD",
        "--set clean.grow",
    ]


def test_every_alias_bomb_is_refused_quickly(write):
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))
    with pytest.raises(InvalidConfig, match="found the alias"):
        config.load(write("l0: &l0 [x]\n" + levels))


class TestFilesThatAreNone:
    def test_missing(self, tmp_path):
        path = tmp_path / "no.yaml"
        assert messages(path) == [
            f"{path}: cannot be read (No such file or directory); give a readable file with "
            "--config"
        ]

    def test_directory(self, tmp_path):
        assert messages(tmp_path) == [f"{tmp_path}: is a directory; expected a YAML file"]

    def test_fifo_does_not_hang(self, tmp_path):
        path = tmp_path / "fifo"
        os.mkfifo(path)
        assert messages(path) == [f"{path}: is a FIFO; expected a YAML file"]

    def test_device(self):
        assert messages(Path("/dev/zero")) == ["/dev/zero: is a device; expected a YAML file"]

    def test_too_large(self, write):
        path = write("#" * 1_000_001)
        assert messages(path) == ["config.yaml: is larger than 1 MB; expected a YAML file"]

    def test_too_many_values(self, write):
        path = write("roi: [" + "1," * 20_000 + "]")
        assert messages(path)[0].endswith("roi.9997: has more than 10,000 values")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, write):
        path = write("roi: {}")
        path.chmod(0)
        assert messages(path)[0].startswith("config.yaml: cannot be read (Permission denied)")

    def test_a_name_with_nul(self):
        assert "cannot be read" in messages(Path("a\0b"))[0]


class TestPrecedence:
    def test_a_flag_beats_the_environment_which_beats_the_file(self, write):
        path = write("roi: {margin: 0.5, trend: 0.5, hold: 0.5, level: 0.5}")
        env = {"MATTEBOX_ROI__MARGIN": "0.4", "MATTEBOX_ROI__TREND": "0.4"}
        roi = config.load(path, env=env, overrides=[("roi.margin", "0.3")]).roi
        assert (roi.margin, roi.trend, roi.hold) == (0.3, 0.4, 0.5)

    def test_the_later_flag_beats_the_earlier(self):
        sets = [("roi.margin", "0.3"), ("roi.margin", "0.6")]
        assert config.load(None, overrides=sets).roi.margin == 0.6

    def test_a_section_in_one_variable_is_merged(self, write):
        env = {"MATTEBOX_ROI": "{margin: 0.4, enabled: no}"}
        roi = config.load(write("roi: {margin: 0.5, hold: 0.1}"), env=env).roi
        assert (roi.margin, roi.hold, roi.enabled) == (0.4, 0.1, False)

    def test_a_list_in_one_variable_replaces(self):
        env = {"MATTEBOX_OUTPUTS": '[{"uri": "null://"}, {"uri": "display://"}]'}
        outputs = config.load(None, env=env).outputs
        assert [output.uri for output in outputs] == ["null://", "display://"]

    def test_one_item_of_a_list(self, write):
        sets = [("outputs.0.bitrate_kbps", "4000"), ("outputs.1.uri", "null://")]
        by_default = config.load(None, overrides=sets).outputs
        assert by_default == (
            OutputSettings(uri="rtsp://127.0.0.1:8554/live", bitrate_kbps=4000),
            OutputSettings(uri="null://"),
        )
        path = write("outputs: [{uri: 'display://', keyframe_s: 1}]")
        env = {"MATTEBOX_OUTPUTS__0__BITRATE_KBPS": "4000"}
        assert config.load(path, env=env).outputs == (
            OutputSettings(uri="display://", keyframe_s=1.0, bitrate_kbps=4000),
        )

    def test_words_are_taken_as_they_stand(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for text, expected in (
            ("a: b #1.png", f"{tmp_path}/a: b #1.png"),
            ('"quoted.png"', f"{tmp_path}/quoted.png"),
            ("file:///x: y.png", "file:///x: y.png"),
        ):
            got = config.load(None, overrides=[("background.uri", text)]).background.uri
            assert got == expected

    def test_other_variables_are_not_ours(self):
        env = {"MATTEBOX_SHARED": "/x", "MATTEBOXROI": "5", "HOME": "/"}
        assert config.load(None, env=env) == Settings()


OVERRIDE_MISTAKES = [
    (("roi.margin", "9"), "--set roi.margin: found 9; expected a number from 0 to 1"),
    (("roi.margn", "1"), "--set roi.margn: unknown key; did you mean margin?"),
    (("nothing.at.all", "1"), "--set nothing.at.all: nothing: unknown key; known here: source"),
    (
        ("source.uri.x", "1"),
        "--set source.uri.x: source.uri is a single value, with nothing below it",
    ),
    (("roi", "[1"), "--set roi: not YAML: expected ',' or ']', but got '<stream end>'; a bracket"),
    (("roi", "5"), "--set roi: found 5; expected a section with enabled"),
    (("outputs.5.uri", "null://"), "--set outputs.5.uri: outputs: found item 5; expected 0 to 0"),
    (("outputs.x.uri", "null://"), "--set outputs.x.uri: outputs: found item x; expected 0 to 0"),
    (("outputs.0", "5"), "--set outputs.0: found 5; expected an output, for example"),
    (("roi..margin", "5"), "--set roi..margin: found 'roi..margin'; expected key.path=value"),
    (("outputs", ""), "--set outputs: found nothing; expected a list of 1 to 16 outputs"),
    (("roi.margin", ""), "--set roi.margin: found nothing; expected a number from 0 to 1"),
    (Override("source.uri", "x://", "--source"), "--source: source.uri: found x://; x:// is none"),
]


@pytest.mark.parametrize(("override", "expected"), OVERRIDE_MISTAKES)
def test_a_mistake_in_a_flag_names_the_flag(override, expected):
    [line] = messages(None, overrides=[override])
    assert line.startswith(expected)


def test_a_mistake_in_the_environment_names_the_variable():
    [line] = messages(None, env={"MATTEBOX_STEADY__STRENGTH": "1.5"})
    assert line.startswith("MATTEBOX_STEADY__STRENGTH: steady.strength: found 1.5; expected")
    [line] = messages(None, env={"MATTEBOX_STAEDY__STRENGTH": "1.5"})
    assert line == (
        "MATTEBOX_STAEDY__STRENGTH: staedy: unknown key; did you mean steady?"
    )  # fmt: skip


class TestPaths:
    def test_in_the_file_start_from_its_folder(self, tmp_path, monkeypatch):
        folder = tmp_path / "etc"
        folder.mkdir()
        (folder / "c.yaml").write_text("background: {uri: office.jpg}\noutputs: [uri: out.mp4]")
        monkeypatch.chdir(tmp_path)
        settings = config.load(Path("etc/c.yaml"))
        assert settings.background.uri == str(folder / "office.jpg")
        assert settings.outputs[0].uri == str(folder / "out.mp4")

    def test_in_a_flag_or_variable_start_from_the_current_folder(self, write, tmp_path):
        env = {"MATTEBOX_SOURCE__URI": "a.mp4"}
        settings = config.load(write("{}"), env=env, overrides=[("background.uri", "b.jpg")])
        assert settings.source.uri == str(tmp_path / "a.mp4")
        assert settings.background.uri == str(tmp_path / "b.jpg")

    def test_home(self, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        settings = config.load(None, overrides=[("background.uri", "~/b.jpg")])
        assert settings.background.uri == "/home/me/b.jpg"


class TestSearch:
    def test_order(self, tmp_path, monkeypatch):
        here, etc = tmp_path / "config.yaml", tmp_path / "etc.yaml"
        monkeypatch.setattr(config, "SEARCH", (here, etc))
        assert config.find() is None
        etc.touch()
        assert config.find() == etc
        here.touch()
        assert config.find() == here

    def test_a_dangling_link_is_there(self, tmp_path, monkeypatch):
        link = tmp_path / "config.yaml"
        link.symlink_to(tmp_path / "gone")
        monkeypatch.setattr(config, "SEARCH", (link,))
        assert config.find() == link
        assert "No such file" in messages(link)[0]


class TestChanged:
    def test_nothing(self):
        assert config.changed(Settings(), Settings()) == frozenset()

    def test_sections(self):
        new = config.load(None, overrides=[("roi.margin", "0.5"), ("log.level", "debug")])
        assert config.changed(Settings(), new) == {"roi", "log"}

    def test_outputs_one_by_one(self):
        two = config.load(None, overrides=[("outputs.1.uri", "null://")])
        assert config.changed(Settings(), two) == {"outputs.1"}
        assert config.changed(two, Settings()) == {"outputs.1"}
        first = config.load(
            None, overrides=[("outputs.1.uri", "null://"), ("outputs.0.keyframe_s", "1")]
        )
        assert config.changed(two, first) == {"outputs.0"}


def test_where_a_setting_was_written(write):
    path = write("roi:\n  margin: 0.5\n")
    loaded = config.load_located(path, overrides=[("roi.hold", "0.1")])
    assert loaded.where("roi.margin") == "config.yaml:2:11"
    assert loaded.where("roi.hold") == "--set roi.hold"
    assert loaded.where("roi.trend") == "config.yaml:2:3"
    assert loaded.where("matting.model") == "the default"


def test_printed_settings_load_again(write):
    sets = [("source.size", "1280x720"), ("source.fps", "59.94"), ("canvas.fps", "25")]
    settings = config.load(None, overrides=sets)
    text = config.to_yaml(settings)
    assert config.load(write(text)) == settings
    assert "size: 1280x720" in text
    assert "fps: 60000/1001" in text


def test_printed_settings_hide_passwords():
    settings = config.load(None, overrides=[("source.uri", "rtsp://me:secret@camera/x")])
    assert "secret" not in config.to_yaml(settings)


_SCALARS = st.one_of(
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["auto", "1e-3", "no", "0x10", "\t", "a: b", "*x", "&x", "rtsp://[::1", "~"]),
)
_KEYS = st.one_of(
    st.text(max_size=6),
    st.sampled_from([*Settings.model_fields, "uri", "size", "fps", "margin", "enabled", "0"]),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "config.yaml"


class TestAnything:
    """Whatever a file, a variable or a flag holds: settings or a ConfigError, nothing else."""

    @staticmethod
    def load(path: Path | None, **layers) -> None:
        try:
            assert isinstance(config.load(path, **layers), Settings)
        except InvalidConfig as error:
            if not error.mistakes:
                raise

    @given(data=st.binary(max_size=200))
    def test_bytes(self, path, data):
        path.write_bytes(data)
        self.load(path)

    @given(
        text=st.text(alphabet="abroiu:-{}[]&*!|>'\"#%@` \n\t\\?,~.<=0123456789é\x00", max_size=80)
    )
    @hypothesis_settings(max_examples=300)
    def test_text(self, path, text):
        path.write_text(text)
        self.load(path)

    @given(tree=_TREES)
    @hypothesis_settings(max_examples=300)
    def test_trees(self, path, tree):
        path.write_text(yaml.safe_dump(tree, allow_unicode=True))
        self.load(path)

    @given(
        key=st.lists(_KEYS, min_size=1, max_size=4).map(".".join),
        text=st.one_of(st.text(max_size=30), _TREES.map(yaml.safe_dump)),
    )
    @hypothesis_settings(max_examples=300)
    def test_overrides(self, key, text):
        self.load(None, overrides=[(key, text)])


def test_a_thousand_mistakes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(f"k{i}: 1" for i in range(1_000)))
    told = messages(path)
    assert len(told) == 51
    assert told[-1].endswith("and 950 more mistakes; mend these first")
