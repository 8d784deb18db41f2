"""Agents that shop by checkout sessions: by UCP over MCP or REST, and by ACP, each told in the same words."""

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiohttp
import msgspec
from msgspec import Struct

from tests.chaos.faults.environment import WORKERS
from tests.chaos.faults.shopper import ADDRESS, TRIES, Shopper, path_of, wait_before
from tests.chaos.faults.tally import OVER, Ended, Refused, SessionHistory
from tests.fakes.ucp_agent import MEMBERS, PROFILE, RELEASES, REST

PASSING = frozenset(
    {"outcome_unknown", "shop_unavailable", "shop_busy", "payment_unavailable", "rate_limited", "internal_error"}
)
"""Codes of what another request may not meet."""
CLOSED = frozenset({"tool_not_open", "unknown_tool", "closed_for_now"})
LOST = 0.03
"""How many requests are given up by who sent them, and sent again."""
ACP_STATUSES = {"not_ready_for_payment": "incomplete", "complete_in_progress": "in_progress"}
ACP_PATHS = {
    "create": ("POST", "/checkout_sessions"),
    "read": ("GET", "/checkout_sessions/{id}"),
    "update": ("POST", "/checkout_sessions/{id}"),
    "complete": ("POST", "/checkout_sessions/{id}/complete"),
    "cancel": ("POST", "/checkout_sessions/{id}/cancel"),
    "create_cart": ("POST", "/carts"),
}


class Wish(Struct, kw_only=True):
    """What a request tells; None is not told."""

    cart: str | None = None
    goods: Sequence[tuple[str, int]] | None = None
    email: str | None = None
    street: str | None = None
    option: str | None = None
    codes: Sequence[str] | None = None


class Shown(Struct, frozen=True, kw_only=True):
    """A session as it was told."""

    id: str
    status: str
    url: str
    total: int
    currency: str
    goods: tuple[tuple[str, int], ...]
    """SKUs and pieces, sorted."""
    codes: tuple[str, ...]
    """Of its messages."""
    order: str | None

    @property
    def cart(self) -> str:
        """Its cart's handle."""
        return self.id.partition(".")[0]

    @property
    def path(self) -> str | None:
        """Of the page where it is paid; None where it cannot be paid now."""
        waits = self.status == "requires_escalation" and "/pay/" in self.url
        return path_of(self.url) if waits else None


class Answer(Struct, frozen=True):
    """What came back: an object, or why there is none."""

    status: int
    body: Any
    code: str = ""
    """Empty: there is an object."""
    text: str = ""


class SessionAgent(Protocol):
    """One agent of one protocol."""

    name: str

    async def operate(self, name: str, wish: Wish | None = None, *, id_: str = "", key: str = "") -> Shown:
        """create, read, update, complete or cancel a session. Raises Refused."""
        ...

    async def create_cart(self, goods: Sequence[tuple[str, int]]) -> str:
        """A cart's handle. Raises Refused."""
        ...


class _Agent:
    """What they share: requests that break off, or are given up, are sent again under the same key."""

    name = ""

    def __init__(self, shopper: Shopper) -> None:
        self.shopper = shopper
        self.lines: Mapping[str, str] = {}
        """Ids of the lines that were told last, by SKU."""

    async def _ask(self, what: str, method: str, path: str, **more: Any) -> tuple[int, Any] | None:
        """Status and JSON; None where nothing came, or not what this server says."""
        shopper, tally = self.shopper, self.shopper.tally
        if shopper.random.random() < LOST:
            shopper.saw("given up, and sent again")
            more["timeout"] = aiohttp.ClientTimeout(total=shopper.random.uniform(0.01, 0.5))
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            excused = shopper.world.disturbances.watch()
            status, _, text = await shopper.ask(shopper.random.randrange(WORKERS), method, path, **more)
            if status >= 500 and status != 503 and not excused():
                tally.faults.append(f"{self.name} {what}: {status}, {text[:200]}")
            try:
                return status, msgspec.json.decode(text)
            except msgspec.DecodeError:
                if not excused():
                    tally.faults.append(f"{self.name} {what}: {status}, {text[:200]!r} is no JSON")
        return None

    async def _insist(self, what: str, send: Any, key: str) -> Any:
        """The object that is answered in the end. Raises Refused."""
        shopper, excused = self.shopper, self.shopper.world.disturbances.watch()
        said = "never answered"
        for attempt in range(TRIES):
            answer: Answer | None = await send(key)
            if answer is not None:
                if not answer.code:
                    return answer.body
                said = answer.text
                if answer.code in CLOSED:
                    raise Refused(said)
                if answer.code == "outcome_unknown":
                    key = shopper.key()
                elif answer.code not in PASSING and answer.status not in {500, 503} | self.in_flight:
                    if answer.status != 200 and answer.status not in self.refusals and not excused():
                        shopper.tally.faults.append(f"{self.name} {what}: {answer.status} {answer.code}: {said}")
                    raise Refused(f"{self.name} {what}: {answer.code}")
            await wait_before(attempt + 1)
        raise Refused(f"{self.name} {what}: {said}")

    in_flight: frozenset[int] = frozenset()
    """Statuses of a request that is under way already."""
    refusals: frozenset[int] = frozenset()
    """Statuses of what the shop, and not the protocol, says no to."""

    def _noted(self, shown: Shown) -> Shown:
        """Keep for the audit what a session tells of its payment page and its end."""
        history = self.shopper.tally.sessions.setdefault((self.shopper.store, shown.id), SessionHistory())
        history.by_acp = history.by_acp or self.name == "acp"
        if shown.path is not None:
            history.pages.setdefault(shown.path, set()).add((shown.total, shown.currency))
            self.shopper.found(shown.path, shown.cart)
        if shown.status in OVER:
            history.ended.add(Ended(shown.status, shown.order, shown.total, shown.currency))
        return shown


