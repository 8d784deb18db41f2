"""Each field of the pages of a sign-in: absent, twice, empty, huge, or no text. A page of ours or the client's own."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.storage import DatabaseLocation
from tests.fakes.person import filled_form
from tests.fakes.unlimited_attempts import unlimited_attempts
from tests.journeys.conftest import flip, unhurried
from tests.journeys.oauth_agent import REDIRECT
from tests.postgres import PostgresServer, postgres
from tests.serving import free_port, served
from tests.unit.oauth.authorizing import CHALLENGE

__all__ = ["postgres"]

pytestmark = pytest.mark.slow

ADA, BO, _ = PICKLERS
EVERY_PHASE = dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active")
VARIANTS: dict[str, Callable[[str], Sequence[str]]] = {
    "absent": lambda _: (),
    "twice": lambda value: (value, value),
    "twice, and first another": lambda value: ("another", value),
    "twice, and last another": lambda value: (value, "another"),
    "empty": lambda _: ("",),
    "10 KB": lambda value: (value + "x" * 10_240,),
    "NUL alone": lambda _: ("%00",),
    "NUL at its end": lambda value: (value + "%00",),
    "no UTF-8": lambda value: (value + "%ff%fe",),
    "a lone surrogate": lambda value: (value + "%ED%A0%80",),
    "a surrogate pair in UTF-8": lambda _: ("%ED%A0%BD%ED%B8%80",),
    "a cut escape": lambda value: (value + "%",),
}
"""What is sent for a field, in place of its value; both are escaped for a query."""
LINK = re.compile(r'href="(https?:[^"]*)"')
Fields = list[tuple[str, str]]
"""With values that are escaped already."""


class Store:
    """A store with sign-in; each browser comes from a network of its own, so that limits refuse none."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._networks = (f"198.{18 + number // 256 % 2}.{number % 256}.7" for number in itertools.count())
        with self.browser() as browser:
            answer = browser.post("/oauth/register", json={"redirect_uris": [REDIRECT]})
        self.client: str = answer.json()["client_id"]

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        headers = {"x-forwarded-for": next(self._networks), "sec-fetch-site": "same-origin"}
        with httpx.Client(base_url=self.origin, timeout=120, headers=headers) as browser:
            yield browser

    def asked(self) -> Fields:
        """A good authorization request."""
        fields = {"response_type": "code", "response_mode": "query", "client_id": self.client}
        fields |= {"redirect_uri": REDIRECT, "state": "s-1", "scope": "orders:read", "resource": f"{self.origin}/mcp"}
        fields |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "prompt": "consent"}
        return [(name, quote(value, safe="")) for name, value in fields.items()]

    def open(self, browser: httpx.Client) -> httpx.Response:
        """The page on which a person signs in."""
        page = browser.get(f"/oauth/authorize?{joined(self.asked())}")
        assert page.status_code == 200, page.text
        return page


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings = demo_settings(free_port(), state=tmp_path_factory.mktemp("fields"), key=Fernet.generate_key().decode())
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings = replace(settings, database=DatabaseLocation(server.fresh()))
    settings = unhurried(settings)
    flip(settings, EVERY_PHASE)
    with unlimited_attempts():
        app = create_app(settings)
    with served(app, settings.port) as origin:
        yield Store(origin)


def joined(fields: Fields) -> str:
    return "&".join(f"{name}={value}" for name, value in fields)


def varied(fields: Fields, name: str, variant: str) -> str:
    """The fields with one of them otherwise."""
    value = next((value for field, value in fields if field == name), "")
    others = [(field, value) for field, value in fields if field != name]
    return joined([*others, *((name, sent) for sent in VARIANTS[variant](value))])


def fields_of(page: httpx.Response, **typed: str) -> Fields:
    """What a person sends with the first form of a page."""
    _, filled = filled_form(page.text, typed, without=frozenset())
    return [(name, quote(value, safe="")) for name, values in filled.items() for value in values]


def post(browser: httpx.Client, path: str, body: str) -> httpx.Response:
    return browser.post(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})


