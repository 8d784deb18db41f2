"""Protocol versions as parameters of a story: `make test-fast` tells it in the newest with a handshake and without."""

import pytest

from tests.fakes.agent import HANDSHAKE, MODERN

VERSION_PARAMS = [
    *(pytest.param(version, marks=pytest.mark.slow) for version in HANDSHAKE[:-1]),
    HANDSHAKE[-1],
    *MODERN,
]
SSE_PARAMS = [pytest.param(f"{version} over SSE", marks=pytest.mark.slow) for version in HANDSHAKE]
"""The same over the transport that the first version had; only those with a handshake."""
GENERATIONS = (HANDSHAKE[0], HANDSHAKE[-1], MODERN[-1])
"""What is told over shops of other software: the oldest, the newest with a handshake, and the newest."""
