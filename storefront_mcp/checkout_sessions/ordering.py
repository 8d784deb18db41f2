"""From what a session knows to an order that a person pays for: quote, ask for what is missing, place."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

from storefront_mcp.calls.error_texts import without_tool_names
from storefront_mcp.calls.errors import CallError
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions.leasing import SessionLease
from storefront_mcp.checkout_sessions.problems import SESSION_OVER, may_mend, missing_detail, problem_of
from storefront_mcp.checkout_sessions.record import CheckoutSession, SessionAddress, SessionBuyer, SessionProblem
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import CheckoutStatus, CheckoutView
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CartEmpty,
    CartOrdered,
    CheckoutNotFound,
    ShippingMethodRefused,
    ShopError,
)
from storefront_mcp.tools.content import ValueWithLinks

LIVE_STATUSES: Final[frozenset[CheckoutStatus]] = frozenset({"requires_escalation", "complete_in_progress"})
COMMITTED_STATUSES: Final[frozenset[CheckoutStatus]] = frozenset({"complete_in_progress", "completed"})
"""Of a checkout whose buyer has paid or confirmed."""
NAMED_DETAILS: Final = {
    "first_name": "The first name of who gets it is missing.",
    "street": "Street and number are missing.",
    "city": "The city is missing.",
    "country": "The country is missing.",
}
"""What every order needs of an address; what else the shop wants it says itself."""


async def check_checkout(runner: ToolRunner, session: CheckoutSession) -> CheckoutView | None:
    """The session's checkout as it is now; None where there is none."""
    if not session.checkout:
        return None
    try:
        shown: CheckoutView = await runner.run(
            "get_order_status", checkout_id=session.details.checkout_id or session.checkout
        )
    except CheckoutNotFound:
        return None
    return shown


async def prepare_order(
    runner: ToolRunner, lease: SessionLease, cart: Cart, checkout: CheckoutView | None
) -> tuple[CheckoutView | None, list[SessionProblem]]:
    """Quote and place what is known; the checkout, or what is in the way of one. `checkout` is the one so far.

    Raises CartBeingOrdered and CartOrdered when the buyer was quicker, and errors that no other request would mend.
    """
    asked = list(lease.session.problems)
    problems = await _quote(runner, lease, cart)
    problems += _missing_details(lease.session, cart)
    placed = None
    if all(one.kind == "warning" for one in (*asked, *problems)):
        placed, refused = await _place(runner, lease, cart, checkout)
        problems += refused
    if placed is None and checkout is not None and checkout.status in LIVE_STATUSES:
        problems += await cancel_open_checkout(runner, lease)
    lease.session = replace(lease.session, open_problems=tuple(problems) if placed is None else ())
    return placed, [*asked, *problems]


async def cancel_open_checkout(runner: ToolRunner, lease: SessionLease) -> list[SessionProblem]:
    """Close the payment page, which is of something else; what is in the way. Raises as `prepare_order`."""
    details = lease.session.details
    try:
        await runner.run("cancel_checkout", checkout_id=details.checkout_id or lease.session.checkout)
    except CheckoutNotFound:
        pass
    except (CartBeingOrdered, CartOrdered):
        raise
    except (ShopError, CallError) as error:
        return [_as_problem(error)]
    lease.session = replace(lease.session, checkout="", details=replace(details, checkout_id="", placed=""))
    return []


def over_problem(session: CheckoutSession, checkout: CheckoutView | None) -> SessionProblem:
    """Why nothing of a session can be changed: it became an order, is becoming one, or is over without one."""
    if session.ended == "completed" or (checkout is not None and checkout.status == "completed"):
        order = None if checkout is None else checkout.order
        return problem_of(CartOrdered(session.checkout, None if order is None else order.number), kind="unrecoverable")
    if checkout is not None and checkout.status in COMMITTED_STATUSES:
        return problem_of(CartBeingOrdered(session.checkout))
    text = "This checkout is over, so nothing was changed. Begin another one."
    return SessionProblem(code=SESSION_OVER, text=text, kind="unrecoverable")


async def _quote(runner: ToolRunner, lease: SessionLease, cart: Cart) -> list[SessionProblem]:
    """Keep the shipping methods of goods and destination, and a choice that is among them."""
    session = lease.session
    details, to = session.details, session.details.destination
    if cart.ships_nothing or not cart.lines or to is None or not to.country:
        lease.session = replace(session, methods=(), details=replace(details, quoted=""))
        return []
    address = {name: getattr(to, name) for name in ("country", "postcode", "region", "city", "street")}
    wanted = _digest(session.goods, address)
    if details.quoted != wanted:
        try:
            quote = await runner.run("get_shipping_methods", cart_id=session.cart, address=address)
        except (CartBeingOrdered, CartOrdered):
            raise
        except (ShopError, CallError) as error:
            lease.session = replace(session, methods=(), details=replace(details, quoted=""))
            return [_as_problem(error)]
        session = replace(session, methods=tuple(quote.methods), details=replace(details, quoted=wanted))
        if not session.methods:
            lease.session = replace(session, details=details)
            said = without_tool_names(quote.notice or "") or "The shop has no way to send this cart to that address."
            return [SessionProblem(code=ShippingMethodRefused.code, field="destination", text=said)]
    lease.session, problems = _with_choice(session)
    return problems


