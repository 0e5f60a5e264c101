"""Scenes in the file: each mistake with its line and sentence, and what is laid over what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.config.load import InvalidConfig, changed, load, load_located, to_yaml
from appliance.config.scenes import absorbed, in_use, scene_named
from appliance.config.settings import Settings
from appliance.config.settings.scenes import NOT_IN_A_SCENE, SceneOverrides
from appliance.errors import ConfigError

_NAME = "expected letters, digits, blanks, points, hyphens and underscores"
_SOFTNESS = (
    "found 99; expected a number from 0 to 32 (pixels of the picture by which the person's edge "
    "becomes softer)"
)

BAD = [
    ("scenes: office\n",
     ["1:9: scenes: found office; expected a list of up to 32 scenes, each with its name"]),
    ("scenes:\n  - office\n",
     ["2:5: scenes.0: found office; expected a scene, for example name: lectern"]),
    ("scenes:\n  - key: a\n",
     ["2:5: scenes.0.name: is missing; expected 1 to 40 letters, digits, blanks, points, hyphens "
      "and underscores (what it is called, on the page and in the API)"]),
    ("scenes: [{name: none}]\n",
     ["1:17: scenes.0.name: found none; none stands for no scene; give it another name"]),
    ("scenes: [{name: a/b}]\n", [f"1:17: scenes.0.name: found a/b; {_NAME}"]),
    ("scenes:\n  - name: a\n    settigns: {}\n",
     ["3:5: scenes.0.settigns: unknown key; did you mean settings?"]),
    ("scenes:\n  - {name: a}\n  - {name: A}\n",
     ["3:12: scenes.1.name: found A; scenes.0 has that name already"]),
    ("scenes:\n  - {name: a, key: F3}\n  - {name: b, key: F3}\n",
     ["3:20: scenes.1.key: found F3; scenes.0 has that key already"]),
    ("scenes: [{name: a, key: F13}]\n",
     ["1:25: scenes.0.key: found F13; expected none, a letter from a to z, a digit, or F1 to F12"]),
    ("scenes: [{name: a, dissolve_frames: 601}]\n",
     ["1:37: scenes.0.dissolve_frames: found 601; expected a whole number from 0 to 600 (frames "
      "for which the picture before fades into this one; 0: a cut)"]),
    ("scenes:\n  - name: a\n    settings:\n      edge: {softness: 99}\n",
     [f"4:24: scenes.0.settings.edge.softness: {_SOFTNESS}"]),
    ("scenes:\n  - name: a\n    settings:\n      backgrund: {}\n",
     ["4:7: scenes.0.settings.backgrund: unknown key; did you mean background?"]),
    ("scenes:\n  - name: a\n    settings: {softness: 3}\n",
     ["3:16: scenes.0.settings.softness: unknown key; there is edge.softness"]),
    ("scenes:\n  - name: a\n    settings:\n      outputs: []\n",
     ["4:7: scenes.0.settings.outputs: is not for a scene: a scene changes the picture, not the "
      "ways out, which stay as they are; take it out of here"]),
    ("scenes:\n  - name: a\n    settings:\n      http: {port: 1}\n",
     ["4:7: scenes.0.settings.http: is not for a scene: the page and the API stay as they are, or "
      "nobody could switch back; take it out of here"]),
    # Rules between settings: with what stands around the scene, and at the scene's line.
    ("steady: {motion_high: 3}\nscenes:\n  - name: a\n    settings:\n      steady: "
     "{motion_low: 5}\n",
     ["5:28: scenes.0.settings.steady.motion_low: found 5; expected less than motion_high, which "
      "is 3 (in the scene a)"]),
    ("outputs: [{uri: /tmp/a.mp4}]\nscenes:\n  - name: a\n    settings:\n      background: "
     "{uri: /tmp/a.mp4}\n",
     ["5:25: scenes.0.settings.background.uri: found /tmp/a.mp4, which background.uri reads; name "
      "another (in the scene a)"]),
    ("scene: b\nscenes: [{name: a}]\n",
     ["1:8: scene: found b; expected one of scenes: none, a"]),
    ("scene: a\n", ["1:8: scene: found a; expected one of scenes: none"]),
    # What is wrong in the scenes is told, not what follows from it; and all of it at once.
    ("scene: b\nscenes: [{name: b/}, {name: c, key: 12}]\nedge: {softness: 99}\n",
     [f"2:17: scenes.0.name: found b/; {_NAME}",
      "2:37: scenes.1.key: found 12; expected none, a letter from a to z, a digit, or F1 to F12",
      f"3:18: edge.softness: {_SOFTNESS}"]),
]  # fmt: skip


def made(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "words"), BAD, ids=[text[:40] for text, _ in BAD])
def test_every_mistake_has_its_place_and_its_sentence(
    text: str, words: list[str], tmp_path: Path
) -> None:
    path = made(tmp_path, text)
    with pytest.raises(InvalidConfig) as raised:
        load(path)
    said = str(raised.value).replace(f"{path}:", "").splitlines()
    assert len(said) == len(words), said
    for line, want in zip(said, words, strict=True):
        assert line.startswith(want) if want.endswith(_NAME) else line == want


def test_every_section_is_for_scenes_or_is_said_not_to_be() -> None:
    for_scenes = SceneOverrides.model_fields.keys()
    assert for_scenes | NOT_IN_A_SCENE.keys() == Settings.model_fields.keys()
    assert not for_scenes & NOT_IN_A_SCENE.keys()


TWO = """\
background: {uri: wall.png, fit: fit}
edge: {softness: 2}
steady: {motion_high: 20}
scenes:
  - name: lectern
    key: 1
    dissolve_frames: 15
    settings:
      background: {uri: office.png}
      steady: {motion_low: 9}
      source: {size: 640x480, fps: 29.97}
      stages:
        frame: {enabled: true}
  - name: The wide one
