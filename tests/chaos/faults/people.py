"""Agents and buyers of a fault run: they order, repeat themselves, change their minds, pay, decline and walk away.

A cart is begun by one protocol and finished by the same or another one.
"""

import asyncio
from typing import Any

from tests.chaos.faults.a2a_people import Conversation, TaskPurchase
from tests.chaos.faults.session_agents import session_agent
from tests.chaos.faults.session_people import SESSION_PROTOCOLS, SessionPurchase
from tests.chaos.faults.shopper import ADDRESS, GOODS, TRIES, Shopper, path_of, wait_before
from tests.chaos.faults.tally import Refused

STORIES = {
    "pay": 50,
    "double click": 12,
    "decline": 8,
    "3-D Secure": 8,
    "walk away": 5,
    "pay at the last moment": 2,
    "cancel": 5,
    "cancel while paying": 8,
    "change": 5,
    "change while paying": 8,
}
"""How a purchase goes, and how often among a hundred or so."""
BEGINNINGS = {"tools": 40, "ucp rest": 15, "ucp mcp": 15, "acp": 12, "a2a": 12}
"""What begins a cart; a finisher with sessions of its own may begin one without a cart."""
FINISHES = {"tools": 24, "page": 18, "ucp rest": 17, "ucp mcp": 17, "acp": 14, "a2a": 10}
"""What finishes it: on a page is a person who goes on with what an agent began."""
PAGE_STORIES = {
    "pay": 50,
    "decline": 8,
    "walk away": 5,
    "change": 10,
    "change while paying": 10,
    "change the address while paying": 10,
    "order by the agent, too": 7,
    "go on by a session": 10,
}
OVER_TITLES = ("Placing your order", "Thank you", "Closed for now", "This cart is empty")
"""Of a cart's page that takes no form any more."""
WITHOUT_CART = 0.3
"""How many sessions are begun with goods in place of a cart."""