def _with_choice(session: CheckoutSession) -> tuple[CheckoutSession, list[SessionProblem]]:
    """The session with a choice among its methods: the one that was made, or the only one there is."""
    problems = []
    codes = [method.code for method in session.methods]
    option = session.option
    if option and option not in codes:
        text = "The chosen way of shipping is not offered for this cart and address any more."
        problems.append(SessionProblem(code=ShippingMethodRefused.code, field="option", text=text, kind="warning"))
        option = None
    if not option and len(codes) == 1:
        option = codes[0]
    if not option:
        problems.append(missing_detail("option", "Choose one of the ways of shipping."))
    return replace(session, option=option or None), problems


def _missing_details(session: CheckoutSession, cart: Cart) -> Iterator[SessionProblem]:
    """What an order needs and nobody has told yet."""
    buyer, to = session.details.buyer or SessionBuyer(), session.details.destination
    if not cart.lines and not any(one.field.startswith("lines") for one in session.problems):
        yield problem_of(CartEmpty())
    if not buyer.email:
        yield missing_detail("buyer.email", "The buyer's e-mail address is missing.")
    if to is None:
        text = "The buyer's address is missing." if cart.ships_nothing else "The address to send it to is missing."
        yield missing_detail("destination", text)
        return
    known = asdict(_with_person(to, buyer))
    for name, text in NAMED_DETAILS.items():
        if not known[name].strip():
            yield missing_detail(f"destination.{name}", text)


async def _place(
    runner: ToolRunner, lease: SessionLease, cart: Cart, checkout: CheckoutView | None
) -> tuple[CheckoutView | None, Sequence[SessionProblem]]:
    """Place the order, or find it placed; where it is refused, why."""
    session = lease.session
    wish = _order_arguments(session, cart)
    digest = _digest(session.goods, wish)
    if checkout is not None and checkout.status in LIVE_STATUSES and session.details.placed == digest:
        return checkout, ()
    # On record before the call: after a lost answer the same key finds the same checkout.
    live = checkout is not None and checkout.status in LIVE_STATUSES
    repeated = session.details.placed == digest and not session.checkout
    attempt = session.attempt if repeated else session.attempt + 1
    details = replace(session.details, placed=digest, checkout_id=session.details.checkout_id if live else "")
    lease.session = replace(session, attempt=attempt, checkout=session.checkout if live else "", details=details)
    await lease.write()
    try:
        shown = await runner.run("place_order", **wish, idempotency_key=f"{session.id}.{attempt}.{digest[:32]}")
    except (CartBeingOrdered, CartOrdered):
        raise
    except (ShopError, CallError) as error:
        return None, _take_refusal(runner, lease, error)
    placed: CheckoutView = shown.value if isinstance(shown, ValueWithLinks) else shown
    id_ = placed.checkout_id or ""
    lease.session = replace(
        lease.session,
        checkout=id_.partition(".")[0],
        details=replace(lease.session.details, checkout_id=id_),
    )
    return placed, ()


def _take_refusal(runner: ToolRunner, lease: SessionLease, error: ShopError | CallError) -> list[SessionProblem]:
    problem = _as_problem(error)
    if problem.kind == "buyer_input":
        # What cannot be paid for here can be on the shop's own website.
        problem = replace(problem, url=runner.shop.store.url("/"))
    session = lease.session
    details = replace(session.details, placed="")
    if isinstance(error, ShippingMethodRefused):
        offers = error.detail.methods if isinstance(error.detail, ShippingOffers) else ()
        session = replace(session, methods=offers, option=None)
        details = replace(details, quoted="")
    lease.session = replace(session, details=details)
    return [problem]


def _order_arguments(session: CheckoutSession, cart: Cart) -> dict[str, Any]:
    """The arguments of `place_order`, but for its key."""
    buyer, to = session.details.buyer or SessionBuyer(), session.details.destination or SessionAddress()
    address = {name: value for name, value in asdict(_with_person(to, buyer)).items() if value}
    wish = {"cart_id": session.cart, "email": buyer.email}
    if cart.ships_nothing:
        return wish | {"billing_address": address}
    return wish | {"shipping_address": address, "shipping_method": session.option or ""}


def _with_person(to: SessionAddress, buyer: SessionBuyer) -> SessionAddress:
    """The address with the buyer's name and phone where it has none of its own."""
    named = to.first_name or to.last_name
    person = to if named else replace(to, first_name=buyer.first_name, last_name=buyer.last_name)
    if not person.first_name and person.last_name:
        person = replace(person, first_name=person.last_name, last_name="")
    return person if person.phone else replace(person, phone=buyer.phone)


def _as_problem(error: ShopError | CallError) -> SessionProblem:
    """The error as a problem. Raises it where no request about this session would mend it."""
    if not may_mend(error):
        raise error
    return problem_of(error)


def goods_digest(cart: Cart) -> str:
    """Digest of what is in a cart, and of its coupon."""
    lines = sorted((line.sku, line.quantity, sorted(line.options.items())) for line in cart.lines)
    return _digest(lines, cart.coupon or "")


def _digest(*parts: Any) -> str:  # noqa: ANN401 -- what msgspec encodes
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