"""


def test_a_scene_is_laid_over_what_stands_around_it(tmp_path: Path) -> None:
    base = load(made(tmp_path, TWO))
    now = in_use(base, "lectern")
    # Paths start from the file's folder, there too.
    assert now.background.uri == str(tmp_path / "office.png")
    assert (now.background.fit, now.edge.softness) == ("fit", 2.0)
    assert (now.steady.motion_low, now.steady.motion_high) == (9.0, 20.0)
    assert now.source.size == (640, 480)
    assert now.stages.frame.enabled
    assert (now.scene, now.scenes) == ("none", ())
    bare = base.model_copy(update={"scenes": ()})
    assert in_use(base) == in_use(base, "The wide one") == bare
    start = load(made(tmp_path, f"scene: lectern\n{TWO}"))
    assert in_use(start) == now


def test_there_is_no_other_scene(tmp_path: Path) -> None:
    base = load(made(tmp_path, TWO))
    assert scene_named(base, "none") is None
    with pytest.raises(ConfigError, match="no scene 'Lectern'; there are none, lectern, The wide"):
        in_use(base, "Lectern")


def test_only_what_is_written_counts(tmp_path: Path) -> None:
    base = load(made(tmp_path, TWO))
    assert list(base.scenes[0].settings.written()) == [
        "source.size", "source.fps", "background.uri", "steady.motion_low", "stages.frame.enabled",
    ]  # fmt: skip
    assert base.scenes[1].settings.written() == {}
    # A default that is written is not the same as one that is not: it is laid over the base.
    same = load(made(tmp_path, TWO.replace("office.png}", "office.png, fit: fill}")))
    assert same.scenes[0] != base.scenes[0]
    assert changed(base, same) == {"scenes"}
    assert in_use(same, "lectern").background.fit == "fill"


def test_printed_and_read_again_they_are_the_same(tmp_path: Path) -> None:
    base = load(made(tmp_path, f"scene: lectern\n{TWO}"))
    text = to_yaml(base)
    assert "decontaminate" not in text.partition("scenes:")[2], "no defaults in a scene"
    assert load(made(tmp_path, text)) == base


def test_variables_and_flags_reach_into_scenes(tmp_path: Path) -> None:
    loaded = load_located(
        made(tmp_path, TWO),
        env={"MATTEBOX_SCENE": "lectern", "MATTEBOX_SCENES__1__KEY": "F2"},
        overrides=[("scenes.0.settings.edge.choke", "3")],
    )
    assert loaded.settings.scenes[1].key == "F2"
    assert in_use(loaded.settings).edge.choke == 3


def changed_to(settings: Settings, **sections: dict[str, Any]) -> Settings:
    return settings.model_copy(
        update={
            name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()
        }
    )


def test_a_change_goes_where_its_setting_is(tmp_path: Path) -> None:
    base = load(made(tmp_path, TWO))
    now = in_use(base, "lectern")
    new = changed_to(now, background={"uri": "x.png", "fit": "fill"}, edge={"choke": 1.0})
    after = absorbed(base, "lectern", now, new)
    assert in_use(after, "lectern") == new
    assert after.scenes[0].settings.written()["background.uri"] == "x.png"
    assert "background.fit" not in after.scenes[0].settings.written()
    outside = in_use(after, "none")
    assert outside.background.uri == base.background.uri
    assert (outside.background.fit, outside.edge.choke) == ("fill", 1.0)
    assert absorbed(base, "none", in_use(base), in_use(base)) == base
