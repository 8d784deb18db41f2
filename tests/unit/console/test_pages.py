"""Every page of the console, as a person without scripts walks through it."""

import datetime as dt
import html
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.app import planned_roadmap
from storefront_mcp.checkout.record import CheckoutStep
from storefront_mcp.checkout_sessions.record import CheckoutSession
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.console.cards import malformed_reason
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.database.order_events import SqlOrderEventQueue, await_order
from storefront_mcp.database.order_mails import SqlOrderMailQueue, queue_mail
from storefront_mcp.database.usage import SqlUsageRepository
from storefront_mcp.payments.sandbox import SandboxProvider
from storefront_mcp.records.usage import DurationSummary, UsageRow
from storefront_mcp.roadmap.terms import NO_TERMS
from tests.fakes.agent import VERSIONS, Agent
from tests.serving import until
from tests.unit.console.environment import PICKLE, Browser, Stage, meanwhile, staged

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(browser: Browser) -> Browser:
    """Somebody who may do everything."""
    return browser.sign_in(label="Ada")


def seen(ada: Browser, **changes: str) -> dict[str, str]:
    """The fields of a flip that was looked at."""
    page = ada.get("/roadmap/flip", params=changes)
    found = re.search(r'name="seen" value="(\d+)"', page.text)
    assert found is not None, page.text
    return {"seen": found[1], **changes}


