"""`CheckoutSessions`: the incomplete checkout that agent protocols have, made of the store's own tools."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.calls.errors import ArgumentsRefused, ToolNotOpen
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout_sessions.leasing import SessionLease, lease_session
from storefront_mcp.checkout_sessions.line_changes import ContentsReplacement, lock_contents
from storefront_mcp.checkout_sessions.ordering import (
    COMMITTED_STATUSES,
    LIVE_STATUSES,
    cancel_open_checkout,
    check_checkout,
    goods_digest,
    over_problem,
    prepare_order,
)
from storefront_mcp.checkout_sessions.problems import CART_CHANGED, TEMPORARY_CODES, problem_of
from storefront_mcp.checkout_sessions.record import (
    NO_DETAILS,
    CheckoutSession,
    CheckoutSessionRepository,
    SessionProblem,
    split_session_id,
)
from storefront_mcp.checkout_sessions.state import SessionRequest, SessionState, check_bounds
from storefront_mcp.checkout_sessions.unconfigured_items import page_with_items
from storefront_mcp.checkout_sessions.views import session_state
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.errors import CartBeingOrdered, CartGone, CartNotFound, CartOrdered, CheckoutNotFound
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.commerce.money import Money

SESSION_LIFETIME_SECONDS: Final = 6 * 3600.0
"""After the last request that changed something of it."""
NO_CHANGE: Final = SessionRequest()

CartPage = Callable[[ToolRunner, CartId], str | None]
"""The URL of a page with a cart, where a person can go on; None where there is none."""


def no_page(_runner: ToolRunner, _cart: CartId) -> str | None:
    """The `CartPage` of a store without such pages."""
    return None


class CheckoutSessions:
    """The checkout sessions of one store. Raises CallError and ShopError; CheckoutNotFound for an unknown id.

    A session belongs to a cart, whose handle is part of its id. What a request lacks, and what the shop refuses of it,
    are problems of the session; errors are raised where nothing was done.
    """

    REQUIRED_TOOLS: Final = frozenset(
        {
            "create_cart", "view_cart", "add_to_cart", "update_cart_item", "remove_from_cart", "get_shipping_methods",
            "place_order", "get_order_status", "cancel_checkout",
        }
    )  # fmt: skip
    """Tools that sessions are made of: while one of them is closed, no session leads to an order."""

    def __init__(
        self,
        store: StoreId,
        records: CheckoutSessionRepository,
        *,
        now: Callable[[], float],
        cart_page: CartPage = no_page,
        lifetime_seconds: float = SESSION_LIFETIME_SECONDS,
        checks_owners: bool = True,
    ) -> None:
        """`now` gives Unix seconds. Without `checks_owners` a session is told to whoever knows its id."""
        self._store = store
        self._records = records
        self._now = now
        self.cart_page = cart_page
        self._lifetime = lifetime_seconds
        self._checks_owners = checks_owners

    def for_pages(self) -> "CheckoutSessions":
        """The same sessions for pages, which the buyer of any of them may open."""
        terms: dict[str, Any] = {"now": self._now, "cart_page": self.cart_page, "lifetime_seconds": self._lifetime}
        return CheckoutSessions(self._store, self._records, **terms, checks_owners=False)

    async def create(
        self,
        runner: ToolRunner,
        request: SessionRequest,
        *,
        protocol: str,
        version: str = "",
        platform: str = "",
        owned: bool = False,
        tells_orders: bool = False,
    ) -> SessionState:
        """A new session, of a new cart with the wanted lines, or of a cart that is there, whose contents count.

        A cart that has a session which is not over keeps it. One that is `owned` is told to this caller alone, and
        `tells_orders` has its order told to this caller's receiver.
        Raises ArgumentsRefused without cart and lines.
        """
        if request.cart_id is None and not request.lines:
            message = "lines: is required, or cart_id of a cart that has some"
            raise ArgumentsRefused(message)
        check_bounds(request)
        cart: Cart
        if request.cart_id is None:
            cart = await runner.run("create_cart")
        else:
            cart = await runner.run("view_cart", cart_id=request.cart_id)
            request = replace(request, lines=None, codes=None)
        fresh = CheckoutSession(
            store=self._store,
            cart=cart.cart_id,
            protocol=protocol,
            version=version,
            platform=platform,
            owner=runner.caller.identifier if owned else "",
            tells_orders=owned and tells_orders,
            codes=() if cart.coupon is None else (cart.coupon,),
            goods=goods_digest(cart),
            expires_at=self._now() + self._lifetime,
        )
        await self._records.insert(fresh)
        async with lock_contents(self._store, fresh.cart), self._lease(fresh.cart) as lease:
            held = lease.session
            checkout = await check_checkout(runner, held)
            if held.ended == "completed":
                self._check_owner(runner, held)
                # Shops may keep the cart of an order; another session of it could lead to no other one.
                return self._state(runner, held, cart, checkout, [over_problem(held, checkout)])
            if self._is_over(held, checkout):
                lease.session = replace(fresh, number=held.number + 1, fence=held.fence, lease_until=held.lease_until)
                checkout = None
            else:
                self._check_owner(runner, held)
            return await self._apply(runner, lease, request, cart, checkout)

    @staticmethod
    async def cart_contents(runner: ToolRunner, cart: CartId) -> Cart:
        """A cart as it is now, whether it has a session or not."""
        found: Cart = await runner.run("view_cart", cart_id=cart)
        return found

    async def read(self, runner: ToolRunner, session_id: str) -> SessionState:
        """The session as it is now. Changes nothing."""
        session = await self._find(runner, session_id)
        try:
            session, cart = await self._look(runner, session)
        except ToolNotOpen:
            # What was ordered before a pause is told, but not for whom: nobody says whose cart it is now.
            session, snapshot = replace(session, details=NO_DETAILS), session.snapshot
            if snapshot is None or await check_checkout(runner, session) is None:
                raise
            cart = snapshot
        checkout = await check_checkout(runner, session)
        over = self._is_over(session, checkout)
        told = not over and (checkout is None or checkout.status not in COMMITTED_STATUSES)
        problems = [*session.problems, *session.open_problems] if told else []
        if checkout is None and not over and goods_digest(cart) != session.goods:
            text = "The cart was changed since the last request about this checkout. Send an update."
            problems.append(SessionProblem(code=CART_CHANGED, field="lines", text=text))
            session = replace(session, methods=())
        return self._state(runner, session, cart, checkout, problems)

    async def update(self, runner: ToolRunner, session_id: str, request: SessionRequest) -> SessionState:
        """Change what the request names; an order is prepared once everything is there.

        A session that is being ordered, or is over, is answered as it is, with a problem that says so.
        """
        check_bounds(request)
        cart, number = split_session_id(session_id)
        await self._find(runner, session_id)
        async with lock_contents(self._store, cart), self._lease(cart) as lease:
            session = _of_number(lease.session, number)
            found, contents = await self._look(runner, session)
            if session is not lease.session:
                return self._state(runner, session, contents, None, [over_problem(session, None)])
            lease.session = found
            checkout = await check_checkout(runner, found)
            if self._is_over(found, checkout):
                told = [] if request == NO_CHANGE else [over_problem(found, checkout)]
                return self._end_state(runner, lease, contents, checkout, told)
            return await self._apply(runner, lease, request, contents, checkout)

    async def complete(self, runner: ToolRunner, session_id: str) -> SessionState:
        """The session as it is, with the order prepared where nothing has prevented that but the shop.

        Of one that was paid meanwhile, where the order stands.
        """
        return await self.update(runner, session_id, NO_CHANGE)

    async def cancel(self, runner: ToolRunner, session_id: str) -> SessionState:
        """Give it up, and close its payment page; the cart stays. One that is being ordered or is over is unchanged.

        Of one that became an order, or is becoming one, a problem says so.
        """
        cart, number = split_session_id(session_id)
        await self._find(runner, session_id)
        async with lock_contents(self._store, cart), self._lease(cart) as lease:
            session = _of_number(lease.session, number)
            found, contents = await self._look(runner, session)
            if session is not lease.session:
                return self._state(runner, session, contents, None, [])
            lease.session = found
            checkout = await check_checkout(runner, lease.session)
            paid_for = checkout is not None and checkout.status in COMMITTED_STATUSES
            if paid_for or self._is_over(lease.session, checkout):
                ordered = paid_for or lease.session.ended == "completed"
                told = [over_problem(lease.session, checkout)] if ordered else []
                return self._end_state(runner, lease, contents, checkout, told)
            problems: list[SessionProblem] = []
            if checkout is not None and checkout.status in LIVE_STATUSES:
                try:
                    problems = await cancel_open_checkout(runner, lease)
                except (CartBeingOrdered, CartOrdered) as paid:
                    return await self._paid(runner, lease, contents, paid, [problem_of(paid)])
            if problems:
                return self._state(runner, lease.session, contents, checkout, problems)
            lease.session = replace(lease.session, ended="canceled", problems=(), details=NO_DETAILS)
            return self._end_state(runner, lease, contents, None, [])

    async def _apply(
        self,
        runner: ToolRunner,
        lease: SessionLease,
        request: SessionRequest,
        cart: Cart,
        checkout: CheckoutView | None,
    ) -> SessionState:
        """Make the changes, and prepare the order."""
        if checkout is not None and checkout.status in COMMITTED_STATUSES:
            told = [] if request == NO_CHANGE else [over_problem(lease.session, checkout)]
            return self._end_state(runner, lease, cart, checkout, told)
        try:
            cart, asked = await self._change(runner, lease, request, cart)
            if request == NO_CHANGE and checkout is not None and checkout.status not in LIVE_STATUSES:
                # Its page was closed, or the order failed: that has to be heard before another one is opened.
                return self._state(runner, lease.session, cart, checkout, list(lease.session.problems))
            if asked and checkout is not None:
                # What changes the cart closes its page, even where the shop refuses the change.
                checkout = await check_checkout(runner, lease.session)
            placed, problems = await prepare_order(runner, lease, cart, checkout)
        except (CartBeingOrdered, CartOrdered) as paid:
            return await self._paid(runner, lease, cart, paid, [problem_of(paid)])
        if placed is not None:
            lease.session = replace(lease.session, expires_at=self._now() + self._lifetime)
        return self._state(runner, lease.session, cart, placed, problems)

    async def _change(
        self, runner: ToolRunner, lease: SessionLease, request: SessionRequest, cart: Cart
    ) -> tuple[Cart, bool]:
        """Make the changes of the request, and store what is known then; whether the cart was asked to change."""
        session = lease.session
        kept = list(session.problems)
        asked = False
        if request.lines is not None or goods_digest(cart) != session.goods:
            kept = [one for one in kept if not one.field.startswith("lines")]
        if request.lines is not None:
            replacement = ContentsReplacement(runner, cart)
            cart, problems = await replacement.apply(request.lines, None)
            asked, kept = replacement.asked, [*kept, *problems]
        codes = session.codes if request.codes is None else request.codes
        # Codes that were refused are not tried again for the same goods: tries are limited.
        untried = any(one.field.startswith("codes") and one.code in TEMPORARY_CODES for one in session.problems)
        if untried or codes != session.codes or (request.codes is not None and goods_digest(cart) != session.goods):
            replacement = ContentsReplacement(runner, cart)
            cart, problems = await replacement.apply(None, codes)
            kept = [*(one for one in kept if not one.field.startswith("codes")), *problems]
            asked = asked or replacement.asked
        details = session.details
        lease.session = replace(
            session,
            option=session.option if request.option is None else request.option or None,
            codes=codes,
            problems=tuple(kept),
            goods=goods_digest(cart),
            snapshot=replace(cart, cart_id=CartId("")),
            expires_at=session.expires_at if request == NO_CHANGE else self._now() + self._lifetime,
            details=replace(
                details,
                buyer=request.buyer or details.buyer,
                destination=request.destination or details.destination,
            ),
        )
        await lease.write()
        return cart, asked

    async def _paid(
        self,
        runner: ToolRunner,
        lease: SessionLease,
        cart: Cart,
        paid: CartBeingOrdered | CartOrdered,
        problems: list[SessionProblem],
    ) -> SessionState:
        """The session whose cart is being ordered, by whichever checkout."""
        lease.session = _of_checkout(lease.session, paid.checkout)
        checkout = await check_checkout(runner, lease.session)
        return self._end_state(runner, lease, cart, checkout, problems)

    def _end_state(
        self,
        runner: ToolRunner,
        lease: SessionLease,
        cart: Cart,
        checkout: CheckoutView | None,
        problems: list[SessionProblem],
    ) -> SessionState:
        """The state of a session that is not changed any more; what it knew of the buyer goes with its end."""
        if checkout is not None and checkout.status == "completed" and not lease.session.ended:
            lease.session = replace(lease.session, ended="completed", problems=(), details=NO_DETAILS)
        return self._state(runner, lease.session, cart, checkout, problems)

    async def _look(self, runner: ToolRunner, session: CheckoutSession) -> tuple[CheckoutSession, Cart]:
        """The session's cart as the caller may see it; one that was ordered as it was, with its checkout."""
        try:
            return session, await runner.run("view_cart", cart_id=session.cart)
        except CartNotFound:
            raise CheckoutNotFound(staff=runner.shop.store.staff) from None
        except (CartBeingOrdered, CartOrdered) as ordered:
            if session.snapshot is None:
                raise
            return _of_checkout(session, ordered.checkout), session.snapshot
        except CartGone:
            # The first line that is added starts it afresh.
            nothing = Money(0, runner.shop.store.currency)
            return session, Cart(cart_id=session.cart, totals=CartTotals(subtotal=nothing, total=nothing))

    def _lease(self, cart: CartId) -> AbstractAsyncContextManager[SessionLease]:
        return lease_session(self._records, self._store, cart, now=self._now)

    async def _newest(self, cart: CartId) -> CheckoutSession:
        found = await self._records.find(self._store, cart)
        if found is None:
            raise CheckoutNotFound
        return found

    async def _find(self, runner: ToolRunner, session_id: str) -> CheckoutSession:
        """The session of an id, one that was followed by another included. Raises CheckoutNotFound."""
        cart, number = split_session_id(session_id)
        newest = await self._newest(cart)
        self._check_owner(runner, newest)
        return _of_number(newest, number)

    def _check_owner(self, runner: ToolRunner, session: CheckoutSession) -> None:
        """Raises CheckoutNotFound for a caller who may not ask for it."""
        if self._checks_owners and session.owner and session.owner != runner.caller.identifier:
            raise CheckoutNotFound

    def _is_over(self, session: CheckoutSession, checkout: CheckoutView | None) -> bool:
        live = checkout is not None and checkout.status in LIVE_STATUSES
        return bool(session.ended) or (not live and self._now() >= session.expires_at)

    def _state(
        self,
        runner: ToolRunner,
        session: CheckoutSession,
        cart: Cart,
        checkout: CheckoutView | None,
        problems: Sequence[SessionProblem],
    ) -> SessionState:
        state = session_state(session, cart, checkout, problems, now=self._now())
        if state.status == "completed":
            return replace(state, order_url=self.cart_page(runner, session.cart))
        if state.continue_url is not None or state.status not in {"incomplete", "requires_escalation"}:
            return state
        # Who has no such page goes to that of an item that needs options.
        page = self.cart_page(runner, session.cart)
        return replace(state, continue_url=page or page_with_items(None, state.problems))


def _of_number(newest: CheckoutSession, number: int | None) -> CheckoutSession:
    """The session of a number: the newest of its cart, or one that ended before it. Raises CheckoutNotFound."""
    if number is None or number == newest.number:
        return newest
    if not 0 < number < newest.number:
        raise CheckoutNotFound
    return CheckoutSession(
        store=newest.store,
        cart=newest.cart,
        number=number,
        ended="canceled",
        goods=newest.goods,
        snapshot=newest.snapshot,
        expires_at=newest.expires_at,
    )


def _of_checkout(session: CheckoutSession, checkout: str) -> CheckoutSession:
    """The session of a cart that is ordered by this checkout, which may be another one than its own."""
    if session.checkout == checkout:
        return session
    return replace(session, checkout=checkout, details=replace(session.details, checkout_id="", placed=""))