class Person(Shopper):
    """One agent with one buyer: one cart, one story."""

    async def live(self) -> None:
        """The whole story. What the server refuses with a sentence ends it; what breaks is tried again."""
        try:
            await self._order()
        except Refused as refused:
            self.saw_refusal(refused)

    async def _order(self) -> None:
        (self.begun,) = self.random.choices(list(BEGINNINGS), list(BEGINNINGS.values()))
        (self.finished,) = self.random.choices(list(FINISHES), list(FINISHES.values()))
        has_sessions = self.finished.startswith(("ucp", "acp"))
        if has_sessions and self.random.random() < WITHOUT_CART:
            self.begun = self.finished
            await SessionPurchase(self, self.finished).order(None)
            return
        cart = await self._begin()
        # Of three decimals the provider wants the last to be 0, which a percentage does not care for.
        if self.store != "kwd" and self.random.random() < 0.5:
            await self.call("apply_coupon", cart_id=cart, code="SAVE10")
            self.saw("with a coupon")
        if has_sessions:
            await SessionPurchase(self, self.finished).order(cart)
        elif self.finished == "a2a":
            await TaskPurchase(self).order(cart)
        elif self.finished == "page":
            await self._order_on_its_page(cart)
        else:
            await self._order_with_tools(cart)

    async def _begin(self) -> str:
        """A cart with something in it."""
        sku, pieces = self.some_goods()
        match self.begun:
            case "tools":
                cart = (await self.call("create_cart"))["cart_id"]
                await self.call("add_to_cart", cart_id=cart, sku=sku, quantity=pieces)
            case "a2a":
                answer = await Conversation(self).act("add_to_cart", sku=sku, quantity=pieces)
                cart = answer["result"]["cart_id"]
            case protocol:
                cart = await session_agent(protocol, self).create_cart([(sku, pieces)])
                # What the shop did not take then is told there, and added by whoever goes on.
                if not (await self.call("view_cart", cart_id=cart)).get("lines"):
                    await self.call("add_to_cart", cart_id=cart, sku=sku, quantity=pieces)
        self.tally.begun[self.begun] += 1
        return str(cart)

    async def _order_with_tools(self, cart: str) -> None:
        wish: dict[str, Any] = {
            "cart_id": cart,
            "email": self.email,
            "shipping_address": ADDRESS,
            "shipping_method": self.world.software.parcel,
        }
        if self.random.random() < 0.5:
            wish["idempotency_key"] = self.key()
        if self.random.random() < 0.1 and not self.world.software.stores_every_note:
            await self._note_what_cannot_be_stored(wish)
        checkout, path = await self.place(wish)
        (story,) = self.random.choices(list(STORIES), list(STORIES.values()))
        self.saw(story)
        match story:
            case "walk away":
                await self.to_payment(path)
            case "pay at the last moment":
                await self.pay_late(path)
            case "cancel":
                await self.call("cancel_checkout", checkout_id=checkout)
            case "cancel while paying":
                await self.race(story, path, self.call("cancel_checkout", checkout_id=checkout))
            case "change":
                await self.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
                checkout, path = await self.place({**wish, "idempotency_key": self.key()})
                await self.pay(path)
            case "change while paying":
                await self.race(story, path, self.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1))
            case "double click":
                await asyncio.gather(self.pay(path), self.pay(path))
            case _:
                await self.pay(path, declines=story == "decline", challenged=story == "3-D Secure")
        await self.call("get_order_status", checkout_id=checkout)

    async def _order_on_its_page(self, cart: str) -> None:
        """The agent hands the cart over; a person fills in its page, and the agent may still meddle with the cart."""
        path = await self._filled_in(cart)
        (story,) = self.random.choices(list(PAGE_STORIES), list(PAGE_STORIES.values()))
        self.saw(f"on a page: {story}")
        more = self.call("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
        match story:
            case "walk away":
                more.close()
                await self.to_payment(path)
            case "change":
                await more
                await self.pay(await self._filled_in(cart))
            case "change while paying":
                await self.race(f"on a page: {story}", path, more)
            case "change the address while paying":
                more.close()
                elsewhere = self._filled_in(cart, street="2 Brine St")
                await self.race(f"on a page: {story}", path, elsewhere)
            case "order by the agent, too":
                more.close()
                wish = {"cart_id": cart, "email": self.email, "shipping_address": ADDRESS}
                _, other = await self.place({**wish, "shipping_method": self.world.software.parcel})
                await asyncio.gather(self.pay(path), self.pay(other))
            case "go on by a session":
                more.close()
                self.finished = self.random.choice(SESSION_PROTOCOLS)
                await SessionPurchase(self, self.finished, shared=True).order(cart)
            case _:
                more.close()
                await self.pay(path, declines=story == "decline")

    async def _filled_in(self, cart: str, **differently: str) -> str:
        """The payment page that the form of a cart's page leads to, sent once, or twice at once."""
        times = self.random.choice((1, 1, 2))
        form = {**ADDRESS, "email": self.email, "option": self.world.software.parcel, **differently}
        paths = await asyncio.gather(*(self._form_sent(cart, form) for _ in range(times)))
        self.tally.one_wish(paths)
        self.found(paths[0], cart)
        return paths[0]

    async def _form_sent(self, cart: str, form: dict[str, str]) -> str:
        """Where a form leads; one that the shop could not take now is sent again. Raises Refused."""
        path = self.world.cart_page(self.store, cart)
        for attempt in range(TRIES):
            status, headers, text = await self.page("POST", path, data=form)
            if status == 303:
                return path_of(str(headers["location"]))
            over = next((title for title in OVER_TITLES if f"<h1>{title}</h1>" in text), None)
            if status != 200 or over is not None:
                raise Refused(over or f"a page of a cart: {status}")
            await wait_before(attempt + 1)
        raise Refused("a page of a cart never led on")

    async def _note_what_cannot_be_stored(self, wish: dict[str, Any]) -> None:
        try:
            await self.call("place_order", **{**wish, "note": "Ring twice 🎾", "idempotency_key": ""})
        except Refused as refused:
            self.saw("refused for its note" if "cannot store" in str(refused) else "refused")
        else:
            self.tally.faults.append("place_order: a note that the shop cannot store was accepted")
