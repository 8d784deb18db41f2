"""Checkout operations over the store's checkout sessions."""

from collections.abc import Mapping
from typing import Final

from storefront_mcp.agent_protocols.ucp import CHECKOUT, DISCOUNT, FULFILLMENT
from storefront_mcp.checkout_sessions import (
    CheckoutSessions,
    SessionBuyer,
    SessionRequest,
    SessionState,
    SessionStatus,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.ucp.carts import cart_notices, codes_of, full_timestamp, shop_links, wanted_lines
from storefront_mcp.ucp.failures import invalid_input
from storefront_mcp.ucp.fulfillment import chosen_destination, chosen_option, fulfillment_of, read_address
from storefront_mcp.ucp.messages import UcpMessage, error_message
from storefront_mcp.ucp.policies import ShopPolicies
from storefront_mcp.ucp.problem_messages import problem_messages
from storefront_mcp.ucp.purchase_shapes import (
    CheckoutAnswer,
    CheckoutRequest,
    CheckoutState,
    CompleteRequest,
    NoPayload,
    OrderConfirmation,
    UcpBuyer,
    WantedBuyer,
    WantedDestination,
)
from storefront_mcp.ucp.releases import in_release
from storefront_mcp.ucp.request import UcpRequest
from storefront_mcp.ucp.totals import cart_totals, discounts_of, line_items

STATUSES: Final[Mapping[SessionStatus, CheckoutState]] = {
    "incomplete": "incomplete",
    "requires_escalation": "requires_escalation",
    "in_progress": "complete_in_progress",
    "completed": "completed",
    "canceled": "canceled",
    "expired": "canceled",
}
OVER: Final[frozenset[CheckoutState]] = frozenset({"completed", "canceled"})
ESCALATED_TEXT: Final = "Ask the buyer to open continue_url and finish there, then call get_checkout."


class CheckoutOperations:
    """The checkout operations of one store."""

    def __init__(self, sessions: CheckoutSessions, policies: ShopPolicies) -> None:
        self._sessions = sessions
        self._policies = policies

    async def create(self, request: UcpRequest, wanted: CheckoutRequest) -> CheckoutAnswer:
        """create_checkout: of lines, or of a cart, whose contents then count."""
        if not wanted.line_items and not wanted.cart_id:
            raise invalid_input("Send line_items, or the cart_id of a cart.")
        destination = chosen_destination(wanted.fulfillment)
        state = await self._sessions.create(
            request.runner,
            _session_request(wanted, destination, new=True),
            protocol="ucp",
            version=request.release.id,
            platform=request.platform.profile,
        )
        return await self._answer(request, state, destination)

    async def read(self, request: UcpRequest, _: NoPayload) -> CheckoutAnswer:
        """get_checkout: the checkout as it is."""
        return await self._answer(request, await self._sessions.read(request.runner, request.id))

    async def update(self, request: UcpRequest, wanted: CheckoutRequest) -> CheckoutAnswer:
        """update_checkout: these lines and no others; what else is not sent stays."""
        if wanted.line_items is None:
            raise invalid_input("line_items is required: the update replaces all lines.")
        destination = chosen_destination(wanted.fulfillment)
        asked = _session_request(wanted, destination, new=False)
        state = await self._sessions.update(request.runner, request.id, asked)
        return await self._answer(request, state, destination)

    async def complete(self, request: UcpRequest, _: CompleteRequest) -> CheckoutAnswer:
        """complete_checkout: nothing is paid by an agent here, so the answer says how a person does, or has done."""
        return await self._answer(request, await self._sessions.complete(request.runner, request.id))

    async def cancel(self, request: UcpRequest, _: NoPayload) -> CheckoutAnswer:
        """cancel_checkout: given up, and its payment page closed."""
        return await self._answer(request, await self._sessions.cancel(request.runner, request.id))

    async def _answer(
        self, request: UcpRequest, state: SessionState, sent: WantedDestination | None = None
    ) -> CheckoutAnswer:
        """A session in the words of the request's release; `sent` is the destination under the platform's own id."""
        store, status, cart = request.runner.shop.store, STATUSES[state.status], state.cart
        messages = (*problem_messages(state.problems, cart), *cart_notices(cart))
        answer = CheckoutAnswer(
            ucp=request.metadata(CHECKOUT, FULFILLMENT, DISCOUNT),
            id=state.id,
            line_items=line_items(cart),
            buyer=_buyer(state.buyer),
            status=status,
            currency=cart.totals.total.currency,
            totals=cart_totals(cart.totals, cart.coupon),
            fulfillment=fulfillment_of(state, None if sent is None else sent.id),
            discounts=discounts_of(cart, state.codes),
            messages=_with_escalation(messages) if status == "requires_escalation" else messages,
            links=shop_links(store),
            policies=await self._policies.of(request),
            continue_url=None if status in OVER else state.continue_url or store.website_url,
            expires_at=full_timestamp(state.expires_at),
            order=_order(state, store) if status == "completed" else None,
        )
        return in_release(answer, request.release)


def _session_request(wanted: CheckoutRequest, destination: WantedDestination | None, *, new: bool) -> SessionRequest:
    buyer = wanted.buyer
    return SessionRequest(
        lines=None if wanted.line_items is None else wanted_lines(wanted.line_items),
        cart_id=(wanted.cart_id or None) if new else None,
        buyer=None if buyer is None else _read_buyer(buyer),
        destination=None if destination is None else read_address(destination),
        option=chosen_option(wanted.fulfillment),
        codes=codes_of(wanted.discounts),
    )


def _read_buyer(buyer: WantedBuyer) -> SessionBuyer:
    return SessionBuyer(
        email=(buyer.email or "").strip(),
        first_name=buyer.first_name or "",
        last_name=buyer.last_name or "",
        phone=buyer.phone_number or "",
    )


def _with_escalation(messages: tuple[UcpMessage, ...]) -> tuple[UcpMessage, ...]:
    """The messages, one of which says that a person has to go on."""
    if any(message.severity in {"requires_buyer_input", "requires_buyer_review"} for message in messages):
        return messages
    return (*messages, error_message("payment_required", ESCALATED_TEXT, "requires_buyer_input"))


def _buyer(buyer: SessionBuyer | None) -> UcpBuyer | None:
    if buyer is None:
        return None
    return UcpBuyer(
        first_name=buyer.first_name or None,
        last_name=buyer.last_name or None,
        email=buyer.email or None,
        phone_number=buyer.phone or None,
    )


def _order(state: SessionState, store: Store) -> OrderConfirmation:
    """The order; shops show one to who signs in, so the link is its cart's page, which tells the order's number."""
    order = None if state.checkout is None else state.checkout.order
    number = None if order is None else order.number
    return OrderConfirmation(id=number or state.id, label=number, permalink_url=state.order_url or store.website_url)