class UcpShopper(_Agent):
    """By the Universal Commerce Protocol."""

    def __init__(self, shopper: Shopper, transport: str) -> None:
        super().__init__(shopper)
        self.transport = transport
        self.name = f"ucp {transport}"
        release = shopper.random.choice(RELEASES)
        self.mount = "/ucp" if release == RELEASES[0] else f"/ucp/{release}"

    async def operate(self, name: str, wish: Wish | None = None, *, id_: str = "", key: str = "") -> Shown:
        name = {"read": "get"}.get(name, name) + "_checkout"
        payload = {"payment": {"instruments": []}} if name == "complete_checkout" else None
        return self._noted(self._read(await self._run(name, self._payload(wish) if wish else payload, id_, key)))

    async def create_cart(self, goods: Sequence[tuple[str, int]]) -> str:
        return str((await self._run("create_cart", self._payload(Wish(goods=goods)), "", ""))["id"])

    async def _run(self, name: str, payload: Mapping[str, Any] | None, id_: str, key: str) -> Any:
        async def send(key: str) -> Answer | None:
            # Keys are UUIDs there.
            unique = str(uuid.uuid5(uuid.NAMESPACE_OID, key))
            over_mcp = self.transport == "mcp"
            found = await (self._over_mcp if over_mcp else self._over_rest)(name, payload, id_, unique)
            return None if found is None else _ucp_answer(*found)

        return await self._insist(name, send, key or self.shopper.key())

    async def _over_mcp(
        self, name: str, payload: Mapping[str, Any] | None, id_: str, key: str
    ) -> tuple[int, Any] | None:
        arguments: dict[str, Any] = {"meta": {"ucp-agent": {"profile": PROFILE}, "idempotency-key": key}}
        arguments |= {"id": id_} if id_ else {}
        arguments |= {} if payload is None else {MEMBERS[name]: payload}
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        found = await self._ask(name, "POST", f"{self.mount}/mcp", json=message)
        if found is None:
            return None
        status, body = found
        error = body.get("error")
        if isinstance(error, Mapping):
            return status, error["data"]
        return status, body["result"]["structuredContent"] if "result" in body else body

    async def _over_rest(
        self, name: str, payload: Mapping[str, Any] | None, id_: str, key: str
    ) -> tuple[int, Any] | None:
        method, path = REST[name]
        headers = {"ucp-agent": f'profile="{PROFILE}"', "idempotency-key": key}
        sent = {} if payload is None else {"json": payload}
        return await self._ask(name, method, self.mount + path.replace("{id}", id_), headers=headers, **sent)

    def _payload(self, wish: Wish) -> dict[str, Any]:
        payload: dict[str, Any] = {} if wish.cart is None else {"cart_id": wish.cart}
        if wish.goods is not None:
            known = self.lines if self.shopper.random.random() < 0.5 else {}
            payload["line_items"] = [
                {"item": {"id": sku}, "quantity": pieces, **({"id": known[sku]} if sku in known else {})}
                for sku, pieces in wish.goods
            ]
        if wish.email is not None:
            names = {"first_name": ADDRESS["first_name"], "last_name": ADDRESS["last_name"]}
            payload["buyer"] = {"email": wish.email, **names, "phone_number": ADDRESS["phone"]}
        if wish.street is not None:
            method: dict[str, Any] = {"type": "shipping", "destinations": [_ucp_destination(wish.street)]}
            if wish.option is not None:
                method["groups"] = [{"id": "package", "selected_option_id": wish.option}]
            payload["fulfillment"] = {"methods": [method]}
        if wish.codes is not None:
            payload["discounts"] = {"codes": list(wish.codes)}
        return payload

    def _read(self, body: Any) -> Shown:
        self.lines = {line["item"]["id"]: line["id"] for line in body["line_items"]}
        status = body["status"]
        return Shown(
            id=body["id"],
            status="in_progress" if status == "complete_in_progress" else status,
            url=body.get("continue_url", ""),
            total=_total(body),
            currency=body["currency"],
            goods=tuple(sorted((line["item"]["id"], line["quantity"]) for line in body["line_items"])),
            codes=tuple(one["code"] for one in body.get("messages", ())),
            order=body.get("order", {}).get("label"),
        )


