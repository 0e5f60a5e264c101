"""Whether the plate still shows the room as the camera sees it."""

from __future__ import annotations

from appliance.pixels.cpu.plate_light import Fit

# Less to compare than this tells nothing, grid pixels.
_FEW = 150
# The part that differs: below the first the plate fits; above the second, it does not.
_FITS, _CHANGED = 0.12, 0.35
# A shift of the picture, grid pixels: a tripod that was touched.
_SHIFTED = 0.15
# So many frames in a row decide: one may be a flash. So many that fit prove it.
_FRAMES, _SHIFTED_FRAMES, _PROOF = 4, 2, 3
# The least part of the picture to judge all of it by.
_PART = 0.1
# So many looks in a row that could tell nothing: the proof will not come.
_PATIENCE = 60


class Trust:
    """Trusts the plate, doubts it, gives it up. A new plate has nothing to prove."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        """A new plate: nothing is known, nothing contradicts."""
        self.sound, self.learns = True, True
        self._proven = True
        self._changed = self._shifted = self._fitting = self._blind = 0

    def interrupt(self, known: float) -> None:
        """After a cut, a failure, a reconnect: doubt the plate, if enough of it is known to tell.

        Of less there would be no proof. What was learnt is then learnt on, and anew where the
        picture is another one now. ``known``: the part of the picture that is known, 0..1.
        """
        if known >= _PART:
            self.doubt()

    def doubt(self) -> None:
        """Neither use nor change the plate until the picture agrees with it."""
        self.sound = self.learns = self._proven = False
        self._changed = self._shifted = self._fitting = 0

    def take_in(self, fit: Fit) -> bool:
        """Judge one frame by the part of it that was looked at; True: forget the plate."""
        if fit.cells < _FEW:
            self.sound = self.learns = self._proven
            self._blind += not self._proven
            return self._blind >= _PATIENCE
        self._blind = 0
        moved = fit.edges > _FEW and max(abs(s) for s in fit.shift) > _SHIFTED
        changed = fit.changed > _CHANGED
        if not self._proven and (moved or changed):
            return True
        # Much that changed in a close look may be somebody whom the network has missed.
        moved = moved and not changed
        self._shifted = self._shifted + 1 if moved else 0
        self._fitting = self._fitting + 1 if fit.changed < _FITS and not moved else 0
        self._proven = self._proven or self._fitting >= _PROOF
        self.sound = self._proven and not (moved or changed)
        self.learns = self._proven and not moved
        return self._shifted >= _SHIFTED_FRAMES

    def take_in_learnt(self, free: int, odd: int, cells: int) -> bool:
        """Judge by what was learnt from in a frame, all over the picture; True: forget the plate.

        ``free`` known cells were looked at, ``odd`` of them have changed; a turn has ``cells``.
        """
        if free < _PART * cells:
            return False
        self._changed = self._changed + 1 if odd > _CHANGED * free else 0
        return self._changed >= _FRAMES
