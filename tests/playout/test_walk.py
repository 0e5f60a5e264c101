from __future__ import annotations

import random
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.avatars.avatar import (
    Avatar,
    AvatarManifest,
    SeamEntry,
    load_avatar,
    save_manifest,
)
from appliance.playout.walk import Desires, Place, Walk
from tests.avatars import make_tiny_avatar


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Avatar:
    return load_avatar(make_tiny_avatar(tmp_path_factory.mktemp("avatars") / "tiny"))


def walked(walk: Walk, desires: Desires, count: int, start: Place | None = None) -> list[Place]:
    places = [start or walk.start]
    while len(places) < count:
        places.append(walk.after(places[-1], desires))
    return places


def test_idles_for_ever_and_every_step_is_the_next_frame_or_a_seam(avatar: Avatar) -> None:
    walk = Walk(avatar)
    places = walked(walk, Desires(), 200)
    assert {place.clip for place in places} <= {"idle", "idle2"}
    assert not any(walk.cuts(a, b) for a, b in pairwise(places))
    # Every frame of each round: none is lost, none comes twice.
    assert [place.frame for place in places] == [i % 12 for i in range(200)]


def test_an_action_is_reached_at_the_next_exit_and_played_whole(avatar: Avatar) -> None:
    walk = Walk(avatar)
    places = walked(walk, Desires("wave"), 30)
    assert places[:6] == [Place("idle", i) for i in range(6)]
    assert places[6:18] == [Place("wave", i) for i in range(12)]
    after = walked(walk, Desires(), 5, places[17])
    assert [(place.clip, place.frame) for place in after if place.seam] == [
        ("wave", 0), ("wave", 1), ("wave", 2),
    ]  # fmt: skip
    assert after[4] == Place("idle", 0)


def test_talk_and_back(avatar: Avatar) -> None:
    walk = Walk(avatar)
    places = walked(walk, Desires(talks=True), 40)
    assert places[6] == Place("talk", 0)
    assert {place.clip for place in places[6:]} == {"talk"}
    back = walked(walk, Desires(), 13, places[-1])
    assert back[-1].clip == "idle"


def test_an_action_that_no_seam_of_the_clip_leads_to_is_reached_by_way_of_another(
    avatar: Avatar,
) -> None:
    walk = Walk(avatar)
    places = walked(walk, Desires("wave"), 40, Place("talk", 0))
    names = [place.clip for place in places]
    assert names.index("idle") < names.index("wave")


def test_the_same_action_twice_goes_by_way_of_idle(avatar: Avatar) -> None:
    walk = Walk(avatar)
    places = walked(walk, Desires("wave"), 40, Place("wave", 0))
    assert places[12].seam is not None
    assert Place("idle", 0) in places
    assert places.count(Place("wave", 0)) == 2


def test_without_any_seam_clips_are_left_by_a_cut_at_their_ends(
    avatar: Avatar, tmp_path: Path
) -> None:
    bare = AvatarManifest(name="bare", clips=avatar.manifest.clips)
    for clip in avatar.manifest.clips:
        shutil.copy(avatar.folder / clip.file, tmp_path)
    save_manifest(tmp_path, bare)
    walk = Walk(load_avatar(tmp_path))
    places = walked(walk, Desires("wave"), 14)
    assert places[11:13] == [Place("idle", 11), Place("wave", 0)]
    assert walk.cuts(places[11], places[12])
    assert walked(walk, Desires(), 13, Place("wave", 0))[-1] == Place("idle", 0)


def test_a_thousand_changes_lose_and_repeat_no_frame(avatar: Avatar) -> None:
    walk, chance = Walk(avatar, seed=3), random.Random(1)
    place, changes, desires = walk.start, 0, Desires()
    while changes < 1000:
        if chance.random() < 0.2:
            desires = Desires(
                chance.choice(["", "", "wave"]), chance.random() < 0.5, chance.random() < 0.1,
                changes,
            )  # fmt: skip
        before, place = place, walk.after(place, desires)
        changes += place.clip != before.clip or (before.seam is not None and place.seam is None)
        assert not walk.cuts(before, place)
        if place.clip == before.clip and place.seam == before.seam and place.frame:
            assert place.frame == before.frame + 1
        if place == Place("wave", 0):
            desires = Desires("", desires.talks, desires.urgent)


def with_seams(avatar: Avatar, *seams: SeamEntry) -> Walk:
    manifest = avatar.manifest.model_copy(update={"seams": seams})
    return Walk(replace(avatar, manifest=manifest))


def test_a_smooth_seam_soon_is_waited_for_unless_it_is_urgent(avatar: Avatar) -> None:
    quick = SeamEntry(source="talk", exit=2, target="idle", entry=0, frames=1, jump=1.6)
    long = SeamEntry(source="talk", exit=2, target="idle", entry=4, frames=3, jump=1.2)
    smooth = SeamEntry(source="talk", exit=6, target="idle", entry=8, frames=3, jump=0.8)
    walk = with_seams(avatar, quick, long, smooth)
    start = Place("talk", 2)
    assert walk.after(start, Desires()) == Place("talk", 3)
    assert walk.after(Place("talk", 6), Desires()) == Place("talk", 0, smooth)
    assert walk.after(start, Desires(urgent=True)) == Place("talk", 0, quick)
    # Where no smooth one comes, the better one is taken at once.
    assert with_seams(avatar, quick, long).after(start, Desires()) == Place("talk", 0, long)


def test_a_talking_clip_is_not_heard(avatar: Avatar) -> None:
    walk = Walk(avatar)
    assert [walk.sounds(Place(name, 0)) for name in ("idle", "wave", "talk")] == [True, True, False]


def test_in_a_hurry_a_seam_is_walked_back(avatar: Avatar) -> None:
    seam = SeamEntry(source="idle", exit=5, target="talk", entry=0, frames=4)
    walk = with_seams(avatar, seam)
    urgent = Desires(urgent=True)
    back = walked(walk, urgent, 5, Place("idle", 2, seam))
    assert [(place.frame, place.back) for place in back[1:3]] == [(1, True), (0, True)]
    assert back[3:] == [Place("idle", 5), Place("idle", 6)]
    # Once begun it is walked to its end, and without a hurry not at all.
    assert walk.after(back[1], Desires(talks=True)) == back[2]
    assert walk.after(Place("idle", 2, seam), Desires()) == Place("idle", 3, seam)
    assert not any(walk.cuts(a, b) for a, b in pairwise(back))


def test_in_the_loop_of_talking_the_nearer_end_is_taken(avatar: Avatar) -> None:
    loop = SeamEntry(source="talk", exit=9, target="talk", entry=0, frames=6)
    out = SeamEntry(source="talk", exit=9, target="idle", entry=0, frames=2)
    walk, urgent = with_seams(avatar, loop, out), Desires(urgent=True)
    assert walk.after(Place("talk", 2, loop), urgent) == Place("talk", 1, loop, back=True)
    assert walk.after(Place("talk", 0, loop, back=True), urgent) == Place("talk", 9)
    assert walk.after(Place("talk", 9), urgent) == Place("talk", 0, out)
    assert walk.after(Place("talk", 3, loop), urgent) == Place("talk", 4, loop)
    # Without a way out there, on.
    assert with_seams(avatar, loop).after(Place("talk", 2, loop), urgent).frame == 3
