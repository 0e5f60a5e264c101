"""Pictures as arrays, in the form used throughout ``export``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UInt8Image = NDArray[np.uint8]
FloatImage = NDArray[np.float32]
