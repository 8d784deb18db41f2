"""uvicorn gets our protocol class only where it is the version that the class was tested with."""

import pytest

from storefront_mcp.cli import http_protocol as chosen
from storefront_mcp.cli.serve import UVICORN_OPTIONS


def test_ours_is_used_with_the_uvicorn_that_was_tested() -> None:
    assert (
        chosen.http_protocol()
        == UVICORN_OPTIONS["http"]
        == "storefront_mcp.uvicorn_protocol.protocol:BoundedHttpToolsProtocol"
    )
    assert chosen.untested_uvicorn_notice() is None


@pytest.mark.parametrize("version", ["0.53.0", "0.55.0", "0.540.1", "1.0", "0.55.0.dev1"])
def test_any_other_uses_its_own_and_says_so_in_a_line(version: str) -> None:
    assert chosen.http_protocol(version) == "httptools"
    notice = chosen.untested_uvicorn_notice(version)
    assert notice is not None
    assert f"uvicorn {version} was not tested" in notice
    assert "\n" not in notice
