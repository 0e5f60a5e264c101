"""Every comparison with the CPU's oracle, of tests/kernels, on the real thing.

The very same test functions: the ``memory`` fixture of this folder's conftest puts them on the GPU.
"""

from __future__ import annotations

import pytest

pytest.importorskip("tests.gpu.there", reason="no pycuda or no driver", exc_type=ImportError)

from tests.pixels.gpu.test_components import *  # noqa: F403
from tests.pixels.gpu.test_composite import *  # noqa: F403
from tests.pixels.gpu.test_crop import *  # noqa: F403
from tests.pixels.gpu.test_pictures import *  # noqa: F403
from tests.stages.network.test_gpu import *  # noqa: F403
