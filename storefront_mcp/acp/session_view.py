"""Sessions and carts as the protocol has them: closed objects, amounts in minor units, discounts positive."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from storefront_mcp.acp.messages import is_untried, messages_of, rejection_of
from storefront_mcp.acp.order_progress import order_progress
from storefront_mcp.acp.token_payment import handler_view
from storefront_mcp.agent_protocols.acp import ACP_VERSION
from storefront_mcp.checkout_sessions import SessionAddress, SessionBuyer, SessionProblem, SessionState
from storefront_mcp.checkout_sessions.problems import PAYMENT_REQUIRED
from storefront_mcp.checkout_sessions.state import SessionStatus
from storefront_mcp.checkout_sessions.views import OVER_STATUSES
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.checkout import OrderView
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderProgress
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.tokens import TokenHandler

STATUSES: Final[Mapping[SessionStatus, str]] = {
    "incomplete": "not_ready_for_payment",
    "requires_escalation": "requires_escalation",
    "in_progress": "complete_in_progress",
    "completed": "completed",
    "canceled": "canceled",
    "expired": "expired",
}
READY_STATUS: Final = "ready_for_payment"
"""Of a session that a token may pay."""
NO_SHIPPING_OPTION: Final = "none"
"""Of a cart that ships nothing."""
LINK_TYPES: Final[Mapping[str, str]] = {
    "shipping": "shipping_policy",
    "delivery": "shipping_policy",
    "returns": "return_policy",
    "terms": "terms_of_use",
    "faq": "faq",
    "about": "about_us",
    "contact": "contact_us",
}
"""Pages that a store republishes, and the links that they are."""


def session_view(
    state: SessionState, store: Store, handler: TokenHandler | None = None, *, ready: bool = False
) -> dict[str, Any]:
    """A session. `handler` is for the tokens that the store takes, `ready` whether one may pay this session."""
    cart, ids = state.cart, [str(line.line_id) for line in state.cart.lines]
    view: dict[str, Any] = {
        "id": state.id,
        "protocol": {"version": ACP_VERSION},
        "capabilities": capabilities_view(handler),
        "status": READY_STATUS if ready else STATUSES[state.status],
        "currency": store.currency.lower(),
        "locale": store.locale,
        "line_items": [line_view(line) for line in cart.lines],
        "fulfillment_options": [_option_view(method) for method in state.methods],
        "totals": totals_view(cart.totals),
        "messages": messages_of(one for one in state.problems if not ready or one.code != PAYMENT_REQUIRED),
        "links": links_view(store),
    }
    if state.buyer is not None and state.buyer.email:
        view["buyer"] = _buyer_view(state.buyer)
    details = _details_view(state.buyer, state.destination)
    if details:
        view["fulfillment_details"] = details
    if cart.ships_nothing and cart.lines:
        nothing = Money(0, store.currency)
        view["fulfillment_options"] = [
            {
                "type": "digital",
                "id": NO_SHIPPING_OPTION,
                "title": "Nothing is sent",
                "totals": [_total("fulfillment", "Shipping", nothing), _total("total", "Total", nothing)],
            }
        ]
    elif state.option is not None and any(method.code == state.option for method in state.methods):
        view["selected_fulfillment_options"] = [{"type": "shipping", "option_id": state.option, "item_ids": ids}]
    if codes := _codes_of(state):
        view["discounts"] = {"codes": codes, "rejected": _rejections(state)}
    if state.continue_url is not None:
        view["continue_url"] = state.continue_url
    if state.expires_at is not None:
        view["expires_at"] = state.expires_at
    if state.status == "completed" and state.checkout is not None:
        order = state.checkout.order
        number, permalink = None if order is None else order.number, state.order_url or store.website_url
        view["order"] = order_view(state.id, number, cart.lines, state.checkout.totals, permalink, order)
    return view


def cart_view(cart: Cart, store: Store, problems: Sequence[SessionProblem], page: str | None) -> dict[str, Any]:
    """A cart; `page` is where a person can go on with it."""
    view: dict[str, Any] = {
        "id": cart.cart_id,
        "currency": store.currency.lower(),
        "line_items": [line_view(line) for line in cart.lines],
        "totals": totals_view(cart.totals),
        "messages": messages_of(problems),
    }
    if page is not None:
        view["continue_url"] = page
    if cart.expires_at is not None:
        view["expires_at"] = cart.expires_at
    return view


def order_view(
    session: str,
    number: str | None,
    lines: Sequence[CartLine],
    totals: CartTotals,
    permalink: str,
    progress: OrderView | OrderProgress | None = None,
) -> dict[str, Any]:
    """The order of a session, by the session's id; the shop may not have told the order's number yet.

    `progress` is what the shop tells of it meanwhile.
    """
    later = order_progress(lines, progress)
    view: dict[str, Any] = {
        "type": "order",
        "id": number or session,
        "checkout_session_id": session,
        "permalink_url": permalink,
        "status": later.status,
        "line_items": [
            {
                "id": str(line.line_id),
                "title": line.name,
                "product_id": line.sku,
                "quantity": {"ordered": line.quantity, **later.quantity(line)},
                "unit_price": line.price.minor,
                "subtotal": line.total.minor,
            }
            for line in lines
        ],
        "totals": totals_view(totals),
    }
    if number is not None:
        view["order_number"] = number
    if later.fulfillments:
        view["fulfillments"] = later.fulfillments
    if later.refunded is not None:
        view["totals"].append(_total("amount_refunded", "Refunded", later.refunded))
    return view


def capabilities_view(handler: TokenHandler | None = None) -> dict[str, Any]:
    """What the store can do in a session: without a handler, payment is on its own page alone."""
    return {
        "payment": {"handlers": [] if handler is None else [handler_view(handler)]},
        "interventions": {"supported": []},
        "extensions": [{"name": "discount"}],
    }


def line_view(line: CartLine) -> dict[str, Any]:
    """A line."""
    view: dict[str, Any] = {
        "id": str(line.line_id),
        "item": {"id": line.sku, "name": line.name, "unit_amount": line.price.minor},
        "quantity": line.quantity,
        "name": line.name,
        "sku": line.sku,
        "unit_amount": line.price.minor,
        "totals": [
            _total("items_base_amount", "Items", line.total),
            _total("subtotal", "Subtotal", line.total),
            _total("total", "Total", line.total),
        ],
    }
    if line.options:
        view["variant_options"] = [{"name": name, "value": value} for name, value in line.options.items()]
    return view


def totals_view(totals: CartTotals) -> list[dict[str, Any]]:
    """Totals in the order in which they are shown. Discounts and store credit are positive, and taken off."""
    currency = totals.total.currency
    entries = [
        _total("items_base_amount", "Items", totals.subtotal),
        _total("subtotal", "Subtotal", totals.subtotal),
    ]
    if totals.discount is not None and totals.discount.minor:
        entries.append(_total("discount", "Discount", Money(abs(totals.discount.minor), currency)))
    if totals.shipping is not None:
        entries.append(_total("fulfillment", "Shipping", totals.shipping))
    if totals.tax is not None:
        included = {"description": "Part of the prices, not added to them"} if totals.tax_included else {}
        entries.append(_total("tax", "Tax included" if totals.tax_included else "Tax", totals.tax) | included)
    if totals.other is not None and totals.other.minor:
        kind = "fee" if totals.other.minor > 0 else "discount"
        entries.append(_total(kind, "Fees and rounding", Money(abs(totals.other.minor), currency)))
    if totals.gift_cards is not None and totals.gift_cards.minor:
        entries.append(_total("store_credit", "Gift cards", Money(abs(totals.gift_cards.minor), currency)))
    return [*entries, _total("total", "Total", totals.total)]


def links_view(store: Store) -> list[dict[str, str]]:
    """Pages of the shop that agents show."""
    links = [
        {"type": LINK_TYPES[page], "url": store.url(f"/pages/{page}")} for page in store.pages if page in LINK_TYPES
    ]
    if store.privacy_policy is not None:
        links.insert(0, {"type": "privacy_policy", "url": store.privacy_policy})
    elif "privacy-policy" in store.pages:
        links.insert(0, {"type": "privacy_policy", "url": store.url("/pages/privacy-policy")})
    return links


def _total(kind: str, text: str, amount: Money) -> dict[str, Any]:
    return {"type": kind, "display_text": text, "amount": amount.minor}


def _option_view(method: ShippingMethod) -> dict[str, Any]:
    view: dict[str, Any] = {
        "type": "shipping",
        "id": method.code,
        "title": method.title,
        "totals": [_total("fulfillment", "Shipping", method.price), _total("total", "Total", method.price)],
    }
    if method.delivery:
        view["description"] = method.delivery
    return view


def _buyer_view(buyer: SessionBuyer) -> dict[str, str]:
    known = {
        "email": buyer.email,
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "phone_number": buyer.phone,
    }
    return {name: value for name, value in known.items() if value}


def _details_view(buyer: SessionBuyer | None, destination: SessionAddress | None) -> dict[str, Any]:
    """Where it is sent. An address that lacks a part is not told: the protocol knows whole ones only."""
    if destination is None:
        return {}
    name = f"{destination.first_name} {destination.last_name}".strip()
    if not name and buyer is not None:
        name = f"{buyer.first_name} {buyer.last_name}".strip()
    first, _, rest = destination.street.partition("\n")
    address = {
        "name": name,
        "line_one": first,
        "city": destination.city,
        "state": destination.region,
        "country": destination.country,
        "postal_code": destination.postcode,
    }
    view: dict[str, Any] = {"name": name} if name else {}
    if destination.phone:
        view["phone_number"] = destination.phone
    if first and destination.city and destination.country:
        view["address"] = address | ({"line_two": rest.replace("\n", ", ")} if rest else {})
    return view


def _codes_of(state: SessionState) -> list[str]:
    """Codes as they were sent; of a session that is over, and told without problems, the one that its cart had."""
    applied = (state.cart.coupon or "").casefold()
    over = state.status in OVER_STATUSES
    return [code for code in state.codes if not over or code.strip().casefold() == applied]


def _rejections(state: SessionState) -> list[dict[str, str]]:
    """Codes that are not used, and why."""
    found = []
    for problem in state.problems:
        place = problem.field.removeprefix("codes[").removesuffix("]")
        if (
            problem.field.startswith("codes[")
            and not is_untried(problem)
            and place.isdecimal()
            and int(place) < len(state.codes)
        ):
            code = state.codes[int(place)]
            found.append({"code": code, "reason": rejection_of(problem), "message": problem.text})
    return found
