"""`GrantAccounts`: the accounts at the shop of customers who signed in, each call with a session that lives."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from storefront_mcp.commerce.accounts import CustomerAccount, CustomerOrder, CustomerOrders, SavedAddress
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.customers import ShopSession
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from storefront_mcp.oauth.shop_sessions import GrantSessions

T = TypeVar("T")


class GrantAccounts:
    """Implements `commerce.accounts.CustomerAccounts` over the sessions of one store's grants."""

    def __init__(self, sessions: GrantSessions, account_of: Callable[[ShopSession], CustomerAccount]) -> None:
        self._sessions = sessions
        self._account_of = account_of

    async def account(self, grant: str) -> CustomerAccount:
        """The account behind a grant, with a live session. Raises SessionOver and ShopDown."""
        await self._sessions.session_of(grant)
        return _GrantAccount(self._sessions, self._account_of, grant)

    async def close(self) -> None:
        """Wait for the renewals under way."""
        await self._sessions.close()


class _GrantAccount:
    """Implements `commerce.accounts.CustomerAccount`; a call whose session the shop refused did nothing there."""

    def __init__(
        self, sessions: GrantSessions, account_of: Callable[[ShopSession], CustomerAccount], grant: str
    ) -> None:
        self._sessions = sessions
        self._account_of = account_of
        self._grant = grant

    async def orders(self, *, page: int, size: int) -> CustomerOrders:
        return await self._use(lambda account: account.orders(page=page, size=size))

    async def order(self, number: str) -> CustomerOrder:
        return await self._use(lambda account: account.order(number))

    async def cancel(self, number: str, reason: str) -> CustomerOrder:
        return await self._use(lambda account: account.cancel(number, reason))

    async def addresses(self) -> Sequence[SavedAddress]:
        return await self._use(lambda account: account.addresses())

    async def cart_lines(self) -> Sequence[CartLine]:
        return await self._use(lambda account: account.cart_lines())

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement, total: Money) -> Order:
        return await self._use(lambda account: account.place_order(cart, draft, settlement, total))

    async def find_order(self, reference: str) -> Order | None:
        return await self._use(lambda account: account.find_order(reference))

    async def _use(self, call: Callable[[CustomerAccount], Awaitable[T]]) -> T:
        return await self._sessions.use_session(self._grant, lambda session: call(self._account_of(session)))
