"""Permalinks: what is in them, what is not taken, and that whoever follows one comes to a page of the shop."""

import base64
from urllib.parse import urlsplit

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.checkout_sessions import CheckoutSessions
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.ucp.permalinks import MAX_ITEMS, MAX_URL_BYTES, UcpPermalinks, read_permalink, safe_path
from tests.fakes.memory_backend import STORE, roadmap
from tests.unit.checkout_sessions.environment import ALL_OPEN, SessionsEnvironment, codes_of, page_of

SHOP = "https://pickle.example/"


def encoded(id_: str) -> str:
    return "~" + base64.urlsafe_b64encode(id_.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("/DILL:2", {"DILL": 2}),
        ("/DILL:2,BREAD:1", {"DILL": 2, "BREAD": 1}),
        ("/DILL-500.a_b!#$&'*+^`|~x:1", {"DILL-500.a_b!#$&'*+^`|~x": 1}),
        (f"/{encoded('Dill, 500 g')}:3", {"Dill, 500 g": 3}),
        (f"/{encoded('DILL')}:1,DILL:2", {"DILL": 3}),
        (f"/{encoded('~x')}:1", {"~x": 1}),
        (f"/{encoded('Gurke 🥒')}:1", {"Gurke 🥒": 1}),
        ("/DILL:999", {"DILL": 999}),
        *(
            (path, {})
            for path in (
                "/", "", "/DILL", "/DILL:", "/DILL:0", "/DILL:-1", "/DILL:01", "/DILL:1000", "/:1", "/DILL:1,",
                "/DILL:1,,BREAD:1", "/DILL:1/", "/a/b:1", "/Dill pickles:1", "/DILL:1 ",
                "/DILL:\u0661", "/Dïll:1", "/~:1",
                "/~RElMTA==:1", "/~RElMTB:1", "/~RElMT:1", "/~_w:1", "/~AA:1", "/~R+lMTA:1", "/(DILL):1",
                "/" + ",".join(["DILL:1"] * (MAX_ITEMS + 1)),
            )
        ),
    ],
)  # fmt: skip
def test_items_are_ids_and_quantities(path: str, items: dict[str, int]) -> None:
    assert read_permalink(path, b"").items == items


@given(st.text(min_size=1).filter(str.isprintable), st.integers(1, 999))
def test_any_id_can_be_in_a_link(id_: str, quantity: int) -> None:
    assert read_permalink(f"/{encoded(id_)}:{quantity}", b"").items == {id_: quantity}


@given(st.text(), st.binary())
def test_no_link_is_too_odd_to_be_read(path: str, query: bytes) -> None:
    read_permalink(path, query)


@pytest.mark.parametrize(
    ("query", "clear", "codes", "foreign"),
    [
        (b"utm_source=news&x=", True, [], [("utm_source", "news"), ("x", "")]),
        (b"discounts/codes/1=OLD&discounts/codes/0=TEN", True, ["TEN", "OLD"], []),
        (b"/discounts/codes/0=TEN", True, ["TEN"], []),
        (b"discounts/codes/0=TEN&/discounts/codes/0=OLD", False, ["OLD", "TEN"], []),
        (b"buyer/email=a%40b.example&/buyer/first_name=Ada&utm_id=7", True, [], [("utm_id", "7")]),
        (b"payment/token=secret&line_items/0/item/id=BREAD", True, [], []),
        (b"buyer~1email=a&buyer=me", True, [], [("buyer~1email", "a"), ("buyer", "me")]),
        (b"continue_to=/a&continue_to=/b", False, [], []),
        (b"x=\xff", False, [], []),
        (b"&".join([b"x=1"] * 51), False, [], []),
    ],
)
def test_parameters_are_taken_kept_or_left_out(
    query: bytes, clear: bool, codes: list[str], foreign: list[tuple[str, str]]
) -> None:
    link = read_permalink("/DILL:1", query)
    assert (bool(link.items), link.codes, link.foreign) in [(clear, codes, foreign), (clear, (), ())]


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/jars", "/jars"),
        ("/", "/"),
        ("/jars?page=2&x=a b#top", "/jars?page=2&x=a%20b"),
        ("/gläser", "/gl%C3%A4ser"),
        ("/a%2Fb", "/a%252Fb"),
        ('/"><script>', "/%22%3E%3Cscript%3E"),
        *(
            (evil, "")
            for evil in (
                "", "jars", "//evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example", "/a\\b",
                "/a\r\nset-cookie: x", "/a\x00", "/a\tb", "\t/a", " /a", "/a\u2028b", "javascript:alert(1)",
            )
        ),
    ],
)  # fmt: skip
def test_a_path_to_go_on_to_stays_in_the_shop(sent: str, path: str) -> None:
    assert safe_path(sent) == path


