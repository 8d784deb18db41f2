"""Agent protocols under paths of their own: limited, checked and read once, whatever the protocol."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.access.rate_limits import RateLimit, RateLimitRules, StoreRateLimits
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.limits import MemoryRateLimiter
from storefront_mcp.web.authentication import BearerAuthenticator, RejectAllVerifier
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.forwarded import ClientAddressResolver
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.protocol_endpoint import ProtocolEndpoint
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from tests.fakes.memory_backend import OPEN, STORE, roadmap
from tests.unit.calls.test_policy import Record, furnished
from tests.unit.web.serving import ServedStore

LIMITED = RateLimitRules(**dict.fromkeys(RateLimitRules.__struct_fields__, RateLimit(1, 60.0)))


class EchoProtocol:
    """Answers with what it was asked."""

    name = "ucp"
    label = "ucp test"
    request_headers = "Content-Type, UCP-Agent"

    def __init__(self, mount: str = "/ucp", *, status: int = 200) -> None:
        self.mount = mount
        self.status = status
        self.asked: list[ProtocolRequest] = []

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        self.asked.append(request)
        if request.path == "/fails":
            raise KeyError(request.path)
        if request.path == "/empty":
            return ProtocolResponse(status=204, headers=[(b"x-own", b"1")])
        told = {"method": request.method, "path": request.path, "body": request.body.decode(), "mount": self.mount}
        return ProtocolResponse(status=self.status, body=json.dumps(told).encode())


class MountedProtocols(ServedStore):
    """A store that speaks protocols besides MCP."""

    def __init__(self, *protocols: EchoProtocol, under: Any = OPEN, rules: RateLimitRules | None = None) -> None:
        super().__init__(under, body_seconds=0.01)
        self.record = Record()
        limiter = None
        if rules is not None:
            limits = StoreRateLimits("pickle", rules, MemoryRateLimiter())
            policy = CallPolicy(
                STORE.id,
                limits=limits,
                answers=furnished(self.record).answers,
                audit_sink=self.record,
                now=self.clock,
            )
            limiter = RequestRateLimiter(policy, ClientAddressResolver(()))
        endpoint = ProtocolEndpoint(
            self.site,
            protocols,
            OriginGuard(self.site, now=self.clock),
            BearerAuthenticator(self.site, RejectAllVerifier()),
            limiter,
            body_seconds=5.0,
        )
        self.app = HostRouter(self.sites, self.endpoints, self.show_pages, protocols={STORE.host: endpoint})


async def test_a_protocol_answers_at_its_mount_and_below_and_nowhere_else() -> None:
    served = MountedProtocols(EchoProtocol())
    assert (await served.ask("GET", "/ucp")).json()["path"] == "/"
    assert (await served.ask("GET", "/ucp/carts/abc")).json()["path"] == "/carts/abc"
    assert (await served.ask("GET", "/ucpx")).status_code == 404
    assert (await served.ask("GET", "/")).text.startswith("<h1>")


async def test_the_longer_of_two_mounts_answers() -> None:
    served = MountedProtocols(EchoProtocol(), EchoProtocol("/ucp/old"))
    assert (await served.ask("GET", "/ucp/old/carts")).json()["mount"] == "/ucp/old"
    assert (await served.ask("GET", "/ucp/older")).json()["mount"] == "/ucp"


async def test_a_body_arrives_whole_with_the_targets_bytes_and_the_name_of_the_protocol() -> None:
    echo = EchoProtocol(status=201)
    response = await MountedProtocols(echo).ask("POST", "/ucp/carts?a=%31", content=b"{}")
    assert (response.status_code, response.json()["body"]) == (201, "{}")
    assert echo.asked[0].target == b"/ucp/carts?a=%31"
    assert (echo.asked[0].runner.origin.source, echo.asked[0].runner.protocol) == ("ucp", "ucp test")
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_head_is_a_get_without_its_body() -> None:
    response = await MountedProtocols(EchoProtocol()).ask("HEAD", "/ucp/x")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


async def test_an_empty_answer_has_no_media_type() -> None:
    response = await MountedProtocols(EchoProtocol()).ask("POST", "/ucp/empty")
    assert (response.status_code, response.headers["x-own"]) == (204, "1")
    assert "content-type" not in response.headers


async def test_a_protocol_that_fails_is_a_500_and_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    response = await MountedProtocols(EchoProtocol()).ask("GET", "/ucp/fails")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "KeyError" in caplog.text


async def test_what_is_too_large_is_refused_before_the_protocol_sees_it() -> None:
    echo = EchoProtocol()
    response = await MountedProtocols(echo).ask("POST", "/ucp/carts", content=b" " * ((1 << 20) + 1))
    assert (response.status_code, echo.asked) == (413, [])


async def test_another_method_is_refused_with_those_that_are_taken() -> None:
    response = await MountedProtocols(EchoProtocol()).ask("PATCH", "/ucp/carts")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST, PUT, DELETE, OPTIONS"


async def test_a_credential_that_nobody_gave_is_refused() -> None:
    with pytest.raises(CredentialRefused):
        await RejectAllVerifier().caller("x")
    response = await MountedProtocols(EchoProtocol()).ask("GET", "/ucp", {"authorization": "Bearer x"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_in_the_address_is_refused() -> None:
    assert (await MountedProtocols(EchoProtocol()).ask("GET", "/ucp?access_token=x")).status_code == 400


async def test_pages_of_strangers_may_not_ask_and_pages_of_the_store_may() -> None:
    served = MountedProtocols(EchoProtocol())
    assert (await served.ask("GET", "/ucp", {"origin": "https://evil.example"})).status_code == 403
    own = await served.ask("GET", "/ucp", {"origin": STORE.origin})
    assert own.headers["access-control-allow-origin"] == STORE.origin
    preflight = await served.ask("OPTIONS", "/ucp", {"origin": STORE.origin})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "Content-Type, UCP-Agent"
    assert preflight.headers["access-control-allow-origin"] == STORE.origin


async def test_a_store_that_is_not_open_answers_as_its_mcp_endpoint_does() -> None:
    response = await MountedProtocols(EchoProtocol(), under=roadmap()).ask("POST", "/ucp/carts", content=b"{}")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_too_many_requests_are_a_429_and_on_record_under_the_protocol() -> None:
    served = MountedProtocols(EchoProtocol(), rules=LIMITED)
    assert (await served.ask("GET", "/ucp")).status_code == 200
    response = await served.ask("GET", "/ucp")
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert [(entry.what, entry.source) for entry in served.record.noted] == [("limit.hit", "ucp")]


async def test_a_caller_for_whom_more_is_open_is_shown_that() -> None:
    echo = EchoProtocol()
    served = MountedProtocols(echo, under=replace(roadmap("p1_browse"), differs=True))
    await served.ask("GET", "/ucp")
    assert echo.asked[0].runner.is_open("search_products")
