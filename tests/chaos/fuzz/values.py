"""Good requests of every method, and values that are not what anybody expects."""

import random
import re
from typing import Any

METHODS: tuple[Any, ...] = (
    *"initialize ping server/discover tools/list tools/call resources/list resources/templates/list".split(),
    *"resources/read prompts/list prompts/get completion/complete subscriptions/listen logging/setLevel".split(),
    *"resources/subscribe resources/unsubscribe roots/list sampling/createMessage tasks/list Tools/List".split(),
    *("notifications/initialized", "notifications/cancelled", "", " tools/list", "tools/list\x00", "x" * 3000),
    *("__init__", "tools/call/../list", 7, None, [], {}),
)
FORMS = (
    "/oauth/sign-in /oauth/code /oauth/consent /oauth/token /oauth/register /oauth/revoke /account/agents "
    "/account/agents? /oauth/token/ /oauth/sign-in?request=x"
).split()
FORM_FIELDS = (
    "request email password code scope act grant grant_type client_id client_secret redirect_uri code_verifier "
    "refresh_token resource token token_type_hint"
).split()
FORM_VALUES = (
    *"end end-all leave cancel allow authorization_code refresh_token orders:read ada%40pickle.example +".split(),
    *"%00 a%00b %ff%fe %ed%a0%80 %ud800 %2 % %F0%9F%A5%92 dcr1.e30.x sfr_1_2 sfc_1_2 sfa_1_2 https://evil.example".split(),
    *("", "x" * 100, "x" * 10_000),
)
RAW = {
    "1e999": b"1e999",
    "tiny": b"-1e-999",
    "digits": b"7" * 400,
    "thousands": b"7" * 5000,
    "nan": b"NaN",
    "infinity": b"-Infinity",
    "hex": b"0x10",
    "zeros": b"007",
    "float": b"1.0",
    "minus": b"-0",
    "surrogate": b'"\\ud800"',
    "control": b'"\n"',
    **{f"deep{depth}": b"[" * depth + b"]" * depth for depth in (20, 200, *range(940, 1000, 4), 3000, 100_000)},
    **{f"nest{depth}": b'{"a":' * depth + b"1" + b"}" * depth for depth in (20, 200, *range(940, 1000, 4), 3000)},
}
"""JSON texts that no encoder writes; a placeholder stands for them until the end."""
IDS: tuple[Any, ...] = (
    *(None, True, False, 1.5, 0, -1, 2**53 + 1, 2**63, -(2**64), 10**30, "", "✓", "x" * 500, '"\\\n\x00', [], {}, [1]),
    *(f"@@{name}@@" for name in ("1e999", "digits", "thousands", "nan", "float", "minus", "surrogate", "deep20")),
)
_MARK = re.compile(rb'"@@([a-z0-9]+)@@"')


def unwrapped(body: bytes) -> bytes:
    """Placeholders replaced by what they stand for."""
    return _MARK.sub(lambda found: RAW[found[1].decode()], body)


def members(node: Any) -> list[Any]:
    """What an object or array holds."""
    return list(node.values() if isinstance(node, dict) else node)


def anything(rng: random.Random) -> Any:
    """Any JSON value, the worse the better."""
    kind = rng.randrange(6)
    if kind == 0:
        return f"@@{rng.choice(list(RAW))}@@"
    if kind == 1:
        return rng.choice((None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**70), 1e308))
    if kind == 2:
        return rng.choice(
            ("", " ", "0", "x" * rng.choice((65, 201, 501, 20_000)), "\x00", "\u202e", "💥" * 50, "\ud800")
        )
    if kind == 3:
        return rng.choice(
            ("' OR 1=1 --", "../../etc/passwd", "<script>", "{{7*7}}", "%s%n", "${x}", "a\r\nSet-Cookie: b")
        )
    if kind == 4:
        return [anything(rng) for _ in range(rng.randrange(4))]
    return {
        rng.choice(("", "a", "sku", "id", "type", "_meta", "__class__")): anything(rng) for _ in range(rng.randrange(4))
    }


def capabilities(rng: random.Random) -> Any:
    """What a client may declare."""
    return rng.choice(({}, {"elicitation": {}}, {"elicitation": {"url": {}}}, {"sampling": {}, "roots": {}}))


def form(rng: random.Random) -> bytes:
    """Any fields of the forms of a sign-in, as a browser or a client sends them."""
    names = rng.choices(FORM_FIELDS, k=rng.randrange(8))
    return "&".join(f"{name}={rng.choice(FORM_VALUES)}" for name in names).encode()


def near(rng: random.Random, real: Any) -> Any:
    """One of the real ones, or something close to it."""
    one = str(rng.choice(real))
    if rng.random() < 0.75:
        return one
    return rng.choice((one + "0", one[:-1], one.lower(), one[::-1], f" {one} ", one + "\x00", one.replace("-", "_"), 7))


def address(rng: random.Random) -> dict[str, Any]:
    """Somewhere to send things."""
    return {
        "country": rng.choice(("AU", "NZ", "US", "XX", "au", "")),
        "postcode": rng.choice(("2000", "3999", "x", "")),
    }


