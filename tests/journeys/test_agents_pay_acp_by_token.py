"""An agent pays a session of the Agentic Commerce Protocol by a shared payment token, and nobody opens a page."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.agent_protocols import AcpSettings
from storefront_mcp.settings.schema import PaymentSettings
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.app import StripeServer
from tests.fakes.stripe.faults import Fault
from tests.fakes.stripe.tokens import Granted
from tests.journeys.conftest import OpenStore, open_store
from tests.journeys.shops import EMBEDDED
from tests.journeys.test_agents_shop_by_acp import SOON, AcpAgent, key_for
from tests.serving import served

pytestmark = pytest.mark.slow

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stripe_url() -> Iterator[str]:
    with served(StripeServer(), log_level="critical") as url:
        yield url


@pytest.fixture
async def stripe(stripe_url: str) -> AsyncIterator[FakeStripe]:
    fake = FakeStripe(stripe_url)
    yield fake
    await fake.mend()
    await fake.close()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def store(stripe_url: str, state: Path) -> Iterator[OpenStore]:
    payments = PaymentSettings(
        provider="stripe",
        secret_key=Secret(FakeStripe.key),
        method="prepaid",
        url=stripe_url,
        token_profile="profile_test_pickle",
    )
    with open_store(EMBEDDED, state, acp=AcpSettings(enabled=True), payments=payments) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(store: OpenStore) -> str:
    return key_for(store.settings)


@pytest.fixture
async def agent(store: OpenStore, key: str) -> AsyncIterator[AcpAgent]:
    agent = AcpAgent(store.origin, key)
    yield agent
    await agent.close()


async def granted(stripe: FakeStripe, **limits: Any) -> str:
    token = f"spt_secret{next(numbers)}"
    await stripe.grant(Granted(id=token, **limits))
    return token


def paying_by(token: str) -> dict[str, Any]:
    credential = {"type": "spt", "token": token}
    return {"payment_data": {"handler_id": "stripe.spt", "instrument": {"type": "card", "credential": credential}}}


async def complete(agent: AcpAgent, session: Any, token: str, **headers: str) -> httpx.Response:
    return await agent.ask("POST", f"/checkout_sessions/{session['id']}/complete", paying_by(token), **headers)


async def ended(agent: AcpAgent, session: Any) -> Any:
    """The session once it is no longer under way."""
    async with asyncio.timeout(SOON):
        while True:
            shown = (await agent.ask("GET", f"/checkout_sessions/{session['id']}")).json()
            if shown["status"] != "complete_in_progress":
                return shown
            await asyncio.sleep(0.1)  # the order is made in another task, and only the session tells


async def money(stripe: FakeStripe, since: int = 0) -> list[str]:
    return [one["what"] for one in (await stripe.books())["ledger"][since:]]


async def moved(stripe: FakeStripe) -> int:
    return len((await stripe.books())["ledger"])


async def test_a_token_pays_a_session_from_end_to_end(agent: AcpAgent, store: OpenStore, stripe: FakeStripe) -> None:
    ready = await agent.prepare()
    assert ready["status"] == "ready_for_payment"
    (handler,) = ready["capabilities"]["payment"]["handlers"]
    assert (handler["id"], handler["psp"], handler["config"]["merchant_id"]) == (
        "stripe.spt",
        "stripe",
        "profile_test_pickle",
    )
    assert ready["messages"] == []
    assert ready["continue_url"]

    before, orders = await moved(stripe), await store.numbers()
    await complete(agent, ready, await granted(stripe, max_amount=ready["totals"][-1]["amount"]))
    done = await ended(agent, ready)
    assert (done["status"], done["totals"]) == ("completed", ready["totals"])
    assert len(await store.numbers()) == len(orders) + 1
    assert await money(stripe, before) == ["authorized", "captured"]
    assert [one["path"] for one in await stripe.requests() if "/checkout/sessions" in one["path"]] == []


async def test_two_tokens_at_once_and_a_third_later_make_one_order(
    agent: AcpAgent, store: OpenStore, stripe: FakeStripe
) -> None:
    ready = await agent.prepare()
    before, orders = await moved(stripe), await store.numbers()
    tokens = [await granted(stripe) for _ in range(3)]
    await asyncio.gather(*(complete(agent, ready, token) for token in tokens[:2]))
    done = await ended(agent, ready)
    again = (await complete(agent, ready, tokens[2])).json()
    assert (done["status"], again["status"], again["order"]) == ("completed", "completed", done["order"])
    assert len(await store.numbers()) == len(orders) + 1
    assert await money(stripe, before) == ["authorized", "captured"]


async def test_the_same_request_again_is_answered_and_not_charged_again(agent: AcpAgent, stripe: FakeStripe) -> None:
    ready = await agent.prepare()
    before, token = await moved(stripe), await granted(stripe)
    first, again = [await complete(agent, ready, token, **{"idempotency-key": f"pay-{token}"}) for _ in range(2)]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await ended(agent, ready))["status"] == "completed"
    assert await money(stripe, before) == ["authorized", "captured"]


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("allows less", {"max_amount": 100}),
    ("another currency", {"currency": "usd"}),
    ("has expired", {"expires_in": -1.0}),
    ("taken back", {"deactivated": "revoked"}),
    ("no such token", {"seller": "profile_test_other"}),
    ("another shop", {"sours": "spt_seller_mismatch"}),
    ("allows less", {"sours": "spt_max_amount_exceeded"}),
    ("has expired", {"sours": "spt_expired"}),
    ("taken back", {"sours": "spt_revoked"}),
    ("declined", {"card": "declined"}),
]


async def test_a_token_that_pays_nothing_is_refused_and_the_next_one_pays(agent: AcpAgent, stripe: FakeStripe) -> None:
    for said, limits in REFUSED:
        ready = await agent.prepare()
        before = await moved(stripe)
        refused = (await complete(agent, ready, await granted(stripe, **limits))).json()
        (message,) = refused["messages"]
        assert (message["code"], message["resolution"]) == ("payment_declined", "recoverable"), limits
        assert message["param"] == "$.payment_data"
        assert said in message["content"], limits
        assert refused["status"] == "ready_for_payment"
        assert (refused["totals"], refused["line_items"]) == (ready["totals"], ready["line_items"])
        assert await money(stripe, before) == []
    await complete(agent, ready, await granted(stripe))
    assert (await ended(agent, ready))["status"] == "completed"
    assert await money(stripe, before) == ["authorized", "captured"]


async def test_a_bank_that_wants_to_see_the_buyer_leads_to_the_page(agent: AcpAgent, stripe: FakeStripe) -> None:
    ready = await agent.prepare()
    before = await moved(stripe)
    shown = (await complete(agent, ready, await granted(stripe, card="challenged"))).json()
    assert shown["status"] == "requires_escalation"
    assert [message["code"] for message in shown["messages"]] == ["requires_3ds", "approval_required"]
    assert shown["continue_url"] == ready["continue_url"]
    assert await money(stripe, before) == []
    assert (await stripe.books())["payments"][-1]["status"] == "canceled"


@pytest.mark.parametrize("fault", [Fault.ACTED_LOST, Fault.ACTED_BROKEN, Fault.LOST, Fault.BROKEN, Fault.DOWN])
@pytest.mark.parametrize("path", ["/confirm", "/payment_intents"])
async def test_a_lost_answer_charges_once_in_the_end(
    agent: AcpAgent, stripe: FakeStripe, fault: Fault, path: str
) -> None:
    ready = await agent.prepare()
    before = await moved(stripe)
    await stripe.break_next(fault, method="POST", path=path, times=3)
    await complete(agent, ready, await granted(stripe))
    await stripe.mend()
    shown = await ended(agent, ready)
    if shown["status"] == "ready_for_payment":
        assert await money(stripe, before) == []
        await complete(agent, ready, await granted(stripe))
        shown = await ended(agent, ready)
    assert shown["status"] == "completed"
    assert await money(stripe, before) == ["authorized", "captured"]


WRONG: list[tuple[Any, str]] = [
    ("x", "$.payment_data"),
    ({"handler_id": "dev.acp.other"}, "$.payment_data.handler_id"),
    ({"handler_id": "stripe.spt"}, "$.payment_data.instrument"),
    ({"handler_id": "stripe.spt", "instrument": {}}, "$.payment_data.instrument.credential"),
    (
        {"handler_id": "stripe.spt", "instrument": {"credential": {"type": "card", "token": "spt_1"}}},
        "$.payment_data.instrument.credential.type",
    ),
    (
        {"handler_id": "stripe.spt", "instrument": {"credential": {"type": "spt", "token": 1}}},
        "$.payment_data.instrument.credential.token",
    ),
]


async def test_payment_data_of_another_kind_is_refused_by_its_member(agent: AcpAgent) -> None:
    ready = await agent.prepare()
    for sent, param in WRONG:
        body = {"payment_data": sent}
        refused = await agent.ask("POST", f"/checkout_sessions/{ready['id']}/complete", body)
        assert (refused.status_code, refused.json()["param"]) == (400, param)


async def test_a_token_that_was_granted_for_less_than_the_order_has_become_pays_nothing(
    agent: AcpAgent, stripe: FakeStripe
) -> None:
    ready = await agent.prepare()
    before = await moved(stripe)
    more = [{"id": ready["line_items"][0]["id"], "item": {"id": "TEE-BLUE-M"}, "quantity": 3}]
    changed = (await agent.ask("POST", f"/checkout_sessions/{ready['id']}", {"line_items": more})).json()
    assert changed["status"] == "ready_for_payment"
    refused = (await complete(agent, changed, await granted(stripe, max_amount=ready["totals"][-1]["amount"]))).json()
    assert [message["code"] for message in refused["messages"]] == ["payment_declined"]
    assert await money(stripe, before) == []


def files_with(text: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_no_token_is_written_anywhere(
    agent: AcpAgent, stripe: FakeStripe, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for limits in ({}, {"card": "declined"}, {"max_amount": 1}):
        ready = await agent.prepare()
        answer = await complete(agent, ready, await granted(stripe, **limits))
        assert "spt_secret" not in answer.text
    assert await asyncio.to_thread(files_with, b"spt_secret", state) == []
    printed = capsys.readouterr()
    assert "spt_secret" not in printed.out + printed.err
