"""Changing settings while running: clients stay, and a bad change changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance.config.settings import Settings
from appliance.daemon import apply
from appliance.daemon.daemon import Daemon, Stopping
from appliance.errors import ConfigError, InputError
from appliance.media.frame import blank
from appliance.networks.manifest import load_manifest
from tests.daemons import Recorder, running
from tests.scenes import room_clip


def but(daemon: Daemon, **sections: Any) -> Settings:
    """The daemon's settings with some keys changed."""
    data = daemon.settings.model_dump()
    for name, value in sections.items():
        data[name] = data[name] | value if isinstance(value, dict) else value
    return Settings.model_validate(data)


def wait_for_corner(recorder: Recorder, daemon: Daemon) -> None:
    """Wait until a frame that was made after this call has left."""
    before = daemon.programme.composites + 1
    recorder.wait(lambda _: daemon.programme.composites > before)


def test_steps_change_without_anything_being_rebuilt(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        parts = (daemon.feeder, daemon.outputs[0], daemon.background, daemon.pipeline)
        sections = daemon.apply(
            but(daemon, steady={"strength": 0.5}, edge={"choke": 3.0}, clean={"grow": 2})
        )
        assert sections == {"steady", "edge", "clean"}
        assert parts == (daemon.feeder, daemon.outputs[0], daemon.background, daemon.pipeline)
        assert daemon.pipeline.settings.edge.choke == 3
        recorder.wait_for("composite", 3)
        assert daemon.apply(daemon.settings) == frozenset()


def test_background_and_source_change_alone(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    other = room_clip(tmp_path / "other.mp4", frames=20, width=160, height=90)
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        output = daemon.outputs[0]
        feeder = daemon.feeder
        daemon.apply(but(daemon, background={"uri": "colour:#ffffff"}))
        recorder.wait_for("other", 3)
        assert daemon.feeder is feeder
        daemon.apply(but(daemon, background={"uri": "colour:#787878"}, source={"uri": str(other)}))
        recorder.wait_for("composite", 5)
        assert daemon.feeder is not feeder
        assert not feeder.alive
        assert daemon.outputs[0] is output
        # The same file with other options: the old output must release it first.
        daemon.apply(but(daemon, source={"loop": False}))
        recorder.wait_for("composite", 3)
    assert max(s.room for s in recorder.seen) <= 0.002


def test_a_change_that_cannot_be_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        before = daemon.settings
        for bad in (
            {"background": {"uri": str(empty)}},
            {"source": {"uri": str(empty)}, "background": {"uri": "colour:#ffffff"}},
            {"matting": {"model": "nobody"}, "background": {"uri": "colour:#ffffff"}},
            {"stages": {"select": {"enabled": True, "model": "nobody"}}},
        ):
            with pytest.raises(InputError):
                daemon.apply(but(daemon, **bad))
        with pytest.raises(ConfigError, match="restart"):
            daemon.apply(but(daemon, canvas={"size": "640x360"}))
        assert daemon.settings is before
        assert daemon.outputs[0].status().state == "running"
        start = len(recorder.seen)
        recorder.wait_for("composite", 5)
        assert {s.kind for s in recorder.seen[start + 1 :]} == {"composite"}


def test_outputs_come_and_go_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        kept = daemon.outputs[0]
        file = tmp_path / "out.mp4"
        both = ({"uri": "null://recorder"}, {"uri": str(file)})
        daemon.apply(but(daemon, outputs=both))
        recorder.wait(lambda _: daemon.outputs[1].status().frames > 5)
        daemon.apply(but(daemon, outputs=both[:1]))
        assert daemon.outputs == [kept]
        recorder.wait_for("composite", 3)
    assert file.stat().st_size > 1000


def test_a_device_that_only_one_can_have_comes_back_when_its_successor_cannot(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        before = daemon.feeder
        monkeypatch.setattr(apply, "_same_device", lambda *_: True)
        with pytest.raises(InputError, match=r"empty\.mp4"):
            daemon.apply(but(daemon, source={"uri": str(empty)}))
        assert not before.alive
        # We stopped it, so it does not count as a source that has ended.
        assert daemon.ended() is None
        recorder.wait_for("composite", 5)
        assert daemon.settings.source.uri == str(room)
    assert max(s.room for s in recorder.seen) <= 0.002


def test_which_sources_cannot_be_opened_twice(tmp_path: Path) -> None:
    camera, by_name = tmp_path / "video0", tmp_path / "by-name"
    camera.touch()
    by_name.symlink_to(camera)
    same = [
        (f"v4l2://{camera}", f"v4l2://{by_name}"), ("auto", f"v4l2://{camera}"), ("auto", "auto"),
        ("csi://0", "csi://0"), ("rtsp://camera/main", "rtsp://camera/main"),
    ]  # fmt: skip
    other = [
        (f"v4l2://{camera}", "v4l2:///dev/video9"), ("csi://0", "csi://1"),
        ("rtsp://camera/main", "rtsp://camera/sub"), ("demo://", "demo://"),
        (str(camera), str(camera)), (f"v4l2://{camera}", "csi://0"), ("auto", "csi://0"),
    ]  # fmt: skip
    assert [pair for pair in same if not apply._same_device(*pair)] == []
    assert [pair for pair in other if apply._same_device(*pair)] == []


def test_nothing_is_exchanged_once_it_is_stopping(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        other = but(daemon, background={"uri": "colour:#ffffff"}, source={"latency_ms": 7})
        assert daemon.stop()
        with pytest.raises(Stopping, match="nothing was changed"):
            daemon.apply(other)
        assert not daemon.feeder.alive


def test_a_fast_file_and_a_live_picture_take_a_restart(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    with running(monkeypatch, network, source={"uri": str(room)}) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        with pytest.raises(ConfigError, match="restart mattebox") as caught:
            daemon.apply(but(daemon, source={"pace": "fast"}))
        assert caught.value.key == "source.pace"
        recorder.wait_for("composite", 3)


def grey_picture(path: Path, level: int) -> Path:
    """Replace the picture at ``path``, as an editor does."""
    aside = path.with_suffix(".new.png")
    Image.new("RGB", (64, 36), (level,) * 3).save(aside)
    return aside.rename(path)


def test_a_background_replaced_under_its_name_is_taken_up_by_a_reload(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    picture = grey_picture(tmp_path / "p.png", 128)
    settings = {"source": {"uri": str(room)}, "background": {"uri": str(picture)}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        corner = daemon.background.frame(blank(2, 2)).y[4, 4]
        assert daemon.apply(daemon.settings, read_again=True) == frozenset()
        grey_picture(picture, 230)
        # A change of something else leaves it alone; it may not be copied wholly yet.
        assert daemon.apply(but(daemon, steady={"strength": 0.5})) == {"steady"}
        assert daemon.background.frame(blank(2, 2)).y[4, 4] == corner
        assert daemon.apply(daemon.settings, read_again=True) == {"background"}
        assert daemon.background.frame(blank(2, 2)).y[4, 4] > corner + 50
        recorder.wait_for("other", 2)
        # Once is enough; and a broken one is refused, with the old one staying.
        assert daemon.apply(daemon.settings, read_again=True) == frozenset()
        background = daemon.background
        picture.write_bytes(b"no picture")
        with pytest.raises(InputError, match="background"):
            daemon.apply(daemon.settings, read_again=True)
        picture.unlink()
        assert daemon.apply(daemon.settings, read_again=True) == frozenset()
        assert daemon.background is background


def test_a_source_and_a_network_replaced_under_their_names(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(room.read_bytes())
    mine = tmp_path / "network"
    shutil.copytree(network.parent, mine)
    manifest = mine / network.name
    settings = {"source": {"uri": str(clip)}, "matting": {"model": str(manifest)}}
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("composite", 2)
        feeder, pipeline = daemon.feeder, daemon.pipeline
        clip.with_suffix(".new").write_bytes(room.read_bytes())
        clip.with_suffix(".new").rename(clip)
        assert daemon.apply(daemon.settings, read_again=True) == {"source"}
        assert daemon.feeder is not feeder
        assert daemon.pipeline is pipeline
        model = load_manifest(manifest)[1]
        model.with_suffix(".new").write_bytes(model.read_bytes())
        model.with_suffix(".new").rename(model)
        chosen: list[Any] = []
        real = apply.choose_network
        monkeypatch.setattr(apply, "choose_network", lambda m: chosen.append(m) or real(m))
        assert daemon.apply(daemon.settings, read_again=True) == {"matting"}
        assert len(chosen) == 1
        recorder.wait_for("composite", 2)


def cube(path: Path, low: float) -> Path:
    """A look that lifts black."""
    rows = [
        " ".join(str(low + (1 - low) * value) for value in (r, g, b))
        for b in (0, 1) for g in (0, 1) for r in (0, 1)
    ]  # fmt: skip
    aside = path.with_suffix(".new")
    aside.write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    return aside.rename(path)


def test_a_look_is_read_again_when_its_file_is_another(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    look = cube(tmp_path / "mine.cube", 0.5)
    style = {"enabled": True, "on": "background", "look": str(look)}
    settings = {
        "source": {"uri": str(room)}, "background": {"uri": "colour:#000000"},
        "stages": {"style": style},
    }  # fmt: skip
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recorder.wait_for("other", 2)
        assert daemon.style is not None
        first = daemon.style
        assert first.still is not None
        assert first.still[0] is daemon.background.picture
        lifted = int(first.still[1].y[4, 4])
        cube(look, 0.9)
        # A change of something else leaves it alone; it may not be copied wholly yet.
        assert daemon.apply(but(daemon, steady={"strength": 0.5})) == {"steady"}
        assert daemon.style is first
        assert daemon.apply(daemon.settings, read_again=True) == {"stages"}
        assert daemon.style is not None
        assert daemon.style.still is not None
        assert daemon.style.still[1].y[4, 4] > lifted + 50
        assert daemon.apply(daemon.settings, read_again=True) == frozenset()
        # Another background is styled before it is shown; a broken look changes nothing.
        daemon.apply(but(daemon, background={"uri": "colour:#202020"}))
        assert daemon.style.still[0] is daemon.background.picture
        kept = daemon.style
        look.write_text("LUT_3D_SIZE 2\n0 0\n")
        with pytest.raises(ConfigError, match=r"mine.cube', line 2: found '0 0'") as refused:
            daemon.apply(daemon.settings, read_again=True)
        assert refused.value.key == "stages.style.look"  # type: ignore[attr-defined]
        assert daemon.style is kept
        assert daemon.apply(but(daemon, stages={"style": style | {"enabled": False}})) == {"stages"}
        assert daemon.style is None


def test_a_look_that_cannot_be_used_does_not_start(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path
) -> None:
    style = {"enabled": True, "look": "no-such-look"}
    settings = {"source": {"uri": str(room)}, "stages": {"style": style}}
    with (
        pytest.raises(InputError, match="none of the shipped ones"),
        running(monkeypatch, network, **settings),
    ):
        pass
