"""All stores of a server behind one sign-in, and no store behind a key of another."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.cli import main
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.records.console_sessions import LoginLink, secret_digest
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.demo import demo_settings
from tests.serving import free_port, served
from tests.unit.console.environment import PICKLE, Browser, Stage

pytestmark = pytest.mark.slow

BRINE, CELLAR = StoreId("brine"), StoreId("cellar")
PAGES = ("", "/stores", "/roadmap", "/checkouts", "/keys", "/audit", "/cards", "/connect", "/health", "/traffic")
FORMS = ("/roadmap/flip", "/checkouts/finish", "/keys/mint", "/audit/verify", "/audit/export", "/health/examine")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two stores, and a third whose console is at a host of its own."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path_factory.mktemp("stores"))
    (first,) = settings.stores
    second = replace(first, id=BRINE, origin=f"http://localhost:{port}", name="Brine & Co", hosts=())
    own = ConsoleSettings(host="operator.cellar.example")
    third = replace(second, id=CELLAR, origin="http://cellar.localhost", name="Cellar", console=own)
    settings = replace(settings, stores=(first, second, third))
    with (
        served(create_app(settings), port) as origin,
        contextlib.closing(Database(settings.database)) as database,
    ):
        yield Stage(origin, settings, database)


@pytest.fixture
def browser(two: Stage) -> Iterator[Browser]:
    with two.browser() as browser:
        yield browser


def sign_in(browser: Browser, store: StoreId, *scopes: str, at: str = "") -> Any:
    key = browser.stage.key(*scopes, store=store)
    browser.get(f"{at}/sign-in")
    return browser.send(f"{at}/sign-in", {"key": key})


def link(stage: Stage, *stores: StoreId, secret: str) -> str:
    for store in stores:
        found = LoginLink(digest=secret_digest(secret, store), store=store, by="ada", expires_at=_later())
        SqlConsoleSessionRepository(stage.database).add_link(found)
    return f"/sign-in?once={secret}"


def _later() -> Any:
    return utc_now().replace(year=utc_now().year + 1)


@pytest.mark.parametrize("at", [*PAGES, *FORMS])
def test_a_key_of_one_store_never_sees_another(browser: Browser, at: str) -> None:
    browser.stage.key(store=BRINE)
    sign_in(browser, PICKLE, "manage:workspace", "manage:api_keys", "read:analytics")
    browser.get("/keys")
    answer = browser.send(f"/at/brine{at}") if at in FORMS else browser.get(f"/at/brine{at}")

    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/at/brine/sign-in")
    assert "Brine" not in browser.get("/stores").text


@pytest.mark.parametrize("id_", ["brine", "cellar", "nowhere"])
def test_who_is_not_signed_in_learns_nothing_of_other_stores(browser: Browser, id_: str) -> None:
    browser.stage.key()
    browser.stage.key(store=BRINE)
    page = browser.get(f"/at/{id_}/health")
    assert (page.status_code, page.headers["location"]) == (303, "/operator/sign-in")
    assert browser.get(f"/at/{id_}/sign-in").status_code == 404
    browser.get("/sign-in")
    assert browser.send(f"/at/{id_}/sign-in", {"key": browser.stage.key(store=BRINE)}).status_code == 404


def test_a_key_of_one_store_does_not_sign_in_to_another(browser: Browser) -> None:
    browser.stage.key(store=BRINE)
    sign_in(browser, PICKLE)
    assert sign_in(browser, PICKLE, at="/at/brine").status_code == 401
    assert "Brine" not in browser.get("/at/brine/sign-in").text
    assert browser.get("/at/brine/roadmap").status_code == 303


def test_a_second_key_adds_its_store_and_its_scopes_only(browser: Browser) -> None:
    sign_in(browser, PICKLE, "manage:workspace", "read:analytics")
    before = dict(browser.client.cookies)
    answer = sign_in(browser, BRINE, "manage:audit", at="/at/brine")

    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/at/brine/stores")
    assert browser.client.cookies["operator"] != before["operator"], "nobody can have planted the cookie"
    assert browser.get("/roadmap").status_code == 200
    assert browser.get("/at/brine/audit").status_code == 200
    assert browser.get("/at/brine/roadmap").status_code == 403
    page = browser.get("/stores").text
    assert 'href="/operator/at/brine"' in page
    brine = page.partition('id="store-2"')[2]
    assert "Orders today" in page.partition('id="store-2"')[0]
    assert "Orders today" not in brine, "figures take a scope of that store"
    assert "Waiting for a person" not in brine
    browser.client.cookies.set("operator", before["operator"], path="/operator")
    assert browser.get("/at/brine/audit").status_code == 303


def test_a_link_for_all_opens_all_and_one_page_shows_them(browser: Browser) -> None:
    browser.get(link(browser.stage, PICKLE, BRINE, secret="for all of them"))
    answer = browser.send("/sign-in", {"once": "for all of them"})

    assert answer.headers["location"] == "/operator/stores"
    page = browser.get("/stores").text
    for shown in ("Brine &amp; Co", "2 stores that you are signed in to", "Orders today", "Waiting for a person"):
        assert shown in page
    assert re.search(r"<dt>Browse</dt><dd>planned</dd>", page)
    for at in ("/roadmap", "/at/brine/roadmap", "/at/brine/health", "/at/brine/checkouts"):
        assert 'aria-label="Stores"' in browser.get(at).text
    assert 'href="/operator/at/brine/checkouts"' in browser.get("/at/brine/roadmap").text
    with browser.stage.browser() as other:
        assert other.post("/sign-in", {"once": "for all of them"}).status_code in {401, 403}


def test_signing_out_ends_every_seat(browser: Browser) -> None:
    browser.get(link(browser.stage, PICKLE, BRINE, secret="out again"))
    browser.send("/sign-in", {"once": "out again"})
    kept = browser.client.cookies["operator"]
    browser.get("/at/brine/roadmap")
    browser.send("/at/brine/sign-out")
    browser.client.cookies.set("operator", kept, path="/operator")

    assert browser.get("/roadmap").status_code == 303
    assert browser.get("/at/brine/roadmap").status_code == 303


def test_a_key_that_is_revoked_takes_its_store_out_of_the_sign_in(browser: Browser) -> None:
    sign_in(browser, PICKLE)
    sign_in(browser, BRINE, "manage:audit", at="/at/brine")
    assert browser.get("/at/brine/audit").status_code == 200
    keys = SqlApiKeyRepository(browser.stage.database)
    for stored in keys.list(BRINE):
        keys.revoke(BRINE, stored.key.id, by="a test")

    assert browser.get("/at/brine/audit").status_code == 303
    assert browser.get("/roadmap").status_code == 200
    assert "Brine" not in browser.get("/stores").text


@pytest.mark.parametrize("at", PAGES)
def test_a_console_with_a_host_of_its_own_is_at_no_other(browser: Browser, at: str) -> None:
    browser.get(link(browser.stage, PICKLE, CELLAR, secret=f"cellar-{at[1:]}"))
    browser.send("/sign-in", {"once": f"cellar-{at[1:]}"})

    assert browser.get(f"/at/cellar{at}").status_code == 404
    assert browser.get(f"/at/nowhere{at}").status_code == 404
    assert "Cellar" not in browser.get("/stores").text


def test_the_command_opens_all_stores_that_are_seen_at_one_address(
    two: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = '[[store]]\nid = "{0}"\norigin = "https://{0}.example"\nname = "{0}"\ncurrency = "AUD"\n'
    shop = '[store.upstream]\nkind = "maho"\nurl = "https://shop.example"\n'
    own = '[store.console]\nhost = "operator.example"\n'
    text = "".join(store.format(name) + shop + ("" if name != "cellar" else own) for name in ("a", "b", "cellar"))
    (tmp_path / "storefront.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    every = CliRunner().invoke(main, ("console",))
    one = CliRunner().invoke(main, ("console", "--store", "b"))

    assert "Opens the console of a, b once" in every.output
    assert "https://a.example/operator/sign-in?once=" in every.output
    assert "Opens the console of b once" in one.output
    assert "https://b.example/operator/sign-in?once=" in one.output
