"""The endpoint on the wire: verbs, origins, bodies, and the announcement while nothing is open."""

import asyncio
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.terms import FlipTerms
from storefront_mcp.web.body import MAX_BODY_BYTES, BodyRefused, read_body
from storefront_mcp.web.cors import is_origin_allowed
from storefront_mcp.web.not_open import retry_after, stub_bytes
from tests.fakes.agent import MODERN, VERSIONS
from tests.fakes.memory_backend import NOW, OPEN, STORE, roadmap
from tests.unit.mcp.requests import asked, message
from tests.unit.web.serving import ServedStore, nothing, raw

PING = json.dumps(message("ping")).encode()
JSON = {"content-type": "application/json"}
HOST = [(b"host", b"pickle.example")]
VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "NONSENSE"]
LOCAL = replace(STORE, origin="http://127.0.0.1:8000")


@pytest.fixture
def served_store() -> ServedStore:
    return ServedStore()


@pytest.mark.proves("http.one-json-answer", "http.no-session-id")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_request_is_answered_as_json(served_store: ServedStore, version: str) -> None:
    body, routing = asked("tools/list", version)
    headers = [(name.decode(), value.decode()) for name, value in routing]
    response = await served_store.ask("POST", "/mcp", [*headers, *JSON.items()], content=json.dumps(body))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    assert "mcp-session-id" not in response.headers
    assert "access-control-allow-origin" not in response.headers
    assert len(response.json()["result"]["tools"]) == 16


async def test_a_refusal_of_the_modern_form_carries_its_status(served_store: ServedStore) -> None:
    body, routing = asked("nonsense", *MODERN)
    headers = [(name.decode(), value.decode()) for name, value in routing]
    response = await served_store.ask("POST", "/mcp", [*headers, *JSON.items()], content=json.dumps(body))
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert response.json()["error"]["code"] == -32601


@pytest.mark.proves("http.notification-accepted")
async def test_an_accepted_notification_has_neither_body_nor_media_type(served_store: ServedStore) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    response = await served_store.ask("POST", "/mcp", JSON, content=json.dumps(note))
    assert (response.status_code, response.content) == (202, b"")
    assert "content-type" not in response.headers


@pytest.mark.proves("http.no-get-stream")
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in {"POST", "DELETE"}])
async def test_other_verbs_are_refused_by_name(served_store: ServedStore, verb: str) -> None:
    response = await served_store.ask(
        verb, "/mcp", {"accept": "text/event-stream", "mcp-protocol-version": "2025-11-25"}
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, DELETE, OPTIONS"
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.content == b"") is (verb == "HEAD")


@pytest.mark.proves("http.delete-of-no-session", "http.no-delete")
@pytest.mark.parametrize(
    ("version", "status"),
    [(None, 200), ("2025-11-25", 200), ("2025-03-26", 200), ("2026-07-28", 405), ("banana", 405)],
)
async def test_ending_a_session_that_never_was_is_fine_where_there_are_sessions(
    served_store: ServedStore, version: str | None, status: int
) -> None:
    headers = {} if version is None else {"mcp-protocol-version": version}
    response = await served_store.ask("DELETE", "/mcp", headers)
    assert response.status_code == status
    if status == 405:
        assert "POST" in response.headers["allow"]


@pytest.mark.proves("http.media-type")
@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON ;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_only_json_is_read(served_store: ServedStore, media_type: str | None, status: int) -> None:
    headers = [*HOST, *([] if media_type is None else [(b"content-type", media_type.encode())])]

    async def receive() -> Any:
        return {"type": "http.request", "body": PING, "more_body": False}

    found, fields, body = await raw(served_store.app, "POST", "/mcp", headers, receive)
    assert found == status
    if status == 415:
        assert json.loads(body)["detail"] == "Send application/json."
        assert fields["content-type"] == "application/problem+json"


