"""`AcpOperations`: sessions and carts of the protocol, made of the store's own tools."""

from collections.abc import Container, Sequence
from http import HTTPStatus
from typing import Any, Final

from msgspec.structs import replace

from storefront_mcp.acp.errors import AcpError, invalid_body
from storefront_mcp.acp.request_bodies import read_lines, session_request
from storefront_mcp.acp.session_view import cart_view, session_view
from storefront_mcp.acp.token_payment import read_token, token_problem
from storefront_mcp.agent_protocols.acp import ACP_VERSION
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.checkout.token_payment import TokenCheckout
from storefront_mcp.checkout_sessions import CheckoutSessions, SessionProblem, SessionState, replace_cart_lines
from storefront_mcp.checkout_sessions.state import SessionStatus
from storefront_mcp.checkout_sessions.unconfigured_items import page_with_items
from storefront_mcp.commerce.cart import Cart

NOT_CANCELABLE: Final[frozenset[SessionStatus]] = frozenset({"completed", "canceled", "expired", "in_progress"})
"""Statuses of a session."""


class AcpOperations:
    """What can be asked of one store. Each operation answers with a status and a body.

    All raise AcpError, CallError and ShopError.
    """

    def __init__(
        self, sessions: CheckoutSessions, told: Container[str] = (), payments: TokenCheckout | None = None
    ) -> None:
        """`told` are the callers, by their identifiers, who are told of orders by webhook.

        `payments` is None where no token pays.
        """
        self._sessions = sessions
        self._told = told
        self._payments = payments

    async def create_session(self, runner: ToolRunner, _id: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A new session. Raises ToolNotOpen, before anything is kept, while none leads to an order."""
        closed = next((tool for tool in sorted(CheckoutSessions.REQUIRED_TOOLS) if not runner.is_open(tool)), None)
        if closed is not None:
            await runner.run(closed)
        asked = session_request(body, least=1)
        cart = body.get("cart_id")
        if isinstance(cart, str) and cart:
            # No member of the specification: how a cart becomes a checkout, it does not say.
            asked = replace(asked, cart_id=cart)
        elif not asked.lines:
            raise invalid_body("line_items is a list of at least one line.", "$.line_items")
        told = runner.caller.identifier in self._told
        state = await self._sessions.create(
            runner, asked, protocol="acp", version=ACP_VERSION, owned=True, tells_orders=told
        )
        return HTTPStatus.CREATED, await self._session(runner, state)

    async def read_session(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session as it is."""
        return HTTPStatus.OK, await self._session(runner, await self._sessions.read(runner, id_))

    async def update_session(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session after a change."""
        return HTTPStatus.OK, await self._session(
            runner, await self._sessions.update(runner, id_, session_request(body))
        )

    async def complete_session(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Pay by the token of the body, if there is one; else nothing is paid here.

        The answer says where the buyer pays, or what came of it meanwhile.
        """
        payments = self._payments
        token = None if payments is None else read_token(body, payments.handler)
        shown = None if token is None else await self._sessions.read(runner, id_)
        if body.get("buyer") is not None:
            await self._sessions.update(runner, id_, session_request({"buyer": body["buyer"]}))
        state = await self._sessions.complete(runner, id_)
        if payments is None or token is None or shown is None or not _is_payable(state):
            return HTTPStatus.OK, await self._session(runner, state)
        total = state.cart.totals.total
        if (shown.cart.totals.total, shown.cart.lines) != (total, state.cart.lines):
            return HTTPStatus.OK, await self._session(runner, state, token_problem("changed"))
        cause = await payments.pay(_checkout_id(state), token, total=total)
        after = await self._sessions.read(runner, id_)
        return HTTPStatus.OK, await self._session(runner, after, None if cause is None else token_problem(cause))

    async def cancel_session(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The session, given up."""
        before = await self._sessions.read(runner, id_)
        _check_cancelable(before, NOT_CANCELABLE)
        after = await self._sessions.cancel(runner, id_)
        _check_cancelable(after, NOT_CANCELABLE - {"canceled"})
        return HTTPStatus.OK, await self._session(runner, after)

    async def create_cart(self, runner: ToolRunner, _id: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A new cart with these lines."""
        lines = read_lines(body, least=1)
        if not lines:
            raise invalid_body("line_items is a list of at least one line.", "$.line_items")
        cart: Cart = await runner.run("create_cart")
        cart, problems = await replace_cart_lines(runner, cart.cart_id, lines, None)
        return HTTPStatus.CREATED, self._cart(runner, cart, problems)

    async def read_cart(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart as it is."""
        return HTTPStatus.OK, self._cart(runner, await runner.run("view_cart", cart_id=id_))

    async def update_cart(self, runner: ToolRunner, id_: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart with these lines instead of its own."""
        lines = read_lines(body)
        cart, problems = await replace_cart_lines(runner, id_, lines, None)
        return HTTPStatus.OK, self._cart(runner, cart, problems)

    async def cancel_cart(self, runner: ToolRunner, id_: str, _body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The cart as it was, and emptied then."""
        before: Cart = await runner.run("view_cart", cart_id=id_)
        await replace_cart_lines(runner, id_, (), None)
        return HTTPStatus.OK, self._cart(runner, before)

    async def _session(
        self, runner: ToolRunner, state: SessionState, problem: SessionProblem | None = None
    ) -> dict[str, Any]:
        """A session as it is told, with what was in the way of a payment by token."""
        if problem is not None:
            state = replace(state, problems=(problem, *state.problems))
        payments, store = self._payments, runner.shop.store
        if payments is None:
            return session_view(state, store)
        ready = _is_payable(state) and await payments.accepts(_checkout_id(state))
        return session_view(state, store, payments.handler, ready=ready)

    def _cart(self, runner: ToolRunner, cart: Cart, problems: Sequence[SessionProblem] = ()) -> dict[str, Any]:
        page = page_with_items(self._sessions.cart_page(runner, cart.cart_id), problems)
        return cart_view(cart, runner.shop.store, problems, page)


def _check_cancelable(state: SessionState, ended: frozenset[SessionStatus]) -> None:
    """Raises AcpError for a session that has come to one of these statuses."""
    if state.status in ended:
        message = f"This session cannot be canceled any more: it is {state.status}."
        raise AcpError(HTTPStatus.METHOD_NOT_ALLOWED, "conflict", message, allowed=())


def _is_payable(state: SessionState) -> bool:
    """Whether there is an open checkout, so that nothing is missing but a payment."""
    return state.status == "requires_escalation" and state.checkout is not None


def _checkout_id(state: SessionState) -> str:
    return "" if state.checkout is None else state.checkout.checkout_id or ""
