"""People whose agents talk to the store's agent over A2A."""

import asyncio
import uuid
from typing import Any, NamedTuple

import aiohttp
import msgspec

from tests.chaos.faults.environment import WORKERS
from tests.chaos.faults.session_agents import LOST, PASSING
from tests.chaos.faults.shopper import ADDRESS, GOODS, TRIES, Shopper, path_of, wait_before
from tests.chaos.faults.tally import Refused

STORIES = {
    "pay": 45,
    "double click": 10,
    "decline": 8,
    "walk away": 5,
    "cancel": 8,
    "cancel while paying": 10,
    "change": 8,
    "change while paying": 10,
}
RATE_LIMITED, INTERNAL, UNSUPPORTED, NOT_CANCELABLE = 429, -32603, -32004, -32002


class ShownTask(NamedTuple):
    """A task as it was told."""

    state: str
    order: str | None
    """The number of the order, where it is told."""


class Conversation:
    """One conversation, in version 1.0 over JSON-RPC."""

    def __init__(self, shopper: Shopper) -> None:
        self.shopper = shopper
        self.context = ""
        self.task = ""
        self.unknown = False
        """Whether the last message came before, and nobody knows what became of it."""

    async def act(self, action: str, **arguments: Any) -> Any:
        """The data that an action is answered with, `{"tool", "result"}`. Raises Refused."""
        parts = [{"data": {"action": action, **arguments}}]
        key = self._key()
        for attempt in range(TRIES):
            message = {"messageId": key, "role": "ROLE_USER", "parts": parts}
            message |= {"contextId": self.context} if self.context else {}
            told = await self._ask("SendMessage", {"message": message})
            if told is not None:
                data = self._data(told)
                error = data.get("error")
                if error is None:
                    return data
                if error["code"] not in PASSING:
                    raise Refused(f"a2a {action}: {error['code']}")
                # It was answered: the same message would be answered so again.
                key = self._key()
            elif self.unknown:
                key = self._key()
            await wait_before(attempt + 1)
        raise Refused(f"a2a {action}: never answered")

    async def cancel(self) -> None:
        """Give the task up. Raises Refused."""
        await self._of_task("CancelTask")

    async def look(self) -> ShownTask:
        """The task as it stands. Raises Refused."""
        body = await self._of_task("GetTask")
        order = self._data({"task": body}).get("result", {}).get("order", {})
        return ShownTask(body["status"]["state"].removeprefix("TASK_STATE_").lower(), order.get("number"))

    async def _of_task(self, method: str) -> Any:
        for attempt in range(TRIES):
            task = await self._ask(method, {"id": self.task})
            if task is not None:
                return task
            await wait_before(attempt + 1)
        raise Refused(f"a2a {method}: never answered")

    async def _ask(self, method: str, params: Any) -> Any | None:
        """The result of a method; None where it may be tried again. Raises Refused."""
        shopper = self.shopper
        more: dict[str, Any] = {}
        self.unknown = False
        if shopper.random.random() < LOST:
            shopper.saw("given up, and sent again")
            more["timeout"] = aiohttp.ClientTimeout(total=shopper.random.uniform(0.01, 0.5))
        sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        excused = shopper.world.disturbances.watch()
        try:
            status, _, text = await shopper.ask(
                shopper.random.randrange(WORKERS), "POST", "/a2a", json=sent, headers={"a2a-version": "1.0"}, **more
            )
            said = msgspec.json.decode(text)
        except (aiohttp.ClientError, TimeoutError):
            return None
        except msgspec.DecodeError:
            if not excused():
                shopper.tally.faults.append(f"a2a {method}: no JSON")
            return None
        if "result" in said:
            return said["result"]
        error = said.get("error")
        if not isinstance(error, dict):
            raise Refused(f"a2a {method}: {said.get('message', status)}")
        if status == 503:
            raise Refused(f"a2a {method}: closed")
        if error["code"] == RATE_LIMITED:
            return None
        if error["code"] == INTERNAL:
            self.unknown = "not known what became" in error["message"]
            if not self.unknown and not excused():
                shopper.tally.faults.append(f"a2a {method}: {error['message']}")
            return None
        if error["code"] not in {UNSUPPORTED, NOT_CANCELABLE} and not excused():
            shopper.tally.faults.append(f"a2a {method}: {error}")
        raise Refused(f"a2a {method}: {error['message']}")

    def _data(self, result: Any) -> Any:
        """The data part of an answer, whose task and context go on."""
        body = result.get("task") or result.get("message") or result
        self.context = body["contextId"]
        if "task" in result:
            self.task = body["id"]
            artifacts = body.get("artifacts")
            parts = artifacts[0]["parts"] if artifacts else body["status"]["message"]["parts"]
        else:
            parts = body["parts"]
        return next((part["data"] for part in parts if "data" in part), {})

    def _key(self) -> str:
        return str(uuid.UUID(int=self.shopper.random.getrandbits(128), version=4))


class TaskPurchase:
    """One purchase by a conversation, of a cart that is there."""

    def __init__(self, shopper: Shopper) -> None:
        self.shopper = shopper
        self.talk = Conversation(shopper)

    async def order(self, cart: str) -> None:
        """The whole story. Raises Refused."""
        shopper, talk = self.shopper, self.talk
        path = await self._placed(cart)
        (story,) = shopper.random.choices(list(STORIES), list(STORIES.values()))
        shopper.saw(f"by a task: {story}")
        match story:
            case "walk away":
                await shopper.to_payment(path)
            case "cancel":
                await talk.cancel()
            case "cancel while paying":
                await shopper.race(f"by a task: {story}", path, talk.cancel())
            case "change":
                await talk.act("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
                await shopper.pay(await self._placed(cart))
            case "change while paying":
                more = talk.act("add_to_cart", cart_id=cart, sku=GOODS[0], quantity=1)
                await shopper.race(f"by a task: {story}", path, more)
            case "double click":
                await asyncio.gather(shopper.pay(path), shopper.pay(path))
            case _:
                await shopper.pay(path, declines=story == "decline")
        await talk.act("get_order_status")

    async def _placed(self, cart: str) -> str:
        """The payment page. Raises Refused."""
        wish = {
            "cart_id": cart,
            "email": self.shopper.email,
            "shipping_address": ADDRESS,
            "shipping_method": self.shopper.world.software.parcel,
        }
        result = (await self.talk.act("place_order", **wish))["result"]
        url = result.get("continue_url")
        if url is None:
            raise Refused(f"a task is {result['status']}")
        self.shopper.found(path_of(url), cart)
        self.shopper.tally.tasks.setdefault((self.shopper.store, self.talk.task), set()).add(path_of(url))
        return path_of(url)
