"""A store that speaks the protocol, over real carts and checkouts."""

import json
from typing import Any

from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.acp.protocol import AcpProtocol
from storefront_mcp.calls.agent_protocol import ProtocolRequest
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.unit.acp.schemas import CART, FLAT_ERROR, SESSION, check
from tests.unit.calls.test_policy import Record, furnished
from tests.unit.checkout_sessions.environment import ALL_OPEN, SessionsEnvironment

AGENT = Caller(kind="key", principal="k1", client="an agent", scopes=frozenset({"read:content"}))
ADDRESS = {
    "name": "Ada Lovelace",
    "line_one": "1 Brine St",
    "city": "Hobart",
    "state": "TAS",
    "postal_code": "7000",
    "country": "AU",
}
BUYER = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "phone_number": "+61 3 5550 0000"}
TWO_DILL = [{"id": "li_1", "item": {"id": "DILL"}, "quantity": 2, "totals": []}]
CREATE = {"line_items": TWO_DILL, "currency": "aud", "capabilities": {"interventions": {"supported": []}}}
WHOLE = {**CREATE, "buyer": BUYER, "fulfillment_details": {"address": ADDRESS}}
SHIPPING = [{"type": "shipping", "option_id": "van", "item_ids": []}]


class Answer:
    """An answer, checked against what the protocol lets it be."""

    def __init__(self, status: int, headers: dict[str, str], body: Any) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def codes(self) -> list[tuple[str, str | None]]:
        """Codes and paths of its messages."""
        return [(message.get("code", message["type"]), message.get("param")) for message in self.body["messages"]]

    def amount(self, kind: str) -> int:
        (found,) = [total["amount"] for total in self.body["totals"] if total["type"] == kind]
        assert isinstance(found, int)
        return found


class AcpStore:
    """One store, and an agent that asks it."""

    def __init__(self) -> None:
        self.here = SessionsEnvironment()
        self.protocol = AcpProtocol(self.here.sessions)
        self.policy = furnished(Record())
        self.caller = AGENT
        self.under: Roadmap = ALL_OPEN
        self._keys = 0

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = "", raw: bytes | None = None, **fields: str
    ) -> Answer:
        """One request; an empty key is a fresh one, None is none at all."""
        self._keys += 1
        sent = {"api-version": "2026-04-17", **({} if key is None else {"idempotency-key": key or f"key-{self._keys}"})}
        sent |= {name.replace("_", "-"): value for name, value in fields.items()}
        runner = replace(self.here.runner(self.under, self.caller), policy=self.policy)
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        answer = await self.protocol.answer(
            ProtocolRequest(
                method=method,
                path=path,
                fields={name.encode(): value.encode() for name, value in sent.items() if value},
                body=content,
                runner=runner,
            )
        )
        told = Answer(
            answer.status,
            {name.decode(): value.decode() for name, value in answer.headers},
            json.loads(answer.body),
        )
        shape = SESSION if "/checkout_sessions" in path else CART
        check(told.body, shape if answer.status < 400 else FLAT_ERROR)
        return told

    async def create(self, body: Any = None, **more: Any) -> Answer:
        answer = await self.ask("POST", "/checkout_sessions", WHOLE if body is None else body, **more)
        assert answer.status == 201, answer.body
        return answer

    async def update(self, session: Answer, body: Any, **more: Any) -> Answer:
        answer = await self.ask("POST", f"/checkout_sessions/{session['id']}", body, **more)
        assert answer.status == 200, answer.body
        return answer

    async def pay(self, session: Answer) -> None:
        """The buyer pays on the page that the session names."""
        sessions = self.here.sessions.for_pages()
        await self.here.pay(await sessions.read(self.here.runner(), session["id"]))