def arguments(rng: random.Random, tool: str, world: Any) -> dict[str, Any]:
    """What a tool might be called with."""
    cart = {"cart_id": near(rng, world.carts)}
    quantity = rng.choice((1, 2, "2", 0, 999, 1000, -1))
    line = {"line_id": near(rng, world.lines)}
    code = rng.choice(("PICKLE10", "NOPE", "", "x" * 300, "' --"))
    search = {
        "query": rng.choice(("paddle", "jar", "zzz", "", "a" * 201, '"', "*", "NEAR(")),
        "category": near(rng, world.categories),
        "page_size": rng.choice((1, 5, 50, 51)),
        "cursor": near(rng, world.cursors),
        "sort": rng.choice(("relevance", "price_asc", "PRICE_ASC", "x")),
        "min_price_minor": rng.choice((0, 1000, 10**18, -1)),
    }
    known: dict[str, dict[str, Any]] = {
        "search_products": {key: search[key] for key in rng.sample(sorted(search), rng.randrange(4))},
        "get_product": {"sku": near(rng, world.skus)},
        "get_related_products": {"sku": near(rng, world.skus)},
        "list_categories": {},
        "get_category": {"category": near(rng, world.categories)},
        "create_cart": {},
        "add_to_cart": {**cart, "sku": near(rng, world.skus), "quantity": quantity},
        "update_cart_item": {**cart, **line, "quantity": quantity},
        "remove_from_cart": {**cart, **line},
        "apply_coupon": {**cart, "code": code},
        "get_shipping_methods": {**cart, "address": address(rng)},
        "view_cart": cart,
        "remove_coupon": cart,
        "apply_gift_card": {**cart, "code": code},
        "remove_gift_card": {**cart, "code": code},
    }
    others: tuple[dict[str, Any], ...] = (
        {},
        {},
        {},
        {"region": "AU"},
        {"prompt": "x"},
        {"message": "x"},
        {"name": "x"},
    )
    return known[tool] if tool in known else rng.choice(others)


def request(rng: random.Random, world: Any, *, modern: bool) -> dict[str, Any]:
    """A good request of an era, but for its id and claim."""
    method, params = _asked(rng, world, modern=modern)
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _asked(rng: random.Random, world: Any, *, modern: bool) -> tuple[str, dict[str, Any]]:
    versions = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "banana", "")
    wanted = {"toolsListChanged": True, "promptsListChanged": rng.choice((True, False, 1)), "resourceSubscriptions": []}
    lists = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
    hello = {"protocolVersion": rng.choice(versions), "capabilities": {}, "clientInfo": {"name": "x"}}
    possible: tuple[tuple[str, dict[str, Any]], ...] = (
        ("tools/call", _called(rng, world)),
        (rng.choice(lists), {"cursor": rng.choice(("", "c2", None))} if rng.random() < 0.3 else {}),
        ("resources/read", {"uri": _address(rng, world)}),
        ("prompts/get", {"name": near(rng, world.prompts), "arguments": _filled(rng, world)}),
        ("completion/complete", _typed(rng, world)),
        ("server/discover" if modern else "ping", {}),
        ("initialize", hello),
        ("subscriptions/listen", {"notifications": wanted}),
    )
    return rng.choices(possible, (40, 10, 10, 10, 8, 8, 8, 3))[0]


def _called(rng: random.Random, world: Any) -> dict[str, Any]:
    tool = rng.choice(world.tools) if rng.random() < 0.95 else rng.choice(("nope", "place_order", "get_order_status"))
    # Carts last for a week: a few hundred are enough for one run.
    if tool == "create_cart" and rng.random() < 0.9:
        tool = "view_cart"
    return {"name": tool, "arguments": arguments(rng, tool, world)}


def _address(rng: random.Random, world: Any) -> str:
    unlisted = (f"product://{near(rng, world.skus)}", "shop://page/nope", "product://", "file:///etc/passwd")
    return str(rng.choice((*world.uris, *unlisted)))


def _filled(rng: random.Random, world: Any) -> dict[str, Any]:
    blanks = {
        "recipient": "a friend",
        "budget": "50",
        "first": near(rng, world.skus),
        "second": near(rng, world.skus),
        "wanted": "pickles and a paddle",
        "category": near(rng, world.categories),
    }
    return {name: blanks[name] for name in rng.sample(sorted(blanks), rng.randrange(1, 5))}


def _typed(rng: random.Random, world: Any) -> dict[str, Any]:
    refs: tuple[dict[str, Any], ...] = (
        {"type": "ref/prompt", "name": near(rng, world.prompts)},
        {"type": "ref/resource", "uri": rng.choice(("product://{sku}", "shop://page/{identifier}", "x://{y}"))},
        {"type": "ref/nothing"},
    )
    name = rng.choice(("sku", "identifier", "category", "first", "second", "nope"))
    typed = {"name": name, "value": rng.choice(("", "p", "PAD", "ship", "x" * 300, "\x00", '"'))}
    return {"ref": rng.choice(refs), "argument": typed}