class TestOrigins:
    @pytest.mark.proves("http.foreign-origin")
    @pytest.mark.parametrize("verb", ["GET", "POST", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "https://pickle.example.evil.example", "", "x://["]
    )
    async def test_foreign_pages_are_kept_out_whatever_they_send(
        self, served_store: ServedStore, verb: str, origin: str
    ) -> None:
        response = await served_store.ask(verb, "/mcp", {"origin": origin, **JSON}, content=PING)
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"
        assert "access-control-allow-origin" not in response.headers

    @pytest.mark.proves("http.browsers")
    async def test_our_own_pages_and_listed_ones_may_call_and_read(self) -> None:
        served_store = ServedStore(stores=(replace(STORE, allowed_origins=("https://app.example",)),))
        for origin in ("https://pickle.example", "https://app.example"):
            response = await served_store.ask("POST", "/mcp", {"origin": origin, **JSON}, content=PING)
            assert response.status_code == 200
            assert response.headers["access-control-allow-origin"] == origin
            assert response.headers["vary"] == "Origin"
            assert "Retry-After" in response.headers["access-control-expose-headers"]
            refused = await served_store.ask("GET", "/mcp", {"origin": origin})
            assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (405, origin)

    @pytest.mark.proves("http.browsers")
    async def test_a_preflight_names_every_header_that_a_client_sends(self, served_store: ServedStore) -> None:
        origin = "https://pickle.example"
        response = await served_store.ask(
            "OPTIONS", "/mcp", {"origin": origin, "access-control-request-method": "POST"}
        )
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == origin
        assert response.headers["access-control-allow-methods"] == "GET, POST, DELETE"
        allowed = {name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")}
        assert allowed >= {"content-type", "authorization", "mcp-protocol-version", "mcp-method", "mcp-name"}
        assert response.headers["vary"] == "Origin"

    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("http://127.0.0.1:8000", True),
            ("http://localhost:5173", True),
            ("http://[::1]:3000", True),
            ("https://localhost", True),
            ("http://evil.example", False),
            ("http://localhost.evil.example", False),
            ("http://127.0.0.1.evil.example", False),
            ("null", False),
            ("", False),
            ("http://[", False),
            ("http://[::1", False),
        ],
    )
    def test_a_store_on_loopback_trusts_loopback_and_nothing_else(self, origin: str, allowed: bool) -> None:
        assert is_origin_allowed(origin, LOCAL) is allowed
        assert not is_origin_allowed(origin, STORE)

    @given(st.text(max_size=40))
    def test_no_origin_breaks_the_check(self, origin: str) -> None:
        assert is_origin_allowed(origin, STORE) is (origin == STORE.origin)
        assert is_origin_allowed(f"http://{origin}", LOCAL) in {True, False}


