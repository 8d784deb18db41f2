"""A chat host declares that it shows widgets, in both eras; its neighbour does not, and sees nothing of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.mcp.apps import WIDGET_TYPE
from storefront_mcp.roadmap.widget import APPS_EXTENSION
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.widgets import WidgetSettings
from tests.fakes.agent import META
from tests.journeys.conftest import flip
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

APPS = {"extensions": {APPS_EXTENSION: {"mimeTypes": [WIDGET_TYPE]}}}
MODERN, LEGACY = "2026-07-28", "2025-11-25"
Json = dict[str, Any]


class HostClient:
    """A client that speaks one version and declares these capabilities."""

    def __init__(self, origin: str, version: str, capabilities: Mapping[str, Any]) -> None:
        self.origin, self.version, self.capabilities = origin, version, capabilities
        self.headers = {"mcp-protocol-version": version}
        if version == LEGACY:
            about = {"name": "host", "version": "1"}
            hello = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": about}
            answer = self.post("initialize", hello, {})
            if "mcp-session-id" in answer.headers:
                self.headers["mcp-session-id"] = answer.headers["mcp-session-id"]

    def post(self, method: str, params: Json, headers: Mapping[str, str]) -> httpx.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(f"{self.origin}/mcp", json=body, headers=headers, timeout=60)

    def ask(self, method: str, **params: Any) -> bytes:
        headers = dict(self.headers)
        if self.version == MODERN:
            params["_meta"] = {META + "protocolVersion": MODERN, META + "clientCapabilities": self.capabilities}
            headers["mcp-method"] = method
            if "uri" in params:
                headers["mcp-name"] = params["uri"]
        return self.post(method, params, headers).content


@pytest.mark.parametrize("version", [LEGACY, MODERN])
def test_a_host_shows_widgets_and_its_neighbour_sees_nothing_of_them(demo: str, version: str) -> None:
    host, neighbour = HostClient(demo, version, APPS), HostClient(demo, version, {})
    assert ("mcp-session-id" in host.headers) is (version == LEGACY)
    assert "mcp-session-id" not in neighbour.headers
    for method in ("tools/list", "resources/list"):
        assert b"ui://pickle/" in host.ask(method)
        assert b"ui://" not in neighbour.ask(method)
    assert httpx.delete(f"{demo}/mcp", headers=host.headers).status_code == (200 if version == LEGACY else 405)


@pytest.mark.parametrize("version", [LEGACY, MODERN])
def test_an_operator_switches_widgets_off(tmp_path: Path, demo: str, version: str) -> None:
    port = free_port()
    settings = demo_settings(port, state=tmp_path)
    store = replace(settings.stores[0], widgets=WidgetSettings(on=False))
    settings = replace(settings, stores=(store,))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as without:
        host = HostClient(without, version, APPS)
        assert "mcp-session-id" not in host.headers
        for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list"):
            answers = {host.ask(method), HostClient(without, version, {}).ask(method)}
            # Who does not declare it is told the same by a store that has widgets.
            answers.add(HostClient(demo, version, {}).ask(method).replace(demo.encode(), without.encode()))
            assert len(answers) == 1
        assert "extensions" not in httpx.get(f"{without}/.well-known/protocols").json()["protocols"]["mcp"]
    assert httpx.get(f"{demo}/.well-known/protocols").json()["protocols"]["mcp"]["extensions"] == [APPS_EXTENSION]
