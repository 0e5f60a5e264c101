"""Who takes part: which of a frame's components stay, given who was known before.

Whole numbers throughout, in grid pixels, so that the CPU and the kernels of taking_part.cuh decide
alike to the last component. Who is known, and who of them takes part, is remembered by the host
(``stages.participants``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.media.frame import Rect

MOST = 16
"""Components that are looked at, the largest first, and people that are known, at most."""

# As whole numbers for the kernels. A component is somebody known if they overlap by a quarter of
# their union: gestures change a box by less, and a neighbour's box overlaps less.
_SAME = 4
# Cut by the edge over more than this part of its height, in hundredths: half a head has 80 to 100,
# a shoulder or an arm that reaches out 10 to 50.
_CUT = 60
# Not near: less than one part in five of another's area. A body's area falls with the square of
# the distance, and of that of a child beside an adult, or of somebody seated, a third is left.
FAR = 5


@dataclass(frozen=True, slots=True)
class Component:
    """A connected component.

    Attributes:
        box: around it, in grid pixels.
        area: pixels of it.
        touching: pixels of it on the grid's left or on its right border, whichever are more, as far
            as the border is the frame's.
    """

    box: Rect
    area: int
    touching: int

    @property
    def cut(self) -> bool:
        """Whether the left or right border cuts it, rather than being touched by a part of it."""
        return self.touching * 100 > _CUT * self.box.height

    def far_from(self, area: int) -> bool:
        """Whether it is too small to be near somebody of this area."""
        return self.area * FAR < area


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who was there before, within the grid.

    Attributes:
        box: where they were last, in grid pixels; not empty.
        reach: the box with room around it, for hands and for what they moved since.
        taking: whether they take part.
    """

    box: Rect
    reach: Rect
    taking: bool


def half_within(box: Rect, reach: Rect) -> bool:
    """Whether at least half of a box lies in another."""
    return 2 * box.intersect(reach).area >= box.area


def who(found: Sequence[Component], known: Sequence[Known]) -> list[int | None]:
    """Whose each component is, as an index of ``known``; None: nobody's who was known.

    Whoever overlaps it most, by intersection over union, if by a quarter: those who take part come
    first, then those who do not. Whoever takes part and has nothing by that has what covers half
    of them (they touch somebody), or what lies by half where they were (they leave).
    """
    taking = [index for index, one in enumerate(known) if one.taking]
    others = [index for index, one in enumerate(known) if not one.taking]
    matches = [_overlapping(one.box, known, taking) for one in found]
    missing = [index for index in taking if index not in matches]
    for number, one in enumerate(found):
        if matches[number] is not None:
            continue
        other = _overlapping(one.box, known, others)
        for index in missing:
            box = known[index].box
            covered = half_within(box, one.box)
            if covered or (other is None and half_within(one.box, box)):
                other = index
                break
        matches[number] = other
    return matches


def _overlapping(box: Rect, known: Sequence[Known], among: Sequence[int]) -> int | None:
    """Who of these overlaps most; of equals, the first."""
    found, best, of = None, 0, 1
    for index in among:
        common = box.intersect(known[index].box).area
        union = box.area + known[index].box.area - common
        if common * _SAME >= union and common * of > best * union:
            found, best, of = index, common, union
    return found


def reach_of(box: Rect, ahead: int = 0) -> Rect:
    """The box with 3/10 of its width beside it, and ``ahead`` more, and its height above and below.

    Beside it at least 1/10 of the height: somebody seen from the side is narrow. What is above or
    below somebody is the rest of them, beyond a lectern or a table.
    """
    x, y = max(box.width, box.height // 3) * 3 // 10 + ahead, box.height
    return Rect(box.x - x, box.y - y, box.width + 2 * x, box.height + 2 * y)


def taking_part(found: Sequence[Component], known: Sequence[Known]) -> list[bool]:
    """Which components are of people who take part.

    Args:
        found: the frame's ``MOST`` largest components, largest first.
        known: who was there before.

    A component is whose ``who`` says it is. Another one is a part of somebody, such as
    a hand, if half of it lies in their reach and the border does not cut it. Where that leaves
    none of those who take part, whoever is whole and near is shown at once, and if nobody is
    remembered to take part, the largest at least.
    """
    matches = who(found, known)
    reaches = [one.reach for one in known if one.taking]
    stays = [
        part_of(one, reaches) if match is None else known[match].taking
        for one, match in zip(found, matches, strict=True)
    ]
    if any(stays) or not found:
        return stays
    # Nobody takes part: everyone is new. Somebody does, but jumped, or the network lost them: then
    # it must not be those who are known not to.
    new = [not reaches or match is None for match in matches]
    stays = at_once(found, new, alone=not reaches)
    reaches = [reach_of(one.box) for one, stay in zip(found, stays, strict=True) if stay]
    return [
        stay or (free and part_of(one, reaches))
        for one, stay, free in zip(found, stays, new, strict=True)
    ]


def at_once(found: Sequence[Component], new: Sequence[bool], *, alone: bool) -> list[bool]:
    """Who is shown at once while none of those who take part is there: whoever is whole and near.

    Args:
        found: largest first, not empty. new: those that come into question.
        alone: nobody is remembered to take part; so the largest is shown at least, whole or not.
    """
    stays = [
        free and not one.cut and not one.far_from(found[0].area)
        for one, free in zip(found, new, strict=True)
    ]
    if alone and not any(stays):
        stays[0] = True
    return stays


def part_of(one: Component, reaches: Sequence[Rect]) -> bool:
    """Whether it may be a part of somebody with one of these reaches."""
    return not one.cut and any(half_within(one.box, reach) for reach in reaches)