class Slowly:
    """A body that comes in pieces, and then whatever is said."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def __call__(self) -> Any:
        if not self.events:
            await asyncio.Event().wait()
        return self.events.pop(0)


def piece(body: bytes, *, more: bool = True) -> Any:
    return {"type": "http.request", "body": body, "more_body": more}


class TestBodies:
    async def test_a_body_in_pieces_is_put_together(self, served_store: ServedStore) -> None:
        headers = [*HOST, (b"content-type", b"application/json")]
        slowly = Slowly(
            piece(PING[:5]), piece(b""), {"type": "http.request", "more_body": True}, piece(PING[5:], more=False)
        )
        status, _, body = await raw(served_store.app, "POST", "/mcp", headers, slowly)
        assert (status, json.loads(body)["result"]) == (200, {})

    @pytest.mark.slow
    @pytest.mark.proves("http.too-large")
    @pytest.mark.parametrize("announced", [str(MAX_BODY_BYTES + 1), "9" * 5000, "000" + str(MAX_BODY_BYTES * 2)])
    async def test_a_body_that_announces_itself_too_large_is_not_read(
        self, served_store: ServedStore, announced: str
    ) -> None:
        headers = [*HOST, (b"content-type", b"application/json"), (b"content-length", announced.encode())]
        status, fields, body = await raw(served_store.app, "POST", "/mcp", headers, Slowly())
        assert (status, fields["connection"]) == (413, "close")
        assert str(MAX_BODY_BYTES) in json.loads(body)["detail"]

    @pytest.mark.slow
    @pytest.mark.proves("http.too-large")
    @pytest.mark.parametrize(
        "slowly",
        [
            lambda: Slowly(piece(b"x" * (MAX_BODY_BYTES + 1), more=False)),
            lambda: Slowly(piece(b"x" * MAX_BODY_BYTES), piece(b"x", more=False)),
            lambda: Slowly(*[piece(b"x" * (MAX_BODY_BYTES // 2))] * 3),
        ],
        ids=["at once", "the last byte", "in pieces"],
    )
    async def test_a_body_that_grows_too_large_is_left_alone(self, served_store: ServedStore, slowly: Any) -> None:
        status, fields, _ = await raw(
            served_store.app, "POST", "/mcp", [*HOST, (b"content-type", b"application/json")], slowly()
        )
        assert (status, fields["connection"]) == (413, "close")

    async def test_the_largest_body_is_taken(self) -> None:
        assert len(await read_body([], Slowly(piece(b"x" * MAX_BODY_BYTES, more=False)))) == MAX_BODY_BYTES

    @pytest.mark.parametrize("announced", [b"nonsense", b"-1", b"", b"\xb2"])
    async def test_a_length_that_is_no_number_is_the_servers_business(self, announced: bytes) -> None:
        assert await read_body([(b"content-length", announced)], Slowly(piece(b"x", more=False))) == b"x"

    @pytest.mark.proves("http.too-slow")
    @pytest.mark.parametrize("events", [[], [piece(b"{")], [piece(b"{"), piece(b"}")]])
    async def test_a_body_that_takes_too_long_is_a_408(self, events: list[Any]) -> None:
        served_store = ServedStore(body_seconds=0.02)
        headers = [*HOST, (b"content-type", b"application/json")]
        status, fields, body = await raw(served_store.app, "POST", "/mcp", headers, Slowly(*events))
        assert (status, fields["connection"]) == (408, "close")
        assert "too long" in json.loads(body)["detail"]

    @pytest.mark.parametrize("events", [[], [piece(b"{")]])
    async def test_nobody_is_answered_who_has_gone(self, served_store: ServedStore, events: list[Any]) -> None:
        gone = Slowly(*events, {"type": "http.disconnect"})
        status, _, _ = await raw(
            served_store.app, "POST", "/mcp", [*HOST, (b"content-type", b"application/json")], gone
        )
        assert status == 0

    async def test_one_deadline_holds_for_the_whole_body(self) -> None:
        ticks = 0

        async def dribble() -> Any:
            nonlocal ticks
            ticks += 1
            await asyncio.sleep(0)
            return piece(b"x")

        with pytest.raises(BodyRefused) as refused:
            await read_body([], dribble, seconds=0.05)
        assert refused.value.status == 408
        assert ticks > 1


STUB = """{
  "error": "not_yet_available",
  "message": "This storefront publishes an MCP server card at https://pickle.example/.well-known/mcp/server-card.json \
but the server itself is still being built. See the card for the planned tool inventory.",
  "server_card": "https://pickle.example/.well-known/mcp/server-card.json"
}"""


class TestTheAnnouncement:
    @pytest.mark.parametrize("verb", VERBS)
    async def test_every_verb_gets_the_same_bytes(self, verb: str) -> None:
        response = await ServedStore(roadmap()).ask(verb, "/mcp", JSON, content=PING)
        assert response.status_code == 503
        assert response.content.decode() == ("" if verb == "HEAD" else STUB)
        wanted = {
            "content-type": "application/json",
            "cache-control": "public, max-age=300",
            "retry-after": "604800",
            "content-length": str(len(STUB)),
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "Retry-After",
        }
        assert {name: response.headers.get(name) for name in wanted} == wanted
        assert "etag" not in response.headers

    async def test_browsers_may_ask_whether_they_may_ask(self) -> None:
        response = await ServedStore(roadmap()).ask("OPTIONS", "/mcp", {"origin": "https://anywhere.example"})
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert "POST" in response.headers["access-control-allow-methods"]
        assert "MCP-Protocol-Version" in response.headers["access-control-allow-headers"]

    async def test_it_is_read_from_any_page_and_with_any_body(self) -> None:
        served_store = ServedStore(roadmap())
        headers = {"origin": "https://evil.example", "content-type": "text/plain"}
        response = await served_store.ask("POST", "/mcp", headers, content=b"x" * 10)
        assert (response.status_code, response.content.decode()) == (503, STUB)

    async def test_it_ends_with_the_first_open_phase_and_returns_with_the_last(self) -> None:
        served_store = ServedStore(roadmap())
        seen = []
        for shown in (roadmap(), roadmap("p1_browse"), OPEN, roadmap(p1_browse="paused")):
            served_store.site.publish(shown)
            seen.append((await served_store.ask("POST", "/mcp", JSON, content=PING)).status_code)
        assert seen == [503, 200, 200, 503]

    @pytest.mark.parametrize("path", ["/.well-known/small.json", "/", "/healthz"])
    async def test_nothing_else_is_closed(self, path: str) -> None:
        assert (await ServedStore(roadmap()).ask("GET", path)).status_code == 200

    @pytest.mark.parametrize(
        ("launch", "seconds"),
        [
            (None, 604_800),
            ("2026-11-21T12:00:00+00:00", 86_400),
            ("2026-11-21T12:00:00Z", 86_400),
            ("2026-11-21T12:00:00", 86_400),
            ("2026-11-21T22:00:00+10:00", 86_400),
            ("2026-11-20T12:20:00.5+00:00", 1201),
            ("2027-11-20T12:00:00+00:00", 365 * 86_400),
            ("2026-11-20T12:04:00+00:00", 300),
            ("2026-11-20T12:00:00+00:00", 300),
            ("2020-01-01T00:00:00+00:00", 300),
        ],
    )
    def test_the_pause_counts_down_to_the_launch(self, launch: str | None, seconds: int) -> None:
        assert retry_after(replace(STORE, launch=launch), roadmap(), NOW) == seconds

    async def test_the_countdown_runs_while_the_server_does(self) -> None:
        served_store = ServedStore(roadmap(), stores=(replace(STORE, launch="2026-11-21T12:00:00+00:00"),))
        first = await served_store.ask("GET", "/mcp")
        served_store.clock.now = NOW + dt.timedelta(hours=1)
        second = await served_store.ask("GET", "/mcp")
        assert (first.headers["retry-after"], second.headers["retry-after"]) == ("86400", "82800")

    def test_it_is_json_with_three_keys(self) -> None:
        told = json.loads(stub_bytes(LOCAL, roadmap()))
        assert list(told) == ["error", "message", "server_card"]
        assert told["server_card"] == "http://127.0.0.1:8000/.well-known/mcp/server-card.json"


class TestAPausedStore:
    """Nothing is open for now: 503 for a short while, with what the operator said."""

    UNTIL = NOW + dt.timedelta(seconds=90)

    def paused(self, **terms: Any) -> Roadmap:
        """Browsing was open, and is paused."""
        return roadmap("p1_browse").with_status({"p1_browse": "paused"}, FlipTerms(**terms))

    async def test_it_says_why_and_until_when(self) -> None:
        answer = await ServedStore(self.paused(reason="stocktaking", until=self.UNTIL)).ask(
            "POST", "/mcp", JSON, content=PING
        )

        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "90"
        assert answer.headers["cache-control"] == "public, max-age=90"
        told = answer.json()
        assert told["error"] == "closed_for_now"
        assert told["message"].startswith("Closed for now: stocktaking. It is expected to open again on ")
        assert (told["reason"], dt.datetime.fromisoformat(told["until"])) == ("stocktaking", self.UNTIL)

    @pytest.mark.parametrize(
        ("left", "seconds"), [(None, 30), (-5, 30), (0, 30), (7.2, 8), (29.5, 30), (31, 30), (86_400, 30)]
    )
    def test_the_wait_is_the_setting_or_less(self, left: float | None, seconds: int) -> None:
        until = None if left is None else NOW + dt.timedelta(seconds=left)
        store = replace(STORE, pause_retry_seconds=30, launch="2026-11-21T12:00:00+00:00")

        assert retry_after(store, self.paused(until=until), NOW) == seconds

    async def test_without_a_word_it_is_closed_for_now(self) -> None:
        told = (await ServedStore(self.paused()).ask("GET", "/mcp")).json()

        assert list(told) == ["error", "message", "server_card"]
        assert told["message"] == "Closed for now. Ask again after the seconds in Retry-After."


async def test_a_closing_slash_is_forgiven_without_a_redirect(served_store: ServedStore) -> None:
    plain, _, _ = await raw(served_store.app, "GET", "/mcp", HOST, nothing)
    slashed, _, _ = await raw(served_store.app, "GET", "/mcp/", HOST, nothing)
    assert plain == slashed == 405
