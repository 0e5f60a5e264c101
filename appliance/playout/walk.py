"""Which picture comes next: the avatar's clips and seams as a graph, walked one frame a tick."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.avatars.avatar import Avatar, Role, SeamEntry

_SMOOTH = 1.0
"""A seam whose J is at most this is not seen as one."""
_PATIENCE_S = 1.0
"""For so long a smooth one is waited for, where nothing is urgent."""


@dataclass(frozen=True, slots=True)
class Place:
    """A frame of a clip, or of a seam that has been entered.

    Attributes:
        clip: the clip's name; in a seam, that of the clip it comes from.
        frame: its number there; in a seam, the number of the seam's own frame.
        seam: None within a clip.
        back: the seam is walked back to where it was entered.
    """

    clip: str
    frame: int
    seam: SeamEntry | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Desires:
    """What is to be seen.

    Attributes:
        action: the action to play as soon as it can be reached; empty: none.
        talks: whether to be in a clip for talking, where there are any, else in an idle one.
        urgent: leave an action that is being played; else it is played to its end.
        lap: counts the loops so far: which of several ways one takes depends on it, so that what
            is planned ahead is what happens.
    """

    action: str = ""
    talks: bool = False
    urgent: bool = False
    lap: int = 0


class Walk:
    """The graph. ``after`` is all there is to it: a place and what is wanted give the next place.

    It never stands still and never ends: a clip without a way on is left by a cut after its last
    frame.
    """

    def __init__(self, avatar: Avatar, seed: int = 0) -> None:
        """``seed``: for the choice between idle clips."""
        self._seed = seed
        self._role: Mapping[str, Role] = {c.name: c.role for c in avatar.manifest.clips}
        self._length = {name: clip.frames for name, clip in avatar.clips.items()}
        self._idle = avatar.named("idle")
        self._talk = avatar.named("talk")
        self._exits: dict[tuple[str, int], list[SeamEntry]] = defaultdict(list)
        self._last_exit: dict[tuple[str, str], int] = {}
        self._smooth: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._patience = int(_PATIENCE_S * avatar.format.rate)
        for seam in avatar.manifest.seams:
            self._exits[seam.source, seam.exit].append(seam)
            key = seam.source, seam.target
            self._last_exit[key] = max(seam.exit, self._last_exit.get(key, 0))
            if seam.jump <= _SMOOTH:
                self._smooth[key].append(seam.exit)
        for exits in self._exits.values():
            exits.sort(key=lambda seam: (seam.jump, seam.target, seam.entry))
        self._hops = {name: self._next_hops(name) for name in self._role}

    @property
    def start(self) -> Place:
        """Where a playout begins: the first frame of the first idle clip."""
        return Place(self._idle[0], 0)

    def is_action(self, name: str) -> bool:
        """Whether there is an action of this name."""
        return self._role.get(name) == "action"

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions."""
        return tuple(name for name, role in self._role.items() if role == "action")

    def sounds(self, place: Place) -> bool:
        """Whether the clip is heard here: not where a voice is to speak in its place."""
        return place.seam is None and self._role[place.clip] != "talk"

    def acts(self, place: Place) -> bool:
        """Whether this is a frame of an action, or of a seam out of one or into one."""
        ends = (place.clip,) if place.seam is None else (place.clip, place.seam.target)
        return any(self._role[name] == "action" for name in ends)

    def begins(self, before: Place | None, place: Place, action: str) -> bool:
        """Whether the step from one place to the next is into this action, wherever it begins."""
        if place.seam is not None or place.clip != action:
            return False
        return before is None or before.seam is not None or before.clip != action or not place.frame

    def idles(self, place: Place) -> bool:
        """Whether this is a frame of an idle clip, or of a seam between two."""
        ends = (place.clip,) if place.seam is None else (place.clip, place.seam.target)
        return all(self._role[name] == "idle" for name in ends)

    def loops(self, place: Place) -> bool:
        """Whether this is the first frame of a seam between clips that are played in a loop."""
        seam = place.seam
        return (
            seam is not None and place.frame == 0
            and self._role[seam.source] == self._role[seam.target] != "action"
        )  # fmt: skip

    def cuts(self, before: Place, after: Place) -> bool:
        """Whether the step from one place to the next is neither the next frame nor a seam."""
        if after.seam is not None or before.seam is not None:
            return False
        if (after.clip, after.frame) == (before.clip, before.frame + 1):
            return False
        exits = self._exits.get((before.clip, before.frame), ())
        return all((seam.target, seam.entry) != (after.clip, after.frame) for seam in exits)

    def after(self, place: Place, desires: Desires) -> Place:
        """The place of the next tick."""
        seam = place.seam
        if seam is not None:
            if place.back or (desires.urgent and self._is_nearer_back(place, seam)):
                if place.frame:
                    return Place(place.clip, place.frame - 1, seam, back=True)
                return Place(seam.source, seam.exit)
            if place.frame + 1 < seam.frames:
                return Place(place.clip, place.frame + 1, seam)
            return Place(seam.target, seam.entry)
        taken = self._exit(place, desires)
        if taken is not None:
            return Place(place.clip, 0, taken) if taken.frames else Place(taken.target, taken.entry)
        if place.frame + 1 < self._length[place.clip]:
            return Place(place.clip, place.frame + 1)
        goals = self._goals(place.clip, desires)
        return Place(place.clip if place.clip in goals else goals[0], 0)

    def _is_nearer_back(self, place: Place, seam: SeamEntry) -> bool:
        """Whether an idle clip is reached sooner by turning round in a seam."""
        source, target = self._role[seam.source], self._role[seam.target]
        if source == "idle":
            return target != "idle"
        if source == "action" or target == "idle":
            return False
        leads = (other.target for other in self._exits[seam.source, seam.exit])
        return place.frame < seam.frames // 2 and any(self._role[name] == "idle" for name in leads)

    def _exit(self, place: Place, desires: Desires) -> SeamEntry | None:
        """The seam to leave by after this frame; None to go on."""
        name, frame = place.clip, place.frame
        exits = self._exits.get((name, frame))
        if not exits:
            return None
        role, goals = self._role[name], self._goals(name, desires)
        if role == "action":
            last = frame + 1 == self._length[name]
            wanted = last or desires.urgent
            found = self._towards(exits, goals, desires.urgent) if wanted else None
            # Once more the same: by way of wherever it leads.
            return exits[0] if found is None and last and name in goals else found
        stays = name in goals
        if not stays:
            return self._towards(exits, goals, desires.urgent)
        loops = [seam for seam in exits if self._role[seam.target] == role]
        # The loop closes at the last frame from which a seam leads back.
        if not loops or frame < self._last_exit.get((name, name), frame):
            return None
        return random.Random(f"{self._seed} {desires.lap}").choice(loops)

    def _towards(
        self, exits: Sequence[SeamEntry], goals: Sequence[str], urgent: bool
    ) -> SeamEntry | None:
        """The best of these seams that leads to a goal, or a step nearer to one.

        In a hurry that is the shortest; else one that shows is passed by for a smooth one soon.
        """
        name, frame = exits[0].source, exits[0].exit
        ways = self._hops[name]
        # The same clip again is by its own seam.
        hops = [ways.get(goal, goal) for goal in goals if goal in ways or goal == name]
        if not hops:
            # No seam leads there: by a cut, after the last frame.
            return None
        serving = [seam for seam in exits if seam.target in hops]
        if serving and urgent:
            return min(serving, key=lambda seam: (seam.frames, seam.jump))
        if serving and (serving[0].jump <= _SMOOTH or not self._smooth_soon(name, hops, frame)):
            return serving[0]
        # Past the last exit that would serve: the loop brings it back.
        if any(self._last_exit.get((name, hop), -1) > frame for hop in hops):
            return None
        return next((seam for seam in exits if seam.target == name), None)

    def _smooth_soon(self, name: str, hops: Sequence[str], frame: int) -> bool:
        """Whether a smooth seam to one of these lies a little further on."""
        return any(
            frame < exit <= frame + self._patience
            for hop in hops
            for exit in self._smooth.get((name, hop), ())
        )

    def _goals(self, name: str, desires: Desires) -> tuple[str, ...]:
        """The clips to be in, best first; the clip itself among them if it is one."""
        if desires.action:
            return (desires.action,)
        wanted = self._talk if desires.talks and self._talk else self._idle
        return (name, *(other for other in wanted if other != name)) if name in wanted else wanted

    def _next_hops(self, name: str) -> dict[str, str]:
        """For every clip that can be reached from this one, the first clip on the way there."""
        ways: dict[str, set[str]] = defaultdict(set)
        for source, target in self._last_exit:
            ways[source].add(target)
        found: dict[str, str] = {}
        queue = deque((target, target) for target in sorted(ways[name]) if target != name)
        while queue:
            clip, first = queue.popleft()
            if clip in found or clip == name:
                continue
            found[clip] = first
            # An action is never passed through on the way to somewhere else.
            if self._role[clip] != "action":
                queue.extend((target, first) for target in sorted(ways[clip]))
        return found