def check(answer: httpx.Response, where: str) -> None:
    """That it is a page, or a redirect to ourselves or to the client."""
    told = f"{where}: {answer.status_code} {answer.headers.get('location')} {answer.text[:500]}"
    assert answer.status_code < 500, told
    location = answer.headers.get("location")
    assert (location is not None) is (answer.status_code == 303), told
    if location is None:
        assert answer.headers["content-type"] == "text/html; charset=utf-8", told
        origin = f"http://{answer.request.url.netloc.decode()}"
        assert all(link.startswith((origin, REDIRECT)) for link in LINK.findall(answer.text)), told
    else:
        ours = location.partition("?")[0] == "/account/agents"
        assert ours or re.fullmatch(re.escape(REDIRECT) + r"\?[!-~]+", location), told


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_authorization_request_leads_to_a_page_whatever_is_in_its_fields(store: Store, variant: str) -> None:
    asked = store.asked()
    for name in (*dict(asked), "unknown"):
        with store.browser() as browser:
            answer = browser.get(f"/oauth/authorize?{varied(asked, name, variant)}")
            check(answer, f"{name} {variant}")
            assert answer.status_code in {200, 400}, "nobody is sent on unasked"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_form_with_the_password_is_taken_or_told_of_whatever_is_in_its_fields(store: Store, variant: str) -> None:
    for name in ("request", "email", "password", "scope", "code", "act", "unknown"):
        with store.browser() as browser:
            fields = fields_of(store.open(browser), email=ADA.email, password=ADA.password)
            check(post(browser, "/oauth/sign-in", varied(fields, name, variant)), f"{name} {variant}")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_form_with_the_code_is_taken_or_told_of_whatever_is_in_its_fields(store: Store, variant: str) -> None:
    typed = {"email": BO.email, "password": BO.password, "code": str(BO.second_factor)}
    for name in ("request", "email", "password", "code", "scope", "act", "unknown"):
        with store.browser() as browser:
            asked = post(browser, "/oauth/sign-in", joined(fields_of(store.open(browser), **typed)))
            assert 'action="/oauth/code"' in asked.text
            check(post(browser, "/oauth/code", varied(fields_of(asked, **typed), name, variant)), f"{name} {variant}")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_form_that_says_no_is_taken_or_told_of_whatever_is_in_its_fields(store: Store, variant: str) -> None:
    for name in ("request", "act", "scope", "unknown"):
        with store.browser() as browser:
            fields = [field for field in fields_of(store.open(browser)) if field[0] == "request"]
            sent = varied([*fields, ("act", "cancel")], name, variant)
            check(post(browser, "/oauth/consent", sent), f"{name} {variant}")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("act", ["end", "end-all", "leave"])
def test_the_form_that_ends_an_agent_is_taken_or_told_of_whatever_is_in_its_fields(
    store: Store, act: str, variant: str
) -> None:
    with store.browser() as browser:
        let_in = fields_of(store.open(browser), email=ADA.email, password=ADA.password)
        assert post(browser, "/oauth/sign-in", joined(let_in)).status_code == 303
        sign_in = partial(fields_of, email=ADA.email, password=ADA.password)
        for name in ("request", "act", "grant", "unknown"):
            page = browser.get("/account/agents")
            if 'action="/oauth/sign-in"' in page.text:
                post(browser, "/oauth/sign-in", joined(sign_in(page)))
                page = browser.get("/account/agents")
            handle = re.findall(r'name="request" value="([^"]+)"', page.text)[0]
            grant = (re.findall(r'name="grant" value="([^"]+)"', page.text) or ["gone"])[0]
            sent = varied([("request", handle), ("grant", grant), ("act", act)], name, variant)
            check(post(browser, "/account/agents", sent), f"{name} {variant}")


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_stands_in_other_queries_and_cookies_changes_nothing(store: Store, variant: str) -> None:
    for path, name in (("/account/agents", "ended"), ("/oauth/authorize", "x")):
        with store.browser() as browser:
            check(browser.get(f"{path}?{varied([(name, '1')], name, variant)}"), f"{path} {variant}")
    for cookie in (b"connected-agents=\xff\xfe", b"connected-agents=\xed\xa0\x80", b"connected-agents=%00", b"=;;"):
        with store.browser() as browser:
            check(browser.get("/account/agents", headers=[(b"cookie", cookie)]), repr(cookie))
