"""A platform's agent that speaks UCP; its answers are held against the models of the protocol's own library."""

import copy
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
from ucp_sdk.models.schemas.common.types.error_response import ErrorResponse
from ucp_sdk.models.schemas.shopping.catalog_lookup import GetProductResponse, LookupResponse
from ucp_sdk.models.schemas.shopping.catalog_search import SearchResponse
from ucp_sdk.models.schemas.shopping.discount import Cart as DiscountedCart, Checkout as DiscountedCheckout
from ucp_sdk.models.schemas.shopping.fulfillment import Checkout as FulfilledCheckout

LATEST: Final = "2026-08-25"
RELEASES: Final = (LATEST, "2026-04-08")
TRANSPORTS: Final = ("mcp", "rest")
PROFILE: Final = "https://platform.example/profiles/shopping.json"
REST: Final = {
    "search_catalog": ("POST", "/catalog/search"),
    "lookup_catalog": ("POST", "/catalog/lookup"),
    "get_product": ("POST", "/catalog/product"),
    "create_cart": ("POST", "/carts"),
    "get_cart": ("GET", "/carts/{id}"),
    "update_cart": ("PUT", "/carts/{id}"),
    "cancel_cart": ("POST", "/carts/{id}/cancel"),
    "create_checkout": ("POST", "/checkout-sessions"),
    "get_checkout": ("GET", "/checkout-sessions/{id}"),
    "update_checkout": ("PUT", "/checkout-sessions/{id}"),
    "complete_checkout": ("POST", "/checkout-sessions/{id}/complete"),
    "cancel_checkout": ("POST", "/checkout-sessions/{id}/cancel"),
}
MEMBERS: Final = {
    **dict.fromkeys(("search_catalog", "lookup_catalog", "get_product"), "catalog"),
    **dict.fromkeys(("create_cart", "update_cart"), "cart"),
    **dict.fromkeys(("create_checkout", "update_checkout", "complete_checkout"), "checkout"),
}
MODELS: Final = {
    "search_catalog": (SearchResponse,),
    "lookup_catalog": (LookupResponse,),
    "get_product": (GetProductResponse,),
    **dict.fromkeys(("create_cart", "get_cart", "update_cart", "cancel_cart"), (DiscountedCart,)),
    **dict.fromkeys(
        ("create_checkout", "get_checkout", "update_checkout", "complete_checkout", "cancel_checkout"),
        (DiscountedCheckout, FulfilledCheckout),
    ),
}
"""Of answers in the newest release; extensions have models of their own."""
CREATED: Final = 201


class Refused(Exception):
    """A failure of the protocol, by its HTTP status and code."""

    def __init__(self, response: httpx.Response, data: Mapping[str, Any]) -> None:
        super().__init__(f"{response.status_code} {data['code']}: {data['content']}")
        self.status = response.status_code
        self.code = data["code"]
        self.headers = response.headers


class UcpAgent:
    """An agent in one release over one transport, at a store whose profile it has read."""

    def __init__(self, origin: str, release: str = LATEST, transport: str = "mcp") -> None:
        self.origin = origin
        self.release = release
        self.transport = transport
        self.client = httpx.AsyncClient(base_url=origin)
        self.base = ""

    async def __aenter__(self) -> Self:
        profile = (await self.client.get("/.well-known/ucp")).json()["ucp"]
        if profile["version"] != self.release:
            profile = (await self.client.get(profile["supported_versions"][self.release])).json()["ucp"]
        self.base = next(
            one["endpoint"]
            for one in profile["services"]["dev.ucp.shopping"]
            if (one["transport"], one["version"]) == (self.transport, self.release)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def call(self, name: str, payload: Mapping[str, Any] | None = None, *, id_: str = "", key: str = "") -> Any:
        """The answer to an operation. Raises Refused."""
        ask = self._over_mcp if self.transport == "mcp" else self._over_rest
        answer = await ask(name, payload, id_, key or str(uuid.uuid4()))
        check(name, answer)
        return answer

    async def _over_mcp(self, name: str, payload: Mapping[str, Any] | None, id_: str, key: str) -> Any:
        arguments: dict[str, Any] = {"meta": {"ucp-agent": {"profile": PROFILE}, "idempotency-key": key}}
        if id_:
            arguments["id"] = id_
        if payload is not None:
            arguments[MEMBERS[name]] = payload
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        response = await self.client.post(self.base, json=message, headers={"accept": "application/json"})
        answer = response.json()
        if "error" in answer:
            raise Refused(response, answer["error"]["data"])
        assert response.status_code == 200
        assert answer["id"] == 7
        (text,) = answer["result"]["content"]
        assert httpx.Response(200, text=text["text"]).json() == answer["result"]["structuredContent"]
        return answer["result"]["structuredContent"]

    async def _over_rest(self, name: str, payload: Mapping[str, Any] | None, id_: str, key: str) -> Any:
        method, path = REST[name]
        headers = {"ucp-agent": f'profile="{PROFILE}"', "idempotency-key": key}
        response = await self.client.request(
            method, self.base + path.replace("{id}", id_), json=payload, headers=headers
        )
        answer = response.json()
        if "ucp" not in answer:
            raise Refused(response, answer)
        created = name.startswith("create_") and answer["ucp"]["status"] == "success"
        assert response.status_code == (CREATED if created else 200)
        return answer


def check(name: str, answer: Mapping[str, Any]) -> None:
    """Hold an answer against the model of its operation; older releases' shipping differs, and is brought up first."""
    failed = answer["ucp"].get("status") == "error"
    for model in (ErrorResponse,) if failed else MODELS[name]:
        model.model_validate(_renewed(answer))
    if failed or "totals" not in answer:
        return
    entries = answer["totals"]
    assert sum(one["amount"] for one in entries[:-1]) == entries[-1]["amount"]
    assert entries[-1]["type"] == "total"
    if name.endswith("checkout"):
        assert answer["ucp"]["payment_handlers"] == {}


def _renewed(answer: Mapping[str, Any]) -> Any:
    """An answer of 2026-04-08 as the newest release would have it."""
    if answer["ucp"]["version"] == LATEST or "fulfillment" not in answer:
        return answer
    renewed = copy.deepcopy(dict(answer))
    for method in renewed["fulfillment"]["methods"]:
        for destination in method.get("destinations", ()):
            assert "type" not in destination
            destination["type"] = "shipping_address"
        for option in (option for group in method.get("groups", ()) for option in group.get("options", ())):
            if "description" in option:
                option["description"] = {"plain": option["description"] + ""}
    return renewed