class AcpShopper(_Agent):
    """By the Agentic Commerce Protocol, with a key of the store."""

    name = "acp"
    in_flight = frozenset({409})
    refusals = frozenset({400, 404, 405})

    async def operate(self, name: str, wish: Wish | None = None, *, id_: str = "", key: str = "") -> Shown:
        return self._noted(self._read(await self._run(name, self._payload(wish or Wish()), id_, key)))

    async def create_cart(self, goods: Sequence[tuple[str, int]]) -> str:
        return str((await self._run("create_cart", self._payload(Wish(goods=goods)), "", ""))["id"])

    async def _run(self, name: str, payload: Mapping[str, Any], id_: str, key: str) -> Any:
        async def send(key: str) -> Answer | None:
            method, path = ACP_PATHS[name]
            secret = self.shopper.world.keys[self.shopper.store]
            headers = {"authorization": f"Bearer {secret}", "api-version": "2026-04-17", "idempotency-key": key}
            sent = {} if method == "GET" else {"json": payload}
            found = await self._ask(name, method, f"/acp{path.replace('{id}', id_)}", headers=headers, **sent)
            if found is None:
                return None
            status, body = found
            if status < 300:
                return Answer(status, body)
            return Answer(status, body, body.get("code") or body.get("error", "unnamed"), body.get("message", ""))

        return await self._insist(name, send, key or self.shopper.key())

    def _payload(self, wish: Wish) -> dict[str, Any]:
        payload: dict[str, Any] = {} if wish.cart is None else {"cart_id": wish.cart}
        if wish.goods is not None:
            payload["line_items"] = [
                {"item": {"id": sku}, "quantity": pieces, **({"id": self.lines[sku]} if sku in self.lines else {})}
                for sku, pieces in wish.goods
            ]
        name = f"{ADDRESS['first_name']} {ADDRESS['last_name']}"
        if wish.email is not None:
            payload["buyer"] = {"email": wish.email, "full_name": name, "phone_number": ADDRESS["phone"]}
        if wish.street is not None:
            address = {"name": name, "line_one": wish.street, "city": ADDRESS["city"], "state": ADDRESS["region"]}
            address |= {"postal_code": ADDRESS["postcode"], "country": ADDRESS["country"]}
            payload["fulfillment_details"] = {"address": address}
        if wish.option is not None:
            chosen = {"type": "shipping", "option_id": wish.option, "item_ids": []}
            payload["selected_fulfillment_options"] = [chosen]
        if wish.codes is not None:
            payload["discounts"] = {"codes": list(wish.codes)}
        return payload

    def _read(self, body: Any) -> Shown:
        self.lines = {line["item"]["id"]: line["id"] for line in body["line_items"]}
        return Shown(
            id=body["id"],
            status=ACP_STATUSES.get(body["status"], body["status"]),
            url=body.get("continue_url", ""),
            total=_total(body),
            currency=body["currency"].upper(),
            goods=tuple(sorted((line["item"]["id"], line["quantity"]) for line in body["line_items"])),
            codes=tuple(one["code"] for one in body["messages"] if "code" in one),
            order=body.get("order", {}).get("order_number"),
        )


def session_agent(name: str, shopper: Shopper) -> SessionAgent:
    """The agent of a protocol: `ucp mcp`, `ucp rest` or `acp`."""
    return AcpShopper(shopper) if name == "acp" else UcpShopper(shopper, name.partition(" ")[2])


def _ucp_destination(street: str) -> dict[str, str]:
    return {
        "id": "home",
        "street_address": street,
        "address_locality": str(ADDRESS["city"]),
        "address_region": str(ADDRESS["region"]),
        "postal_code": str(ADDRESS["postcode"]),
        "address_country": str(ADDRESS["country"]),
    }


def _ucp_answer(status: int, body: Any) -> Answer:
    """An object, an outcome without one, or a failure."""
    if "ucp" not in body:
        return Answer(status, body, body.get("code") or body.get("error", "unnamed"), body.get("content", ""))
    if body["ucp"].get("status") == "error":
        message = body["messages"][0]
        return Answer(status, body, message["code"], message["content"])
    return Answer(status, body)


def _total(body: Any) -> int:
    return int(next(one["amount"] for one in body["totals"] if one["type"] == "total"))
