"""People whose agents shop by checkout sessions, of carts that they or others began."""

import asyncio
from collections.abc import Sequence

from tests.chaos.faults.session_agents import SessionAgent, Shown, Wish, session_agent
from tests.chaos.faults.shopper import ADDRESS, GOODS, TRIES, Shopper, wait_before
from tests.chaos.faults.tally import Refused

SESSION_PROTOCOLS = ("ucp rest", "ucp mcp", "acp")
STORIES = {
    "pay": 36,
    "double click": 8,
    "decline": 6,
    "3-D Secure": 6,
    "walk away": 4,
    "pay at the last moment": 2,
    "cancel": 5,
    "cancel while paying": 8,
    "change": 7,
    "change while paying": 7,
    "change by our tools": 6,
    "change by our tools while paying": 6,
    "change the address while paying": 6,
    "order by our tools, too": 7,
    "go on by another protocol": 10,
    "begin anew": 4,
}
"""How a purchase goes, and how often among a hundred or so."""


class SessionPurchase:
    """One purchase by a session."""

    def __init__(self, shopper: Shopper, protocol: str, *, shared: bool = False) -> None:
        """`shared` is whether the cart has a session already, which everybody may know of who has the cart."""
        self.shopper = shopper
        self.random = shopper.random
        self.agent = session_agent(protocol, shopper)
        self.is_owned = protocol == "acp" and not shared
        """Whether the session is told to its key alone."""
        self.goods: Sequence[tuple[str, int]] | None = None
        """What the session's lines should be; None: what the cart has."""
        self.details = Wish(email=shopper.email, street="1 Brine St", option=shopper.world.software.parcel)

    async def begin(self, cart: str | None) -> Shown:
        """A session of a cart, or of goods; told all at once, or step by step. Raises Refused."""
        wish = Wish(cart=cart)
        if cart is None:
            self.goods = wish.goods = [self.shopper.some_goods()]
            if self.shopper.store != "kwd" and self.random.random() < 0.5:
                wish.codes = ["SAVE10"]
                self.shopper.saw("with a code")
        if self.random.random() < 0.5:
            wish.email, wish.street, wish.option = self.details.email, self.details.street, self.details.option
        shown = await self.agent.operate("create", wish)
        if cart is not None:
            self.goods = shown.goods
        return shown

    async def order(self, cart: str | None) -> None:
        """The whole story. Raises Refused."""
        shown, path = await self.payable(await self.begin(cart))
        (story,) = self.random.choices(list(STORIES), list(STORIES.values()))
        self.shopper.saw(f"by a session: {story}")
        await self._go_on(story, shown, path)
        await self.agent.operate("read", id_=shown.id)
        if self.random.random() < 0.3 and not self.is_owned:
            await session_agent(self.random.choice(SESSION_PROTOCOLS), self.shopper).operate("read", id_=shown.id)

    async def _go_on(self, story: str, shown: Shown, path: str) -> None:  # noqa: PLR0912 -- one case for a story
        shopper = self.shopper
        more = [*shown.goods, (self._other(shown), 1)]
        match story:
            case "walk away":
                await shopper.to_payment(path)
            case "pay at the last moment":
                await shopper.pay_late(path)
            case "cancel":
                await self.agent.operate("cancel", id_=shown.id)
            case "cancel while paying":
                await shopper.race(f"by a session: {story}", path, self.agent.operate("cancel", id_=shown.id))
            case "change":
                self.goods = more
                _, path = await self.payable(await self._update(shown.id))
                await shopper.pay(path)
            case "change while paying":
                self.goods = more
                await shopper.race(f"by a session: {story}", path, self._update(shown.id))
            case "change by our tools":
                await shopper.call("add_to_cart", cart_id=shown.cart, sku=GOODS[0], quantity=1)
                changed = await self.agent.operate("read", id_=shown.id)
                self.goods = changed.goods
                _, path = await self.payable(changed)
                await shopper.pay(path)
            case "change by our tools while paying":
                against = shopper.call("add_to_cart", cart_id=shown.cart, sku=GOODS[0], quantity=1)
                await shopper.race(f"by a session: {story}", path, against)
            case "change the address while paying":
                self.details.street = "2 Brine St"
                await shopper.race(f"by a session: {story}", path, self._update(shown.id))
            case "order by our tools, too":
                wish = {"cart_id": shown.cart, "email": shopper.email, "shipping_address": ADDRESS}
                placed = await shopper.place({**wish, "shipping_method": shopper.world.software.parcel})
                await asyncio.gather(shopper.pay(path), shopper.pay(placed[1]))
            case "go on by another protocol":
                await self._go_on_elsewhere(shown)
            case "begin anew":
                await self._begin_anew(shown)
            case "double click":
                await asyncio.gather(shopper.pay(path), shopper.pay(path))
            case _:
                await shopper.pay(path, declines=story == "decline", challenged=story == "3-D Secure")

    async def _go_on_elsewhere(self, shown: Shown) -> None:
        """The buyer asks another agent to go on with the cart: it finds the same session, if it may know of it."""
        other = self.random.choice([one for one in SESSION_PROTOCOLS if one != self.agent.name])
        if self.is_owned:
            await self._is_kept_from(session_agent(other, self.shopper), shown)
        else:
            self.agent = session_agent(other, self.shopper)
            self.shopper.finished = other
        found = await self.agent.operate("create", Wish(cart=shown.cart))
        if found.id != shown.id:
            self._complain(f"{found.status} {found.id} of a cart that has {shown.id}")
        _, path = await self.payable(found)
        await self.shopper.pay(path)

    async def _is_kept_from(self, stranger: SessionAgent, shown: Shown) -> None:
        """Who has the cart and no key is not told of a session that a key began."""
        for name in ("read", "update", "cancel", "create"):
            wish = {"create": Wish(cart=shown.cart), "update": self._whole()}.get(name)
            try:
                await stranger.operate(name, wish, id_="" if name == "create" else shown.id)
            except Refused:
                continue
            self.shopper.tally.strangers.append(f"{stranger.name} {name}: {shown.id} of {self.agent.name}")

    def _complain(self, what: str) -> None:
        self.shopper.tally.faults.append(f"{self.agent.name}: {what}")

    async def _begin_anew(self, shown: Shown) -> None:
        """Given up, and ordered after all: by a session of its own."""
        over = await self.agent.operate("cancel", id_=shown.id)
        if over.status != "canceled":
            return
        again = await self.agent.operate("create", Wish(cart=shown.cart))
        if again.id == shown.id:
            self._complain(f"{shown.id} was canceled, and goes on")
        _, path = await self.payable(again)
        await self.shopper.pay(path)

    async def payable(self, shown: Shown) -> tuple[Shown, str]:
        """The session once it waits for the buyer, and the path of its payment page. Raises Refused."""
        for attempt in range(TRIES):
            if shown.status not in {"incomplete", "requires_escalation"}:
                raise Refused(f"a session is {shown.status}")
            if shown.path is not None and self._is_wished(shown):
                return shown, await self._repeated(shown)
            if attempt:
                await wait_before(attempt)
            shown = await self._update(shown.id)
        raise Refused(f"a session is never payable: {', '.join(sorted(set(shown.codes)))}")

    def _is_wished(self, shown: Shown) -> bool:
        """Whether what is to be paid is what was asked for."""
        wished = tuple(sorted(self.goods or shown.goods))
        if shown.goods != wished:
            self._complain(f"{shown.goods} can be paid, wanted {wished}")
        return shown.goods == wished

    async def _update(self, session: str, key: str = "") -> Shown:
        """Tell everything: what an agent does that is not sure what was heard."""
        return await self.agent.operate("update", self._whole(), id_=session, key=key)

    def _whole(self) -> Wish:
        """Everything that is known."""
        details = self.details
        return Wish(goods=self.goods, email=details.email, street=details.street, option=details.option)

    async def _repeated(self, shown: Shown) -> str:
        """The payment page after impatient repetitions: it is one and the same."""
        paths = [shown.path]
        match self.random.randrange(6):
            case 0:
                key = self.shopper.key()
                again = await asyncio.gather(*(self.agent.operate("complete", id_=shown.id, key=key) for _ in range(2)))
                paths += [one.path for one in again]
            case 1:
                again = await asyncio.gather(*(self._update(shown.id) for _ in range(2)))
                paths += [one.path for one in again]
        found = [path for path in paths if path is not None]
        self.shopper.tally.one_wish(found)
        return found[-1]

    def _other(self, shown: Shown) -> str:
        """A SKU that is not in the session."""
        held = {sku for sku, _ in shown.goods}
        return next((sku for sku in GOODS if sku not in held), GOODS[0])
