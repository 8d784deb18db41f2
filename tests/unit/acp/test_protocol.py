"""What holds for every request: credentials, versions, keys, repeats, and errors that are flat."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.access.rate_limits import RateLimit
from storefront_mcp.acp.idempotency import MAX_KEY_CHARS
from storefront_mcp.commerce.errors import ShopBusy, ShopDown
from tests.fakes.memory_backend import roadmap
from tests.often import often
from tests.unit.acp.environment import CREATE, TWO_DILL, AcpStore
from tests.unit.calls.test_policy import Record, furnished

SESSIONS = "/checkout_sessions"


@pytest.fixture
def store() -> AcpStore:
    return AcpStore()


def carts_of(store: AcpStore) -> int:
    return len(store.here.shelf.carts)


async def test_whoever_has_no_key_is_told_to_bring_one(store: AcpStore) -> None:
    store.caller = GUEST
    answer = await store.ask("POST", SESSIONS, CREATE)
    assert (answer.status, answer["type"], answer["code"]) == (401, "invalid_request", "unauthorized")
    store.caller = Caller(kind="key", principal="k2", scopes=frozenset({"read:orders"}))
    answer = await store.ask("POST", SESSIONS, CREATE)
    assert (answer.status, answer["code"]) == (403, "forbidden")
    assert carts_of(store) == 0


@pytest.mark.parametrize(
    ("version", "code"),
    [("", "missing_api_version"), ("2025-09-29", "unsupported_api_version"), ("x", "unsupported_api_version")],
)
async def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(
    store: AcpStore, version: str, code: str
) -> None:
    answer = await store.ask("POST", SESSIONS, CREATE, api_version=version)

    assert (answer.status, answer["code"]) == (400, code)
    assert answer["supported_versions"] == ["2026-04-17"]


@pytest.mark.parametrize("key", [None, " ", "k" * (MAX_KEY_CHARS + 1)])
@pytest.mark.parametrize(("method", "path"), [("POST", SESSIONS), ("POST", "/carts"), ("PUT", "/carts/c")])
async def test_a_request_that_changes_something_has_a_key(
    store: AcpStore, method: str, path: str, key: str | None
) -> None:
    answer = await store.ask(method, path, CREATE, key=key)

    assert (answer.status, answer["code"]) == (400, "idempotency_key_required")
    assert carts_of(store) == 0


async def test_a_repeat_is_answered_as_before_and_says_so(store: AcpStore) -> None:
    first = await store.create(CREATE, key="once", request_id="r-1")
    again = await store.create(dict(reversed(CREATE.items())), key="once", request_id="r-2")

    assert again.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (first.headers["request-id"], first.headers["idempotency-key"]) == ("r-1", "once")
    assert again.headers["request-id"] == "r-2"
    assert carts_of(store) == 1


@pytest.mark.parametrize(
    "changes",
    [{"line_items": [{"item": {"id": "DILL"}, "quantity": 3}]}, {"buyer": None}, {"discounts": {"codes": []}}],
)
async def test_a_key_with_another_body_is_a_conflict(store: AcpStore, changes: dict[str, Any]) -> None:
    await store.create(CREATE, key="once")
    answer = await store.ask("POST", SESSIONS, CREATE | changes, key="once")

    assert (answer.status, answer["code"]) == (422, "idempotency_conflict")
    assert carts_of(store) == 1


async def test_the_order_of_a_list_is_part_of_the_body(store: AcpStore) -> None:
    lines = [*TWO_DILL, {"item": {"id": "BREAD"}}]
    await store.create({**CREATE, "line_items": lines}, key="once")

    assert (await store.ask("POST", SESSIONS, {**CREATE, "line_items": lines[::-1]}, key="once")).status == 422


async def test_a_key_belongs_to_a_caller_and_a_path(store: AcpStore) -> None:
    session = await store.create(CREATE, key="once")
    assert (await store.ask("POST", f"{SESSIONS}/{session['id']}", CREATE, key="once")).status == 200
    store.caller = Caller(kind="key", principal="k2", scopes=store.caller.scopes)
    other = await store.create(CREATE, key="once")
    assert other["id"] != session["id"]


async def test_a_repeat_of_what_is_under_way_is_told_to_wait(store: AcpStore) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    create = store.here.shelf.create_cart

    async def slow(*args: Any, **more: Any) -> Any:
        began.set()
        await may_end.wait()
        return await create(*args, **more)

    store.here.shelf.create_cart = slow  # type: ignore[method-assign]
    first = asyncio.create_task(store.create(CREATE, key="once"))
    await began.wait()
    second = await store.ask("POST", SESSIONS, CREATE, key="once")
    assert (second.status, second["code"], second.headers["retry-after"]) == (409, "idempotency_in_flight", "2")
    may_end.set()
    assert (await first).status == 201


@pytest.mark.parametrize(("fault", "status"), [(ShopDown(), 503), (ShopBusy(retry_after=7), 503)], ids=["down", "busy"])
async def test_what_failed_here_is_not_kept(store: AcpStore, fault: Exception, status: int) -> None:
    store.here.shelf.before["create_cart"] = [fault]
    failed = await store.ask("POST", SESSIONS, CREATE, key="once")
    assert (failed.status, failed["type"]) == (status, "service_unavailable")
    assert int(failed.headers["retry-after"]) > 0

    assert (await store.create(CREATE, key="once")).status == 201


async def test_a_client_that_goes_away_does_not_take_the_key_with_it(store: AcpStore) -> None:
    began = asyncio.Event()

    async def endless(*_: Any, **__: Any) -> Any:
        began.set()
        await asyncio.Event().wait()

    create, store.here.shelf.create_cart = store.here.shelf.create_cart, endless  # type: ignore[method-assign]
    gone = asyncio.create_task(store.create(CREATE, key="once"))
    await began.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    store.here.shelf.create_cart = create  # type: ignore[method-assign]
    assert (await store.create(CREATE, key="once")).status == 201


async def test_a_limit_is_told_and_not_kept(store: AcpStore) -> None:
    store.policy = furnished(Record(), principal=RateLimit(1, 30.0))
    await store.ask("POST", "/carts", {"items": [{"id": "DILL"}]})
    limited = await store.ask("POST", "/carts", {"items": [{"id": "DILL"}]}, key="once")

    assert (limited.status, limited["code"]) == (429, "rate_limited")
    assert int(limited.headers["retry-after"]) > 0
    store.policy = furnished(Record())
    assert (await store.ask("POST", "/carts", {"items": [{"id": "DILL"}]}, key="once")).status == 201


@pytest.mark.parametrize("open_phases", [(), ("p1_browse",), ("p1_browse", "p2_cart")])
async def test_what_is_not_open_cannot_be_asked_for(store: AcpStore, open_phases: tuple[str, ...]) -> None:
    session = await store.create(CREATE)
    store.under = roadmap(*open_phases)
    answer = await store.ask("POST", f"{SESSIONS}/{session['id']}/complete", {})

    if "p2_cart" in open_phases:
        assert answer["status"] == "not_ready_for_payment"
    else:
        assert (answer.status, answer["type"]) == (503, "service_unavailable")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SESSIONS, "POST"),
        ("DELETE", f"{SESSIONS}/x", "GET, POST"),
        ("PUT", f"{SESSIONS}/x", "GET, POST"),
        ("POST", "/carts/x", "GET, PUT"),
    ],
)
async def test_another_method_is_refused_with_those_there_are(
    store: AcpStore, method: str, path: str, allowed: str
) -> None:
    answer = await store.ask(method, path, {})

    assert (answer.status, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/orders/1"),
        ("GET", f"{SESSIONS}/cart_nothing.1"),
        ("POST", f"{SESSIONS}/cart_nothing.1"),
        ("POST", f"{SESSIONS}/cart_nothing.1/complete"),
        ("POST", f"{SESSIONS}/cart_nothing.1/cancel"),
        ("GET", "/carts/cart_nothing"),
        ("PUT", "/carts/cart_nothing"),
        ("POST", "/carts/cart_nothing/cancel"),
        ("GET", f"{SESSIONS}/{'x' * 200}"),
        ("GET", f"{SESSIONS}/a b"),
    ],
)
async def test_what_is_not_there_is_not_found(store: AcpStore, method: str, path: str) -> None:
    answer = await store.ask(method, path, {"line_items": TWO_DILL} if method == "PUT" else {})

    assert (answer.status, answer["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "$.line_items"),
        ({"line_items": None}, "$.line_items"),
        ({"line_items": []}, "$.line_items"),
        ({"line_items": {}}, "$.line_items"),
        ({"line_items": [7]}, "$.line_items[0]"),
        ({"items": [{"quantity": 1}]}, "$.items[0].item.id"),
        ({"items": [{"id": "DILL", "quantity": "2"}]}, "$.items[0].quantity"),
        ({"items": [{"id": "DILL", "quantity": -1}]}, "$.items[0].quantity"),
        ({"items": [{"id": "DILL", "quantity": True}]}, "$.items[0].quantity"),
        ({"items": [{"id": "DILL"}] * 101}, "$.items"),
        ({**CREATE, "buyer": "Ada"}, "$.buyer"),
        ({**CREATE, "buyer": {"email": 7}}, "$.buyer.email"),
        ({**CREATE, "fulfillment_details": []}, "$.fulfillment_details"),
        ({**CREATE, "fulfillment_details": {"address": {"city": "x" * 501}}}, "$.fulfillment_details.address.city"),
        ({**CREATE, "selected_fulfillment_options": {"option_id": "van"}}, "$.selected_fulfillment_options"),
        ({**CREATE, "selected_fulfillment_options": ["van"]}, "$.selected_fulfillment_options"),
        ({**CREATE, "discounts": {"codes": "TEN"}}, "$.discounts.codes"),
        ({**CREATE, "coupons": [7]}, "$.coupons"),
        ({**CREATE, "discounts": {"codes": ["x"] * 21}}, "$.discounts.codes"),
    ],
    ids=str,
)
async def test_a_body_that_cannot_be_read_is_refused_with_the_place(
    store: AcpStore, body: dict[str, Any], param: str
) -> None:
    answer = await store.ask("POST", SESSIONS, body)

    assert (answer.status, answer["code"], answer["param"]) == (400, "invalid", param)
    assert carts_of(store) == 0


@pytest.mark.parametrize("raw", [b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a":' * 50_000])
async def test_a_body_that_is_no_object_is_refused(store: AcpStore, raw: bytes) -> None:
    answer = await store.ask("POST", SESSIONS, raw=raw)

    assert (answer.status, answer["code"]) == (400, "invalid")


async def test_members_that_are_not_known_are_ignored(store: AcpStore) -> None:
    more = {
        "affiliate_attribution": {"provider": "x", "token": "y"},
        "metadata": {"a": [1]},
        "timezone": "Australia/Hobart",
        "fulfillment_groups": [{}],
        "risk_signals": 7,
    }
    assert (await store.create(CREATE | more))["status"] == "not_ready_for_payment"


INNER = ["id", "item", "codes", "address", "type", "email", "quantity", "name", "option_id"]
OUTER = [
    "line_items",
    "items",
    "buyer",
    "fulfillment_details",
    "selected_fulfillment_options",
    "discounts",
    "coupons",
    "fulfillment_address",
    "fulfillment_option_id",
    "cart_id",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(OUTER), JSON))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=often(60), deadline=None)
async def test_no_body_gets_an_answer_that_the_protocol_does_not_know(store: AcpStore, body: dict[str, Any]) -> None:
    store.policy = furnished(Record())
    session = await store.create(CREATE)
    for path in (SESSIONS, f"{SESSIONS}/{session['id']}", "/carts"):
        assert (await store.ask("POST", path, body)).status in {200, 201, 400, 404}
