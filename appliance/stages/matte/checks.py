"""Whether an alpha can be true at all: what cannot be is never composited."""

from __future__ import annotations

import numpy as np

from appliance.errors import MattingError
from appliance.media.frame import F32

_CHECK_HINT = "the placeholder is shown until the network recovers"


def check_alpha(alpha: F32, max_coverage: float) -> None:
    """Refuse an alpha that cannot be true.

    Raises:
        MattingError: NaN or infinity in it, or more of the picture than ``max_coverage`` covered
            (a network that says "person" everywhere would show the whole room).
    """
    mean = float(alpha.mean())
    if not np.isfinite(mean):
        raise not_finite()
    if mean > max_coverage:
        raise covers_too_much(mean, max_coverage)


def not_finite() -> MattingError:
    """The error for an alpha with NaN or infinity in it."""
    return MattingError(f"the network gave NaN or infinity; {_CHECK_HINT}")


def covers_too_much(mean: float, max_coverage: float) -> MattingError:
    """The error for an alpha whose mean is more than is allowed."""
    return MattingError(
        f"the network calls {100 * mean:.1f} % of the picture person, more than "
        f"matting.max_coverage = {max_coverage}; {_CHECK_HINT}"
    )
