"""Pictures as arrays, as all of ``export`` hands them on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UInt8Image = NDArray[np.uint8]
FloatImage = NDArray[np.float32]
