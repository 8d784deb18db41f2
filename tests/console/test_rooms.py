"""Every page of the console, as a person without scripts walks through it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.calls.traffic import Line, Sum
from storefront_mcp.database.api_keys import DatabaseKeys
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.checkouts import DatabaseCheckouts
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.traffic import DatabaseTraffic
from storefront_mcp.web.console.cards import malformed
from tests.agent import VERSIONS, Agent
from tests.console.stage import PICKLE, Browser, Stage, meanwhile, staged
from tests.serving import until


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
        assert DatabaseFlags(stage.database).history() == [], "a look writes nothing"

        done = ada.send("/roadmap/flip", fields)
        assert (done.status_code, done.headers["location"]) == (303, "/operator/roadmap?done=1")
        flips = DatabaseFlags(stage.database).history()
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
    done = ada.send("/checkouts/finish", {"checkout": "chk_a", "as": "ordered", "order": "100000007"})
    assert done.status_code == 303
    told = ada.get(done.headers["location"].removeprefix("/operator")).text
    assert "Said and on record" in told
    ada.send("/checkouts/finish", {"checkout": "chk_b", "as": "refunded"})
    found = meanwhile(DatabaseCheckouts(stage.database).find(PICKLE, "chk_b"))
    assert found is not None
    assert found.state == "failed"
    assert stage.acts()[-2:] == ["checkout.finished", "checkout.finished"]
    again = ada.send("/checkouts/finish", {"checkout": "chk_b", "as": "refunded"})
    assert again.status_code == 409
    assert "nobody has to finish it" in again.text


def test_only_what_a_checkout_can_become_is_understood(ada: Browser) -> None:
    ada.get("/checkouts")
    assert ada.send("/checkouts/finish", {"checkout": "chk_x", "as": "stolen"}).status_code == 400
    assert ada.send("/checkouts/finish", {"checkout": "chk_x", "as": "refunded"}).status_code == 409


def test_a_key_is_shown_once_and_revoked(ada: Browser) -> None:
    ada.get("/keys")
    minted = ada.send("/keys/mint", {"label": "Order desk", "days": "3", "scope": ["manage:phases", "manage:audit"]})
    assert minted.status_code == 201
    assert minted.headers["cache-control"] == "no-store"
    found = re.search(r'id="secret">(sfm_\w+)<', minted.text)
    assert found is not None
    id_ = found[1].split("_")[1]
    stored = DatabaseKeys(ada.stage.database).find(id_)
    assert stored is not None
    assert stored.key.created_by.startswith("Ada (key:")
    later = ada.get("/keys").text
    assert found[1] not in later
    assert "open and close phases" in later
    gone = ada.send("/keys/revoke", {"id": id_})
    assert gone.headers["location"] == f"/operator/keys?revoked={id_}"
    assert f"{id_} is revoked" in ada.get(f"/keys?revoked={id_}").text
    kinds = [entry.what for entry in ada.stage.audit() if entry.subject == id_]
    assert kinds == ["key.minted", "key.revoked"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"label": " ", "days": "3", "scope": "manage:phases"}, "Say what the key is for"),
        ({"label": "x" * 101, "days": "3", "scope": "manage:phases"}, "Say what the key is for"),
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
        desk.sign_in("manage:api_keys", "read:orders")
        page = desk.get("/keys").text
        assert 'value="read:orders"' in page
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
    assert "0 entries" in ada.get("/audit", params={"text": "no such words"}).text
    assert "0 entries" not in ada.get("/audit", params={"span": "nonsense"}).text
    verified = ada.send("/audit/verify")
    assert "entries are as they were written" in verified.text
    exported = ada.send("/audit/export", {"span": "all"})
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert "attachment" in exported.headers["content-disposition"]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert ada.stage.acts()[-2:] == ["audit.verified", "audit.exported"]
    recent = ada.send("/audit/export", {"span": "hour"})
    assert recent.status_code == 200


def test_a_long_audit_leaves_in_pieces_and_whole(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.browser() as ada:
        ada.sign_in()
        entry = stage.audit()[0]
        AuditLog(stage.database).write([entry] * 1_200)
        page = ada.get("/audit").text
        assert "200 entries, the newest first; 1002 older ones are left out" in page
        exported = ada.send("/audit/export", {"span": "day"})
        assert [json.loads(line)["number"] for line in exported.text.splitlines()] == list(range(1, 1_204))


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
    assert bool(malformed(media_type, body)) is wrong


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
        assert page.count('class="status bad">broken') == 2
        assert page.count('class="status warn">look') == 1

        broken = ada.get("/cards/one?name=endpoint-card").text
        assert '<div class="note bad">' in broken
        assert "Set store.version" in broken
        poorer = ada.get("/cards/one?name=server-card").text
        assert '<div class="note warn">' in poorer
        assert "There is no privacy_policy." in poorer
        assert "Set store.privacy_policy to its address." in poorer
        well = ada.get("/cards/one?name=llms-txt").text
        assert 'class="status good">valid' in well


def test_a_document_that_cannot_be_read_is_shown_as_it_is(ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.web.console.cards.malformed", lambda *_: "it ends too early")
    page = ada.get("/cards/one?name=server-card").text
    assert "It cannot be read: it ends too early." in page
    assert "serverInfo" in page


def test_every_client_has_its_snippet(ada: Browser) -> None:
    page = ada.get("/connect").text
    assert f"{ada.stage.origin}/mcp" in page
    for name in ("Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex", "Gemini CLI"):
        assert name in page


def test_a_look_at_health_finds_the_demo_well_and_the_sandbox_worth_a_word(ada: Browser) -> None:
    page = ada.get("/health").text
    assert "It works, and something wants a look." in page
    assert "no money moves" in page
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


@pytest.mark.slow
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
        assert 'role="img"' in page
        old = Line(minute=1, kind="tool", name="get_product", sum=Sum(1, 1.0, 1.0, (0, 0, 0, 1, 0)))
        now = int(utc_now().timestamp()) // 60
        week = replace(old, minute=now - 3000)
        book = DatabaseTraffic(stage.database)
        book.add(PICKLE, [old, week])
        assert "4 tool calls in the last week" in ada.get("/traffic?span=week").text
        assert "3 tool calls in the last day" in ada.get("/traffic?span=nonsense").text
        assert book.prune(now - 5000) == 1
