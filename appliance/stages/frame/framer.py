"""When to move, and how: a calm operator's hand on the camera, for either pipeline.

Framing rests until somebody has left the dead zone for a while, then goes to where they belong and
rests again. Whoever is about to leave the canvas is followed at once, as fast as they go. When
nobody is there the picture stays for some seconds, then drifts back to the whole of it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from appliance.config.settings.stages.frame import FramingSettings
from appliance.pixels.cpu.affine import Viewport
from appliance.stages.frame.aim import Reach, aim, cut_off
from appliance.stages.frame.glide import Glide
from appliance.stages.frame.subject import Subject, median

F64 = NDArray[np.float64]

# Nobody there for so long: back to the whole picture.
_ALONE_NS = 3_000_000_000
# Nobody there for so long: it is no longer gone after them; the network may lose somebody.
_BLINK_NS = 300_000_000
# Whoever is cut off at a side or above for so long stays so, and does not come or leave.
_PASSING_NS = 3_000_000_000
# After a cut, whoever is found within this time is framed at once.
_FRESH_NS = 500_000_000
# Whoever is about to leave the canvas is measured over this time only.
_SHORT_NS = 150_000_000
# While it moves, a goal that changes by less than this part of the dead zone is left as it is.
_FOLLOW = 0.25
# Nearer to the canvas' border than this part of its width is about to leave it; and the further
# speed of the view, widths a second, for each width that they are beyond that.
_MARGIN, _PURSUIT = 0.1, 6.0
_HURRIED_LAG_S = 0.2
# A goal is left at once where it reaches beyond the picture by more than it is to, widths.
_TOLERATED = 0.005
# Widths a second at which the view gives way where something would float.
_PUSH = 0.5
_LONGEST_S = 1.0


class Framer:
    """Tells which part of the camera's picture fills the canvas at which time."""

    def __init__(self, settings: FramingSettings, width: int, height: int) -> None:
        """``width``, ``height``: of the frame and the canvas, pixels."""
        self._width, self._height = width, height
        self._plain = np.array([width / 2, height / 2, float(width)])
        self._reach = Reach(width, height)
        self._recent: deque[tuple[int, Subject]] = deque()
        self._glide = Glide(self._plain, lag_s=0.5)
        self._now: int | None = None
        self.configure(settings)
        self.reset()

    def configure(self, settings: FramingSettings) -> None:
        """Apply new settings from the next frame on: it glides to what they ask for."""
        self._settings, calm = settings, settings.calm
        self._cap = 0.6 * 12**-calm
        self._zone = 0.03 + 0.06 * calm
        self._window_ns = int((0.2 + 0.8 * calm) * 1e9)
        self._lag_s = 0.25 + 0.5 * calm
        self._changed = True

    def reset(self) -> None:
        """Start over after a cut. The old view stays until somebody is found."""
        self._recent.clear()
        self._reach.reset()
        self._fresh: int | None = None
        self._started = False
        self._following = False
        self._seen: int | None = None
        self._outside: int | None = None
        self._cut_since: int | None = None
        self._moving = False
        self._speed = self._cap

    def see(self, now: int, subject: Subject | None) -> None:
        """Take in who is in the frame of pts ``now``; None: nobody."""
        if self._fresh is None or now < self._fresh:
            self._fresh = now
        if subject is None:
            self._alone(now)
            return
        self._seen, self._following = now, True
        if self._recent and not 0 <= now - self._recent[-1][0] <= _FRESH_NS:
            self._recent.clear()
        self._recent.append((now, subject))
        while now - self._recent[0][0] > self._window_ns:
            self._recent.popleft()
        self._reach.note(now, subject)
        if not cut_off(subject, self._width, self._height):
            self._cut_since = None
        elif self._cut_since is None or now < self._cut_since:
            self._cut_since = now
        if self._started:
            self._decide(now, subject)
            return
        self._started, self._changed = True, False
        self._glide.jump(self._aim(subject, now))

    def at(self, now: int) -> Viewport:
        """The view at pts ``now``; to be asked with rising times."""
        seconds = 0.0
        if self._now is not None and now > self._now:
            seconds = min((now - self._now) / 1e9, _LONGEST_S)
            self._glide.advance(seconds, self._speed * float(self._glide.goal[2]))
        self._now = now
        self._give_way(seconds)
        place = self._glide.place
        if (place == self._plain).all():
            return Viewport()
        x, y, wide = (float(each) for each in place)
        scale = self._width / wide
        return Viewport(x - wide / 2, y - self._height / scale / 2, scale)

    def _give_way(self, seconds: float) -> None:
        """Let nothing float, while the view catches up with somebody in a hurry.

        A torso never does. Aside it takes some frames: what is cut off there fades, and is rather
        seen so than everybody jumping for the sake of a hand.
        """
        furthest = self._reach.furthest
        if furthest is None:
            return
        place = self._glide.place
        push = furthest.within(place, self._width, self._height) - place
        most = _PUSH * seconds * place[2]
        push = np.clip(push, -most, most)
        _, y, wide = place + push
        lowest = self._height + furthest.bottom - wide * self._height / self._width / 2
        push[1] = min(y, lowest) - place[1]
        if push.any():
            self._glide.push(push)

    def _over(self, window: int, now: int) -> Subject:
        """Where they have been of late."""
        return median([one for at, one in self._recent if now - at <= window])

    def _aim(self, subject: Subject, now: int) -> F64:
        """The view that they ask for."""
        # What is left of somebody who leaves, or is there of who comes, is nobody to go closer to.
        passing = self._cut_since is not None and now - self._cut_since < _PASSING_NS
        least = float(self._glide.goal[2]) if self._started and passing else 0.0
        room = self._reach.room
        return aim(subject, room, self._settings, self._width, self._height, least)

    def _decide(self, now: int, subject: Subject) -> None:
        """Move, or rest."""
        goal, place = self._glide.goal, self._glide.place
        late = self._over(self._window_ns, now)
        # A hand above the head is not followed, a head is: it stays there.
        hurry = max(self._leaving(subject, late.top, now), self._beyond(place))
        self._speed = max(self._cap, _PURSUIT * hurry)
        wanted = self._aim(self._over(_SHORT_NS, now) if hurry > 0 else late, now)
        away = self._away(wanted, goal)
        if hurry > 0:
            self._glide.follow(_HURRIED_LAG_S)
        elif self._glide.resting:
            # Not before: a spring that softens on its way would overshoot.
            self._glide.follow(self._lag_s)
        if hurry > 0 or self._changed or self._beyond(goal) > 0:
            self._moving, self._changed, self._outside = True, False, None
            self._glide.send(wanted)
        elif self._moving:
            if away > _FOLLOW:
                self._glide.send(wanted)
            elif self._glide.resting:
                self._moving = False
        elif away <= 1:
            self._outside = None
        elif self._outside is None:
            self._outside = now
        elif now - self._outside >= self._window_ns:
            self._moving, self._outside = True, None
            self._glide.send(wanted)

    def _away(self, wanted: F64, goal: F64) -> float:
        """How far apart two views are, in dead zones."""
        across, down, wide = np.abs(wanted - goal)
        high = goal[2] * self._height / self._width
        zone = self._zone
        return float(
            max(across / (zone * goal[2]), down / (zone * high), wide / (2 * zone * goal[2]))
        )

    def _leaving(self, subject: Subject, top: float, now: int) -> float:
        """How far somebody is beyond the canvas' margin, in widths, where the view can follow."""
        x, y, wide = (float(each) for each in self._glide.place)
        high = wide * self._height / self._width
        left = (x - wide / 2 - subject.core_left) / wide + _MARGIN
        right = (subject.core_right - x - wide / 2) / wide + _MARGIN
        above = (y - high / 2 - top) / high
        if max(left, right, above) <= 0:
            return 0.0
        soon = self._aim(self._over(_SHORT_NS, now), now)
        aside, down = float(soon[0] - x) / wide, float(soon[1] - y) / high
        out = ((left, -aside), (right, aside), (above, -down))
        return max(min(beyond, gain) if gain > self._zone else 0.0 for beyond, gain in out)

    def _beyond(self, view: F64) -> float:
        """How far a view reaches beyond the picture where it is not to, in widths; 0: nowhere."""
        kept = self._reach.room.within(view, self._width, self._height)
        most = float(np.abs(kept - view).max() / view[2])
        return most if most > _TOLERATED else 0.0

    def _alone(self, now: int) -> None:
        """Nobody is there."""
        self._reach.nobody()
        self._recent.clear()
        self._moving, self._outside, self._speed = False, None, self._cap
        self._cut_since = None
        if not self._started:
            if self._fresh is not None and now - self._fresh > _FRESH_NS:
                self._started = True
                self._glide.jump(self._plain)
            return
        if self._seen is None or now < self._seen:
            self._seen = now
        if now - self._seen >= _BLINK_NS and self._following:
            self._following = False
            self._glide.halt()
        if now - self._seen >= _ALONE_NS:
            if self._glide.resting:
                self._glide.follow(self._lag_s)
            self._reach.reset()
            self._glide.send(self._plain)