@given(st.text())
def test_no_path_leads_out_of_the_shop(sent: str) -> None:
    path = safe_path(sent)
    there = urlsplit(STORE.origin + path)
    assert (there.scheme, there.netloc) == ("https", "pickle.example")
    assert path.isascii()
    assert not any(one.isspace() for one in path)


async def followed(
    here: SessionsEnvironment,
    path: str,
    query: bytes = b"",
    *,
    method: str = "GET",
    under: Roadmap = ALL_OPEN,
    is_head: bool = False,
) -> ProtocolResponse:
    target = f"/ucp/permalink{path}".encode() + (b"?" + query if query else b"")
    runner = here.runner(under)
    request = ProtocolRequest(method=method, is_head=is_head, path=path, query=query, target=target, runner=runner)
    return await UcpPermalinks(STORE, here.sessions).answer(request)


def location(answer: ProtocolResponse) -> str:
    headers = dict(answer.headers)
    assert answer.status == 303
    assert answer.body == b""
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-robots-tag"] == b"noindex, nofollow"
    return headers[b"location"].decode()


async def test_a_link_fills_a_cart_and_leads_to_its_page() -> None:
    here = SessionsEnvironment()
    there = location(await followed(here, "/DILL:2,BREAD:1", b"discounts/codes/0=TEN&utm_source=news&buyer/email=a"))
    ((_, handle),) = here.handles.records
    assert there == f"{page_of(here.runner(), handle)}?utm_source=news"
    cart = await here.shelf_cart(handle)
    assert ({line.sku: line.quantity for line in cart.lines}, cart.coupon) == ({"DILL": 2, "BREAD": 1}, "TEN")
    state = await here.sessions.read(here.runner(), handle)
    assert (state.status, state.buyer) == ("incomplete", None), "nothing is ordered, and nothing personal is taken"
    assert here.checkouts.checkouts == {}


@pytest.mark.parametrize(
    ("path", "query", "there"),
    [
        ("/NET-0:1", b"", SHOP),
        ("/NOTHING:1", b"continue_to=/jars", f"{SHOP}jars"),
        ("/NOTHING:1", b"continue_to=/jars?a=1&utm_id=7", f"{SHOP}jars?a=1&utm_id=7"),
        ("/NOTHING:1", b"continue_to=//evil.example&utm_id=7", f"{SHOP}?utm_id=7"),
        ("/", b"continue_to=%2Fjars", f"{SHOP}jars"),
        ("/DILL:1", b"discounts/codes/0=TEN&/discounts/codes/0=TEN&continue_to=/jars", f"{SHOP}jars"),
        ("/DILL:1", b"x=" + b"y" * MAX_URL_BYTES, SHOP),
    ],
)
async def test_a_link_that_fills_nothing_leads_to_another_page_of_the_shop(path: str, query: bytes, there: str) -> None:
    assert location(await followed(SessionsEnvironment(), path, query)) == there


async def test_who_only_looks_at_a_link_fills_no_cart() -> None:
    here = SessionsEnvironment()
    assert location(await followed(here, "/DILL:2", b"continue_to=/jars", is_head=True)) == f"{SHOP}jars"
    assert not here.handles.records


async def test_a_shop_that_is_down_or_closed_is_no_error_for_who_follows_a_link() -> None:
    here = SessionsEnvironment()
    here.shelf.down = ShopDown()
    assert location(await followed(here, "/DILL:1")) == SHOP
    assert location(await followed(SessionsEnvironment(), "/DILL:1", under=roadmap("p1_browse"))) == SHOP


async def test_what_is_left_of_a_link_is_in_the_cart() -> None:
    here = SessionsEnvironment()
    there = location(await followed(here, "/NET-0:1,DILL:1"))
    state = await here.sessions.read(here.runner(), there.rpartition("/")[2])
    assert codes_of(state)[0] == ("out_of_stock", "lines[0]")


async def test_a_store_without_pages_of_carts_leads_to_its_own() -> None:
    here = SessionsEnvironment()
    here.sessions = CheckoutSessions(STORE.id, here.records, now=here.seconds)
    assert location(await followed(here, "/DILL:1")) == SHOP


async def test_a_link_is_only_ever_followed() -> None:
    answer = await followed(SessionsEnvironment(), "/DILL:1", method="POST")
    assert (answer.status, dict(answer.headers)) == (405, {b"allow": b"GET, HEAD"})
    website = replace(STORE, website="https://www.pickle.example/shop")
    here = SessionsEnvironment()
    request = ProtocolRequest(method="GET", path="/", runner=here.runner())
    assert location(await UcpPermalinks(website, here.sessions).answer(request)) == website.website
