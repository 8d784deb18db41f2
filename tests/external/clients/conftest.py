"""A demo shop in a process of its own, for every client to shop at."""

from collections.abc import Iterator

import pytest

from tests.external.clients.programs import running
from tests.serving import free_port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of `storefront-mcp demo`."""
    port = free_port()
    with running("demo", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("demo")):
        yield f"http://127.0.0.1:{port}"
