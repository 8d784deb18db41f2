"""Signing in, staying signed in, and every way in which the door stays shut."""

import datetime as dt
import re
from pathlib import Path

import pytest

from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.settings.console import ConsoleSettings
from tests.unit.console.environment import PICKLE, Browser, Stage, staged

pytestmark = pytest.mark.slow

PAGES = ("", "/roadmap", "/roadmap/flip?p1_browse=active", "/checkouts", "/keys", "/audit", "/cards", "/connect")
FORMS = ("/roadmap/flip", "/checkouts/finish", "/keys/mint", "/keys/revoke", "/audit/verify", "/audit/export")


def test_there_is_nothing_until_there_is_a_key_or_a_link(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as browser:
        for page in PAGES:
            assert browser.get(page).status_code == 404, "nobody learns that there is a console"
        assert browser.get("/sign-in").status_code == 404
        stage.key("read:orders")
        assert browser.get("/sign-in").status_code == 404, "a key that may manage nothing opens no console"
        link = stage.link()
        assert browser.get("/sign-in").status_code == 200
        browser.get(link)
        browser.send("/sign-in", {"once": link.partition("=")[2]})
        assert browser.get("/sign-in").status_code == 303, "who sits there is shown the way in"
        browser.get("/roadmap")
        browser.send("/sign-out")
        assert browser.get("/sign-in").status_code == 404
        stage.key("manage:audit")
        assert browser.get("/sign-in").status_code == 200


def test_it_can_be_switched_off_and_be_somewhere_else(tmp_path: Path) -> None:
    with staged(tmp_path, console=ConsoleSettings(on=False)) as stage, stage.browser() as browser:
        stage.key()
        assert browser.get("/sign-in").status_code == 404
    with staged(tmp_path, console=ConsoleSettings(path="/back/office")) as stage, stage.browser() as browser:
        stage.key()
        assert browser.client.get("/operator/sign-in").status_code == 404
        browser.sign_in()
        assert browser.get("/roadmap").status_code == 200


def test_at_a_host_of_its_own_there_is_a_console_and_no_endpoint(tmp_path: Path) -> None:
    own = "operator.pickle.example"
    with staged(tmp_path, console=ConsoleSettings(host=own)) as stage:
        key = stage.key()
        with stage.browser() as outside:
            assert outside.get("/sign-in").status_code == 404
        with stage.browser(headers={"host": own}) as inside:
            assert inside.get("/sign-in").status_code == 200
            assert inside.send("/sign-in", {"key": key}).status_code == 303
            assert inside.client.post("/mcp", json={}).status_code in {404, 405}


def test_the_cookie_is_out_of_reach_and_the_page_keeps_everything_inside(browser: Browser) -> None:
    key = browser.stage.key()
    browser.get("/sign-in")
    answer = browser.send("/sign-in", {"key": key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/roadmap")
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"operator=[\w-]{43}; Path=/operator; Max-Age=\d+; HttpOnly; SameSite=Strict", cookie), (
        "no Secure on a loopback store that has no https"
    )
    assert key not in answer.text
    page = browser.get("/roadmap")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page.text), "nothing is inline"
    assert browser.stage.acts()[-1] == "console.signed_in"


@pytest.mark.parametrize("at", PAGES)
def test_without_a_seat_every_page_leads_to_the_door(browser: Browser, at: str) -> None:
    browser.stage.key()
    answer = browser.get(at)
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/sign-in")


@pytest.mark.parametrize("at", FORMS)
def test_without_a_seat_no_form_does_anything(browser: Browser, at: str) -> None:
    before = len(browser.stage.audit())
    assert browser.post(at, {"csrf": "0" * 64}).headers["location"] == "/operator/sign-in"
    browser.client.cookies.set("operator", "made-up")
    assert browser.post(at, {"csrf": "0" * 64}).headers["location"] == "/operator/sign-in"
    assert len(browser.stage.audit()) == before


@pytest.mark.parametrize("at", [*FORMS, "/sign-out"])
@pytest.mark.parametrize("trouble", ["missing", "wrong", "foreign origin", "foreign site", "no origin at all"])
def test_a_form_from_elsewhere_is_refused(browser: Browser, at: str, trouble: str) -> None:
    browser.sign_in()
    browser.get("/keys")
    before = len(browser.stage.audit())
    if trouble in {"missing", "wrong"}:
        answer = browser.post(at, {} if trouble == "missing" else {"csrf": "0" * 64})
    else:
        headers = {
            "foreign origin": {"origin": "https://evil.example"},
            "foreign site": {"sec-fetch-site": "same-site"},
            "no origin at all": {"origin": "http://[broken"},
        }[trouble]
        answer = browser.send(at, headers=headers)
    assert answer.status_code == 403
    assert "came from somewhere else" in answer.text
    assert len(browser.stage.audit()) == before
    assert browser.get("/keys").status_code == 200


def test_the_token_of_one_seat_is_worth_nothing_in_another(stage: Stage) -> None:
    with stage.browser() as one, stage.browser() as other:
        one.sign_in()
        other.sign_in()
        one.get("/keys")
        other.page = one.page
        assert other.send("/audit/verify").status_code == 403


@pytest.mark.parametrize(
    ("at", "scope"),
    [
        ("/roadmap", "manage:phases"),
        ("/roadmap/flip?p1_browse=active", "manage:phases"),
        ("/checkouts", "manage:checkouts"),
        ("/keys", "manage:api_keys"),
        ("/audit", "manage:audit"),
        ("/traffic", "read:analytics"),
    ],
)
def test_a_page_takes_its_own_scope(stage: Stage, at: str, scope: str) -> None:
    other = "manage:audit" if scope != "manage:audit" else "manage:phases"
    with stage.browser() as lacking, stage.browser() as having:
        lacking.sign_in(other)
        refused = lacking.get(at)
        assert refused.status_code == 403
        assert scope in refused.text
        assert f'href="/operator{at.split("?", maxsplit=1)[0]}"' not in refused.text, (
            "the navigation leads nobody there"
        )
        having.sign_in(scope, "manage:audit")
        assert having.get(at).status_code == 200


def test_a_narrow_key_is_shown_to_the_first_page_it_may_see(stage: Stage) -> None:
    with stage.browser() as browser:
        browser.sign_in("manage:checkouts")
        assert browser.get("").headers["location"] == "/operator/checkouts"


@pytest.mark.parametrize("kind", ["nonsense", "mistyped", "unknown", "expired", "revoked", "too little", "öäü"])
def test_a_key_that_does_not_count_opens_nothing(stage: Stage, kind: str) -> None:
    good = stage.key("manage:phases")
    other = stage.key("manage:phases", days=-1)
    key = {
        "nonsense": "letmein",
        "öäü": "öäü",
        "mistyped": good[:-1],
        "unknown": "sfm_" + "0" * 11 + "_" + "0" * 49,
        "expired": other,
        "revoked": stage.key("manage:phases"),
        "too little": stage.key("read:orders"),
    }[kind]
    if kind == "revoked":
        SqlApiKeyRepository(stage.database).revoke(PICKLE, key.split("_")[1])
    with stage.browser() as browser:
        browser.get("/sign-in")
        answer = browser.send("/sign-in", {"key": key})
        assert answer.status_code == (403 if kind == "too little" else 401)
        assert "operator=" not in answer.headers.get("set-cookie", "")
        assert browser.get("/roadmap").status_code == 303


def test_a_sign_in_form_counts_only_in_the_browser_that_asked_for_it(stage: Stage) -> None:
    key = stage.key()
    with stage.browser() as one, stage.browser() as victim:
        one.get("/sign-in")
        victim.page = one.page
        assert victim.send("/sign-in", {"key": key}).status_code == 403
        one.get("/sign-in")
        assert one.send("/sign-in", {"key": key}, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_guessing_is_slowed_down(stage: Stage) -> None:
    elsewhere = {"x-forwarded-for": "203.0.113.9"}
    with stage.browser(headers=elsewhere) as guessing:
        link = stage.link()
        guessing.get("/sign-in")
        answers = [guessing.send("/sign-in", {"key": f"guess {number}"}).status_code for number in range(25)]
        assert answers[:5] == [401] * 5
        assert answers[-1] == 429
        assert guessing.send("/sign-in", {"once": link.partition("=")[2]}).status_code == 429, "links count, too"
    with stage.browser(headers={"x-forwarded-for": "203.0.113.10"}) as guessing:
        guessing.get("/sign-in")
        answers = [guessing.send("/sign-in", {"once": f"guess {number}"}).status_code for number in range(25)]
        assert answers[-1] == 429


def test_a_link_opens_once(stage: Stage) -> None:
    link = stage.link()
    secret = link.partition("=")[2]
    with stage.browser() as one, stage.browser() as other:
        assert "opens once" in one.get(link).text
        assert "opens once" in other.get(link).text, "looking at it uses nothing up"
        assert one.send("/sign-in", {"once": secret}).status_code == 303
        assert one.get("/roadmap").status_code == 200
        replayed = other.send("/sign-in", {"once": secret})
        assert replayed.status_code == 401
        assert "does not open any more" in replayed.text
        assert other.get("/roadmap").status_code == 303


def test_a_link_does_not_open_for_ever(stage: Stage) -> None:
    stage.key()
    link = stage.link(seconds=-1)
    with stage.browser() as browser:
        browser.get(link)
        assert browser.send("/sign-in", {"once": link.partition("=")[2]}).status_code == 401


def test_who_signed_out_is_out_whatever_the_browser_still_holds(stage: Stage) -> None:
    with stage.browser() as browser:
        browser.sign_in()
        cookie = browser.client.cookies["operator"]
        browser.get("/keys")
        answer = browser.send("/sign-out")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        browser.client.cookies.set("operator", cookie, path="/operator")
        assert browser.get("/roadmap").status_code == 303
    assert stage.acts()[-1] == "console.signed_out"


def test_a_seat_ends_with_its_key(stage: Stage) -> None:
    with stage.browser() as browser:
        key = stage.key("manage:phases")
        browser.get("/sign-in")
        browser.send("/sign-in", {"key": key})
        assert browser.get("/roadmap").status_code == 200
        SqlApiKeyRepository(stage.database).revoke(PICKLE, key.split("_")[1])
        assert browser.get("/roadmap").status_code == 303


def test_a_seat_ends_in_time(tmp_path: Path) -> None:
    late = dt.timedelta(0)
    settings = ConsoleSettings(lasts=60)
    with staged(tmp_path, console=settings, now=lambda: utc_now() + late) as stage, stage.browser() as browser:
        browser.sign_in()
        late = dt.timedelta(seconds=55)
        assert browser.get("/roadmap").status_code == 200
        late = dt.timedelta(seconds=61)
        assert browser.get("/roadmap").status_code == 303


def test_everybody_can_be_shown_out(stage: Stage) -> None:
    with stage.browser() as browser:
        browser.sign_in()
        link = stage.link()
        assert SqlConsoleSessionRepository(stage.database).end_all(PICKLE) >= 2
        assert browser.get("/roadmap").status_code == 303
        browser.get(link)
        assert browser.send("/sign-in", {"once": link.partition("=")[2]}).status_code == 401


@pytest.mark.parametrize("name", ["console.css", "console.js", "htmx.min.js"])
def test_what_pages_refer_to_is_there(browser: Browser, name: str) -> None:
    answer = browser.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_else_of_the_package_is(browser: Browser) -> None:
    assert browser.get("/static/desk.py").status_code == 404
    assert browser.get("/static/..%2Fdesk.py").status_code == 404