async def test_a_flip_is_looked_at_asked_for_and_done(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in(label="Ada")
        roadmap = ada.get("/roadmap").text
        assert "never flipped" in roadmap
        assert "GET /api/rest/v2/categories" in roadmap
        refused = ada.get("/roadmap/flip?p2_cart=active").text
        assert "requires p1_browse" in refused
        together = "/roadmap/flip?p2_cart=active&amp;p1_browse=active"
        assert together in refused

        fields = seen(ada, p2_cart="active", p1_browse="active")
        assert ada.page is not None
        preview = ada.page.text
        assert "add_to_cart" in preview
        assert "/.well-known/mcp/server-card.json" in preview
        assert SqlFlipRepository(stage.database).history() == [], "a look writes nothing"

        done = ada.send("/roadmap/flip", fields)
        assert (done.status_code, done.headers["location"]) == (303, "/operator/roadmap?done=1")
        flips = SqlFlipRepository(stage.database).history()
        assert [(flip.phase, flip.after) for flip in flips] == [("p1_browse", "active"), ("p2_cart", "active")]
        assert all(flip.by.startswith("Ada (key:") for flip in flips)
        until(lambda: "Agents now see" in ada.get("/roadmap?done=1").text, "the worker to show it")
        async with Agent(stage.origin, VERSIONS[-1]) as agent:
            assert "add_to_cart" in await agent.tools()

        assert "requires p1_browse" in ada.get("/roadmap/flip?p1_browse=paused").text
        assert "Pause Cart at the same moment" in ada.get("/roadmap/flip?p1_browse=paused").text
        ada.send("/roadmap/flip", seen(ada, p2_cart="paused"))
        vanishing = ada.get("/roadmap/flip?p2_cart=retired").text
        assert "Retiring is for good" in vanishing
        flipped = [entry.subject for entry in stage.audit() if entry.what == "phase.flipped"]
        assert sorted(flipped) == ["p1_browse", "p2_cart", "p2_cart"]


async def test_a_pause_of_the_checkout_asks_what_becomes_of_open_ones(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in(label="Ada")
        opened = seen(ada, p1_browse="active", p2_cart="active", p3_checkout="active")
        assert "open checkout" not in ada.get("/roadmap").text
        ada.send("/roadmap/flip", opened)
        # Due only later, so that the running server does not end it meanwhile.
        stage.stuck("chk_a", state="open", due_at=None, online=True, payment=None)
        fields = seen(ada, p3_checkout="paused")
        assert ada.page is not None
        assert "1 open checkout: what becomes of it?" in ada.page.text
        assert "chk_a" in ada.page.text
        wrong = ada.send("/roadmap/flip", {**fields, "until": "soon"})
        assert wrong.status_code == 409
        assert "An end is a date and a time" in wrong.text
        over = ada.send("/roadmap/flip", {**fields, "until": "2020-01-01T09:00"})
        assert over.status_code == 409
        assert "A pause ends after it has begun" in over.text

        terms = {"reason": "stocktaking", "until": "2099-02-01T09:00", "checkouts": "close"}
        done = ada.send("/roadmap/flip", {**fields, **terms})
        assert (done.status_code, done.headers["location"]) == (303, "/operator/roadmap?done=2&closed=1&busy=0")
        told = ada.get("/roadmap?done=2&closed=1&busy=0").text
        assert "1 open checkout is being closed." in told
        assert "Closed for now: stocktaking. It is expected to open again on 1 February 2099, 09:00 UTC." in told
        records = SqlCheckoutRepository(stage.database)
        until(lambda: meanwhile(records.find(PICKLE, "chk_a")).state == "canceled", "the server to close it")
        assert meanwhile(records.find(PICKLE, "chk_a")).reason == "stocktaking."
        until(lambda: "Agents now see" in ada.get("/roadmap?done=2").text, "the worker to show it")
        async with Agent(stage.origin, VERSIONS[-1]) as agent:
            assert {"get_order_status", "cancel_checkout"} < {*await agent.tools()}
            assert "place_order" not in await agent.tools()


async def test_everything_is_stopped_by_one_button_and_comes_back_by_one(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in(label="Ada")
        ada.send("/roadmap/flip", seen(ada, p1_browse="active", p2_cart="active", p3_checkout="active"))
        stage.stuck("chk_a", state="open", due_at=None, online=True, payment=None)
        stopped = ada.send("/roadmap/stop", {"scope": "everything", "reason": "a leak"})
        assert (stopped.status_code, stopped.headers["location"]) == (303, "/operator/roadmap?closed=1&busy=0")
        page = ada.get("/roadmap?closed=1&busy=0").text
        assert "<strong>Stopped: everything.</strong> a leak. By Ada (key:" in page
        assert "1 open checkout is being closed." in page
        mcp = f"{stage.origin}/mcp"
        # Before it has shown the phases as open, it answers 503 too.
        until(lambda: '"reason": "a leak"' in ada.client.post(mcp, json={}).text, "the worker to obey")
        assert "shown as paused: it is stopped" in ada.get("/roadmap").text

        assert ada.send("/roadmap/resume", {"client": ""}).status_code == 303
        assert "Stopped:" not in ada.get("/roadmap").text
        until(lambda: ada.client.post(mcp, json={}).status_code != 503, "the worker to open again")
        ada.send("/roadmap/stop", {"scope": "client", "client": "BadBot"})
        assert "Stopped: the program &#34;badbot&#34;." in ada.get("/roadmap").text
        assert ada.send("/roadmap/stop", {"scope": "client", "client": ""}).status_code == 422
        assert ada.send("/roadmap/stop", {"scope": "half"}).status_code == 400
        refused = ada.send("/roadmap/stop", {"scope": "buying", "client": "badbot"})
        assert refused.status_code == 422
        assert "more than it would be stopped" in refused.text
        assert stage.acts()[-4:] == ["store.stopped", "checkout.closed", "store.resumed", "store.stopped"]


def test_a_scheduled_flip_that_was_not_made_is_shown_until_it_is_seen_to(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in(label="Ada")
        assert "not made" not in ada.get("/roadmap").text
        planned, past = planned_roadmap(stage.settings.stores[0]), utc_now() - dt.timedelta(minutes=5)
        flips = SqlFlipRepository(stage.database, now=lambda: past)
        at = past + dt.timedelta(minutes=1)
        flip = flips.schedule(planned, PICKLE, {"p2_cart": "active"}, by="bob", terms=NO_TERMS, at=at)
        until(lambda: flips.refused_schedule(PICKLE), "the server to refuse it")
        page = html.unescape(ada.get("/roadmap").text)
        assert "<strong>A scheduled flip was not made:</strong> p2_cart → active, at" in page
        assert "by bob, was refused: p2_cart: requires p1_browse, which would be planned" in page
        assert f"phases unschedule {flip.id}" in page

        ada.send("/roadmap/flip", seen(ada, p1_browse="active", p2_cart="active"))
        assert "not made" not in ada.get("/roadmap").text
        flips.close()


def test_a_flip_that_was_looked_at_too_long_ago_is_looked_at_again(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in()
        old = seen(ada, p1_browse="active")
        assert ada.send("/roadmap/flip", old).status_code == 303
        again = ada.send("/roadmap/flip", old)
        assert again.status_code == 409
        assert "Somebody flipped meanwhile" in again.text
        broken = ada.send("/roadmap/flip", {"seen": "1", "p3_checkout": "active"})
        assert broken.status_code == 409
        assert "Nothing was changed" in broken.text


@pytest.mark.parametrize("query", ["", "p9_moon=active", "p1_browse=open"])
def test_a_flip_that_means_nothing_is_refused(ada: Browser, query: str) -> None:
    assert ada.get(f"/roadmap/flip?{query}").status_code == 400


def test_a_script_is_given_a_part_of_the_page(ada: Browser) -> None:
    for at in ("/roadmap", "/checkouts", "/audit", "/health"):
        part = ada.get(at, headers={"hx-request": "true"}).text
        assert "<html" not in part
        assert len(part) > 40


def test_what_is_stuck_comes_first_and_is_finished(ada: Browser) -> None:
    stage = ada.stage
    stage.stuck("chk_a")
    stage.stuck("chk_b")
    stage.stuck("chk_ended", state="placed", order_number="100000009", ended_at=1.0)
    page = ada.get("/checkouts").text
    assert page.index("chk_a") < page.index("chk_ended")
    assert "$558.00" in page
    assert 'Checkouts <span class="count">' in ada.get("/roadmap").text, "the navigation shows that somebody waits"
    question = {"checkout": "chk_a", "as": "ordered", "order": "100000007"}
    sure = ada.get("/checkouts/finish", params=question).text
    assert "What will happen:</strong> AUD 558.00 of the payment pi_3Q8 are taken" in sure
    assert meanwhile(SqlCheckoutRepository(stage.database).find(PICKLE, "chk_a")).state == "needs_human"
    done = ada.send("/checkouts/finish", question)
    assert done.status_code == 303
    told = ada.get(done.headers["location"].removeprefix("/operator")).text
    assert "Said and on record" in told
    ada.send("/checkouts/finish", {"checkout": "chk_b", "as": "refunded"})
    found = meanwhile(SqlCheckoutRepository(stage.database).find(PICKLE, "chk_b"))
    assert found is not None
    assert found.state == "failed"
    assert stage.acts()[-2:] == ["checkout.finished", "checkout.finished"]
    again = ada.send("/checkouts/finish", {"checkout": "chk_b", "as": "refunded"})
    assert again.status_code == 409
    assert "nobody has to finish it" in again.text


def test_money_is_not_let_go_beside_an_order_that_is_known(ada: Browser) -> None:
    ada.stage.stuck("chk_known", order_number="100000031")
    section = ada.get("/checkouts").text.split('aria-labelledby="chk_known"')[1].split("</section>")[0]
    assert "It is ordered" in section
    assert "let the money go" not in section
    question = {"checkout": "chk_known", "as": "no_order"}
    assert ada.get("/checkouts/finish", params=question).status_code == 409
    refused = ada.send("/checkouts/finish", question)
    assert refused.status_code == 409
    assert "is the order 100000031 of the shop, so its money is not let go" in refused.text
    ada.send("/checkouts/finish", {"checkout": "chk_known", "as": "refunded"})


def test_a_checkout_shows_lines_its_payment_at_the_provider_and_each_step_and_is_closed(
    ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxProvider, "payment_url", lambda _, payment: f"https://dashboard.example/{payment}")
    steps = (CheckoutStep("authorized", 1_795_000_100.0), CheckoutStep("placing", 1_795_000_107.0))
    stage = ada.stage
    stage.stuck("chk_steps", state="placed", ended_at=1.0, steps=steps, payment="sandbox_payment_abc")
    page = ada.get("/checkouts/one", params={"checkout": "chk_steps"}).text
    for wanted in ("Paddle", "PAD-2", "$279.00", "$558.00", "18 November 2026", ": authorized", ": placing"):
        assert wanted in page
    assert 'href="https://dashboard.example/sandbox_payment_abc"' in page
    assert "Close it" not in page

    stage.stuck("chk_open", state="open", due_at=None, payment=None)
    assert "Close it" in ada.get("/checkouts/one", params={"checkout": "chk_open"}).text
    assert "Nobody is charged;" in ada.get("/checkouts/close", params={"checkout": "chk_open"}).text
    assert ada.send("/checkouts/close", {"checkout": "chk_open"}).status_code == 303
    assert stage.acts()[-1] == "checkout.closed"
    assert ada.send("/checkouts/close", {"checkout": "chk_steps"}).status_code == 409
    for at in ("one", "close"):
        assert ada.get(f"/checkouts/{at}", params={"checkout": "chk_none"}).status_code == 404


def test_the_confirmation_of_an_order_is_seen_and_sent_again(ada: Browser) -> None:
    stage = ada.stage
    database = stage.database
    for number, id_ in enumerate(("chk_sent", "chk_failed", "chk_none")):
        stage.stuck(id_, state="placed", order_number=f"10000000{number}", ended_at=1.0)
    queue = SqlOrderMailQueue(database)
    with database.writing() as connection:
        for id_ in ("chk_sent", "chk_failed"):
            found = meanwhile(SqlCheckoutRepository(database).find(PICKLE, id_))
            queue_mail(database, connection, found)
    for status, problem in (("sent", None), ("failed", "550 <no> such user")):
        taken = meanwhile(queue.lease(now=time.time(), seconds=60))
        meanwhile(queue.finish(replace(taken, checkout=f"chk_{status}"), status, problem=problem, due_at=0.0))
    page = ada.get("/checkouts").text
    assert "550 &lt;no&gt; such user" in page
    assert page.count("Send it again") == 1
    assert ada.send("/checkouts/mail", {"checkout": "chk_failed"}).status_code == 303
    assert "Send it again" not in ada.get("/checkouts").text
    again = ada.send("/checkouts/mail", {"checkout": "chk_none"})
    assert again.status_code == 409
    assert "There is no confirmation of chk_none that could not be sent." in again.text


def test_what_a_platform_could_not_be_told_of_an_order_is_seen_and_told_again(ada: Browser) -> None:
    stage = ada.stage
    stage.stuck("chk_alone", state="placed", order_number="1", ended_at=1.0)
    assert "Platform" not in ada.get("/checkouts").text, "where no platform is told of anything"
    stage.stuck("chk_told", state="placed", order_number="2", ended_at=1.0)
    session = CheckoutSession(
        store=PICKLE, cart=CartId("cart_abc"), owner="key:a", checkout="chk_told", tells_orders=True, expires_at=1.0
    )
    with stage.database.writing() as connection:
        await_order(stage.database, connection, session, None)
    queue = SqlOrderEventQueue(stage.database)
    taken = meanwhile(queue.lease(now=time.time(), seconds=60))
    meanwhile(queue.finish(replace(taken, status="failed", problem="HTTP <401>"), due_at=0.0))
    page = ada.get("/checkouts").text
    assert "HTTP &lt;401&gt;" in page
    assert "cart_abc" not in page
    assert ada.send("/checkouts/event", {"checkout": "chk_told"}).status_code == 303
    assert "Tell it again" not in ada.get("/checkouts").text
    assert ada.send("/checkouts/event", {"checkout": "chk_alone"}).status_code == 409


def test_only_what_a_checkout_can_become_is_understood(ada: Browser) -> None:
    ada.get("/checkouts")
    assert ada.send("/checkouts/finish", {"checkout": "chk_x", "as": "stolen"}).status_code == 400
    assert ada.get("/checkouts/finish", params={"checkout": "chk_x", "as": "stolen"}).status_code == 400
    ada.get("/checkouts")
    assert ada.send("/checkouts/finish", {"checkout": "chk_x", "as": "refunded"}).status_code == 409


def test_a_key_is_shown_once_and_revoked(ada: Browser) -> None:
    ada.get("/keys")
    minted = ada.send("/keys/mint", {"label": "Order desk", "days": "3", "scope": ["manage:phases", "manage:audit"]})
    assert minted.status_code == 201
    assert minted.headers["cache-control"] == "no-store"
    found = re.search(r'id="secret">(sfm_\w+)<', minted.text)
    assert found is not None
    id_ = found[1].split("_")[1]
    stored = SqlApiKeyRepository(ada.stage.database).find(id_)
    assert stored is not None
    assert stored.key.created_by.startswith("Ada (key:")
    later = ada.get("/keys").text
    assert found[1] not in later
    assert "open and close phases" in later
    gone = ada.send("/keys/revoke", {"id": id_})
    assert gone.headers["location"] == f"/operator/keys?revoked={id_}"
    assert f"{id_} is revoked" in ada.get(f"/keys?revoked={id_}").text
    assert f"<code>{id_}</code>" not in ada.get("/keys").text, "void keys are out of the way"
    assert f"<code>{id_}</code>" in ada.get("/keys?all=1&text=order+DESK").text
    kinds = [entry.what for entry in ada.stage.audit() if entry.subject == id_]
    assert kinds == ["key.minted", "key.revoked"]


def test_many_keys_are_found_by_words_and_leafed_through(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as desk:
        for number in range(60):
            stage.key("read:analytics", label=f"till {number}")
        desk.sign_in("manage:api_keys", label="Desk")
        first = desk.get("/keys").text
        assert first.index("Mint a key") < first.index("On record")
        assert "61 keys, page 1 of 2" in first
        assert first.count('<th scope="row">') == 50
        assert desk.get("/keys?page=2").text.count('<th scope="row">') == 11
        assert "page 2 of 2" in desk.get("/keys?page=99").text
        assert "page 1 of 2" in desk.get("/keys?page=0").text
        assert "1 key, the newest first" in desk.get("/keys?text=till+59").text
        assert "None fits." in desk.get("/keys?text=nobody").text


def test_one_key_is_replaced_and_both_count_for_a_while(ada: Browser) -> None:
    old = ada.stage.key("manage:phases", label="robot")
    id_ = old.split("_")[1]
    ada.get("/keys")
    page = ada.send("/keys/replace", {"id": id_, "hours": "2"})
    assert page.status_code == 201
    found = re.search(r'id="secret">(sfm_\w+)<', page.text)
    assert found is not None
    keys = SqlApiKeyRepository(ada.stage.database)
    before, after = keys.find(id_), keys.find(found[1].split("_")[1])
    assert before is not None
    assert after is not None
    assert (after.key.label, after.key.scopes) == (before.key.label, before.key.scopes)
    assert before.key.expires_at < after.key.expires_at
    assert before.status_at(utc_now()) == after.status_at(utc_now()) == "valid"
    assert f"<code>{id_}</code> counts until" in page.text
    assert ada.stage.acts()[-1] == "key.replaced"
    assert ada.send("/keys/replace", {"id": id_, "hours": "99999"}).status_code == 400
    assert ada.send("/keys/replace", {"id": "nobody", "hours": "1"}).status_code == 404
    ada.send("/keys/replace", {"id": id_, "hours": "0"})
    assert ada.send("/keys/replace", {"id": id_, "hours": "1"}).status_code == 404, "it has ended"


def test_scopes_that_nothing_takes_are_not_offered(stage: Stage) -> None:
    with stage.browser() as desk:
        desk.sign_in("manage:api_keys", "manage:domains", "manage:voice", "read:analytics")
        page = desk.get("/keys").text
        assert 'value="read:analytics"' in page
        assert 'value="manage:domains"' not in page
        assert 'value="manage:voice"' not in page


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"label": " ", "days": "3", "scope": "manage:phases"}, "Say what the key is for"),
        ({"label": "x" * 101, "days": "3", "scope": "manage:phases"}, "Say what the key is for"),
        ({"label": "x\n9999 root phase.flipped", "days": "3", "scope": "manage:phases"}, "all of which can be seen"),
        ({"label": "a\x1b[31m\u202e", "days": "3", "scope": "manage:phases"}, "all of which can be seen"),
        ({"label": "x", "days": "3"}, "Choose at least one thing"),
        ({"label": "x", "days": "0", "scope": "manage:phases"}, "It counts from 1"),
        ({"label": "x", "days": "²", "scope": "manage:phases"}, "It counts from 1"),
        ({"label": "x", "days": "99999999999", "scope": "manage:phases"}, "It counts from 1"),
    ],
)
def test_a_key_that_cannot_be_is_explained(ada: Browser, wish: dict[str, str], said: str) -> None:
    ada.get("/keys")
    answer = ada.send("/keys/mint", wish)
    assert answer.status_code == 422
    assert said in answer.text


def test_nobody_hands_on_more_than_they_have(stage: Stage) -> None:
    with stage.browser() as desk:
        desk.sign_in("manage:api_keys", "read:analytics")
        page = desk.get("/keys").text
        assert 'value="read:analytics"' in page
        assert 'value="manage:phases"' not in page
        refused = desk.send("/keys/mint", {"label": "x", "days": "3", "scope": ["manage:phases"]})
        assert refused.status_code == 403
        assert "lacks manage:phases" in refused.text
        assert desk.send("/keys/mint", {"label": "x", "days": "3", "scope": ["manage:moon"]}).status_code == 400
        assert desk.send("/keys/revoke", {"id": "nobody"}).status_code == 404


def test_the_audit_is_filtered_verified_and_exported(ada: Browser) -> None:
    page = ada.get("/audit").text
    assert "console.signed_in" in page
    assert "No such words" not in page
    filtered = ada.get("/audit", params={"what": "key.minted", "span": "hour"}).text
    assert "console.signed_in" not in filtered
    assert ">0 entries" in ada.get("/audit", params={"text": "no such words"}).text
    assert ">0 entries" not in ada.get("/audit", params={"span": "nonsense"}).text
    verified = ada.send("/audit/verify")
    assert "entries are as they were written" in verified.text
    exported = ada.send("/audit/export", {"span": "all"})
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert "attachment" in exported.headers["content-disposition"]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert ada.stage.acts()[-2:] == ["audit.verified", "audit.exported"]
    recent = ada.send("/audit/export", {"span": "hour"})
    assert recent.status_code == 200


def test_older_outcomes_are_shown_and_found_by_their_codes(ada: Browser) -> None:
    entry = replace(ada.stage.audit()[0], subject="add_to_cart", outcome="CartNotFound")
    AuditLog(ada.stage.database).write([entry])
    page = ada.get("/audit", params={"text": "cart_not_found"}).text
    assert "<td>cart_not_found</td>" in page
    assert "CartNotFound" not in page
    assert "are as they were written" in ada.send("/audit/verify").text


def test_a_long_audit_leaves_in_pieces_and_whole(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in()
        entry = stage.audit()[0]
        AuditLog(stage.database).write([entry] * 1_200)
        page = ada.get("/audit").text
        assert "200 of 1,202 entries, the newest first." in page
        pages = [page]
        while (older := re.search(r'href="([^"]+)">[\d,]+ older</a>', pages[-1])) is not None:
            pages.append(ada.client.get(html.unescape(older[1])).text)
        numbers = [int(number) for page in pages for number in re.findall(r'<th scope="row">(\d+)</th>', page)]
        assert numbers == list(range(numbers[0], 0, -1)), "every entry, once"
        exported = ada.send("/audit/export", {"span": "day"})
        assert [json.loads(line)["number"] for line in exported.text.splitlines()] == list(range(1, 1_204))


def test_the_filter_finds_what_is_older_than_many_entries_and_counts_it(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in()
        entry = stage.audit()[0]
        log = AuditLog(stage.database)
        log.write([replace(entry, subject="add_to_cart", outcome="out_of_stock", request="a-request")] * 3)
        log.write([entry] * 6_000)
        assert "3 entries, the newest first." in ada.get("/audit", params={"text": "out_of_STOCK"}).text
        found = ada.get("/audit", params={"text": "out_of_stock"}).text
        (link, *_) = re.findall(r'href="([^"]+)">its request', found)
        of_request = ada.client.get(html.unescape(link)).text
        assert "3 entries of the request <code>a-request</code>" in of_request
        page = ada.get("/audit", params={"text": "out_of_stock", "what": "limit.hit"}).text
        assert ">0 entries" in page, re.findall("status.*", page)


@pytest.mark.parametrize(
    "body", [b"\xff=1", b"&".join(b"a%d=1" % number for number in range(80)), b"a=" + b"x" * 2**21]
)
def test_a_form_that_nobody_can_read_is_refused(ada: Browser, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = ada.client.post("/operator/keys/mint", content=body, headers=headers)
    assert answer.status_code == 400
    assert "cannot be read" in answer.text


def test_every_document_is_shown_as_it_is_sent(ada: Browser) -> None:
    page = ada.get("/cards").text
    assert "All of them are as their readers want them." in page
    main = page.partition("<main")[2]
    assert "broken" not in main
    assert ">look<" not in main
    links = re.findall(r'href="/operator(/cards/one[^"]+)"', page)
    assert len(links) > 20
    for link in links:
        assert ada.get(link.replace("&amp;", "&")).status_code == 200, link
    one = ada.get("/cards/one?name=server-card").text
    sent = ada.client.get("/.well-known/mcp/server-card.json").json()
    assert sent["serverInfo"]["name"] in one
    assert ada.get("/cards/one?name=moon").status_code == 404
    assert "bytes that are no text" in ada.get("/cards/one?name=favicon").text
    assert ada.get("/cards/one?" + "&".join(f"a{n}=1" for n in range(80))).status_code == 400


@pytest.mark.parametrize(
    ("media_type", "body", "wrong"),
    [
        ("application/json", b'{"a": 1}', False),
        ("application/json", b'{"a": ', True),
        ("application/linkset+json", b"[", True),
        ("image/svg+xml", b"<svg xmlns='a'/>", False),
        ("image/svg+xml", b"<svg>", True),
        ("application/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", True),
        ("application/toml; charset=utf-8", b"a = 1", False),
        ("application/toml; charset=utf-8", b"a = ", True),
        ("text/plain", b"words", False),
        ("text/plain; charset=utf-8", b"\xff", True),
        ("text/plain", b" \n", True),
        ("image/png", b"\x89PNG\r\n\x1a\n...", False),
        ("image/png", b"GIF89a", True),
        ("image/webp", b"", True),
    ],
)
def test_a_document_that_is_not_well_formed_is_told(media_type: str, body: bytes, wrong: bool) -> None:
    assert bool(malformed_reason(media_type, body)) is wrong


def test_a_document_that_readers_would_refuse_is_told_with_what_to_do(tmp_path: Path) -> None:
    changes = {"version": "^1.2", "privacy_policy": None, "content_signals": "ai-train=perhaps"}
    with staged(tmp_path, changes=changes) as stage, stage.browser() as ada:
        ada.sign_in()
        page = ada.get("/cards").text
        assert "All of them" not in page
        assert "Set store.version to a single version such as &#34;1.2.0&#34;, not a range." in page
        assert "It is in /mcp/server-card." in page
        assert "version is &#34;^1.2&#34;" in page
        assert "Content-Signal is &#39;ai-train=perhaps&#39;" in page
        assert page.count('class="status fault">broken') == 2
        assert page.count('class="status warning">look') == 1

        broken = ada.get("/cards/one?name=endpoint-card").text
        assert '<div class="note bad">' in broken
        assert "Set store.version" in broken
        poorer = ada.get("/cards/one?name=server-card").text
        assert '<div class="note warn">' in poorer
        assert "There is no privacy_policy." in poorer
        assert "Set store.privacy_policy to its address." in poorer
        well = ada.get("/cards/one?name=llms-txt").text
        assert 'class="status ok">valid' in well


def test_a_document_that_cannot_be_read_is_shown_as_it_is(ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.console.cards.malformed_reason", lambda *_: "it ends too early")
    page = ada.get("/cards/one?name=server-card").text
    assert "It cannot be read: it ends too early." in page
    assert "serverInfo" in page


def test_every_client_has_its_snippet(ada: Browser) -> None:
    page = ada.get("/connect").text
    assert f"{ada.stage.origin}/mcp" in page
    for name in ("Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex", "Gemini CLI"):
        assert name in page


def test_other_protocols_have_the_address_of_what_tells_all_of_them(ada: Browser) -> None:
    page = ada.get("/connect").text
    for path in ("/.well-known/ucp", "/.well-known/agent-card.json"):
        assert f">{ada.stage.origin}{path}<" in page


def test_health_finds_the_demo_well_and_says_that_its_payments_move_no_money(ada: Browser) -> None:
    page = ada.get("/health").text
    assert "All is well." in page
    assert "Buyers pay by sandbox, and no money moves." in page
    assert "its memory of the shop" in page


def test_the_doctor_comes_when_called_and_only_once_at_a_time(ada: Browser) -> None:
    ada.get("/health")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: ada.send("/health/examine"), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (found,) = (answer.text for answer in answers if answer.status_code == 200)
    assert "What the doctor found" in found
    assert "as they should be" in found
    assert ada.stage.acts()[-1] == "store.examined"
    with ada.stage.browser() as other:
        other.sign_in("manage:audit")
        assert "Examine the store" not in other.get("/health").text
        assert other.send("/health/examine").status_code == 403


async def test_traffic_is_counted_and_drawn(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in()
        assert "No agent has called a tool." in ada.get("/traffic").text
        ada.send("/roadmap/flip", seen(ada, p1_browse="active"))
        until(lambda: "Agents now see" in ada.get("/roadmap?done=1").text, "the worker to show it")
        async with Agent(stage.origin, VERSIONS[-2]) as agent:
            await agent.call("search_products", query="paddle")
            await agent.call("search_products", query="  Snorkel\tMASK ")
            await agent.call("get_product", sku="NO-SUCH")
        until(lambda: "snorkel mask" in ada.get("/traffic?span=hour").text, "the worker to write it down")
        assert "This worker remembers" in ada.get("/health").text
        page = ada.get("/traffic").text
        assert "3 tool calls in the last day" in page
        assert "1 failed" in page
        assert "search_products" in page
        assert "By protocol" in page
        assert 'role="img"' in page
        old = UsageRow(minute=1, kind="tool", name="get_product", sum=DurationSummary(1, 1.0, 1.0, (0, 0, 0, 1, 0)))
        now = int(utc_now().timestamp()) // 60
        week = replace(old, minute=now - 3000)
        book = SqlUsageRepository(stage.database)
        book.add(PICKLE, [old, week])
        assert "4 tool calls in the last week" in ada.get("/traffic?span=week").text
        assert "3 tool calls in the last day" in ada.get("/traffic?span=nonsense").text
        assert book.prune(now - 5000) == 1
