"""What a session says of tokens, and that nothing is charged that was not shown."""

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.acp.protocol import AcpProtocol
from storefront_mcp.checkout.token_payment import TokenCheckout, TokenProblem
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.tokens import TokenHandler
from tests.fakes.memory_backend import aud
from tests.unit.acp.environment import SHIPPING, WHOLE, AcpStore
from tests.unit.checkout_sessions.environment import FaultyShelf

PAYMENT = {
    "payment_data": {
        "handler_id": "stripe.spt",
        "instrument": {"type": "card", "credential": {"type": "spt", "token": "spt_1"}},
    }
}


class Purse(TokenCheckout):
    """Takes tokens, and pays nothing."""

    handler = TokenHandler(id="stripe.spt", provider="stripe", credential="spt", merchant="profile_1")

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.takes = True

    async def accepts(self, checkout: str) -> bool:
        return self.takes

    async def pay(self, checkout: str, token: Secret, *, total: Money) -> TokenProblem | None:
        self.asked.append((checkout.partition(".")[0], token.reveal()))
        return "too_small"


@pytest.fixture
def purse() -> Purse:
    return Purse()


@pytest.fixture
def store(purse: Purse) -> AcpStore:
    store = AcpStore()
    store.protocol = AcpProtocol(store.here.sessions, (), purse)
    return store


async def test_only_a_session_that_lacks_nothing_but_a_payment_is_ready(store: AcpStore, purse: Purse) -> None:
    begun = await store.create(WHOLE)
    assert begun["status"] == "not_ready_for_payment"
    ready = await store.update(begun, {"selected_fulfillment_options": SHIPPING})
    assert (ready["status"], ready["messages"]) == ("ready_for_payment", [])
    assert [one["id"] for one in ready["capabilities"]["payment"]["handlers"]] == ["stripe.spt"]
    purse.takes = False
    asked = await store.ask("GET", f"/checkout_sessions/{begun['id']}")
    assert (asked["status"], asked.codes) == ("requires_escalation", [("approval_required", None)])


async def test_a_token_is_sent_with_the_checkout_and_its_refusal_is_told(store: AcpStore, purse: Purse) -> None:
    ready = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    told = await store.ask("POST", f"/checkout_sessions/{ready['id']}/complete", PAYMENT)
    assert [token for _, token in purse.asked] == ["spt_1"]
    assert told.codes == [("payment_declined", "$.payment_data")]
    assert told["status"] == "ready_for_payment"


async def test_a_total_that_was_not_shown_is_not_charged(store: AcpStore, purse: Purse) -> None:
    store.here.shelf.before["quote_order"] = [ShopDown(internal="not now")]
    begun = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    assert begun["status"] == "not_ready_for_payment"
    shelf = store.here.shelf
    shelf.meanwhile["quote_order"] = [lambda: shelf.carts.update(dearer(shelf))]
    path = f"/checkout_sessions/{begun['id']}/complete"
    first = await store.ask("POST", path, PAYMENT)
    assert (first.codes, purse.asked) == ([("conflict", "$.payment_data")], [])
    await store.ask("POST", path, PAYMENT)
    assert len(purse.asked) == 1


async def test_what_is_missing_is_told_and_nothing_is_charged(store: AcpStore, purse: Purse) -> None:
    begun = await store.create(WHOLE)
    told = await store.ask("POST", f"/checkout_sessions/{begun['id']}/complete", PAYMENT)
    assert (told.codes, purse.asked) == ([("missing", "$.selected_fulfillment_options")], [])


async def test_a_store_without_tokens_says_where_the_buyer_pays(purse: Purse) -> None:
    store = AcpStore()
    ready = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    told = await store.ask("POST", f"/checkout_sessions/{ready['id']}/complete", PAYMENT)
    assert told["status"] == ready["status"] == "requires_escalation"
    assert told["capabilities"]["payment"]["handlers"] == []


async def test_the_token_is_no_part_of_the_kept_answer(store: AcpStore) -> None:
    ready = await store.create({**WHOLE, "selected_fulfillment_options": SHIPPING})
    told = await store.ask("POST", f"/checkout_sessions/{ready['id']}/complete", PAYMENT)
    assert "spt_1" not in str(told.body)


def dearer(shelf: FaultyShelf) -> dict[CartId, Cart]:
    """Each cart with a total that is a dollar higher."""
    return {id_: replace(cart, totals=with_another_dollar(cart.totals)) for id_, cart in shelf.carts.items()}


def with_another_dollar(totals: CartTotals) -> CartTotals:
    return replace(totals, subtotal=aud(totals.subtotal.minor + 100), total=aud(totals.total.minor + 100))
