"""Requests of somebody who wants in, or down: from one seed, each with the statuses that it may be answered with."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from storefront_mcp.access.secret_format import BASE62_ALPHABET, CHECKSUM_LENGTH, _checksum
from storefront_mcp.identity.api_key_format import KEY_PREFIX
from tests.chaos.fuzz.wire import Reply, Shot

REFUSED = frozenset({400, 401, 403, 404, 405, 413, 415, 421, 422, 429, 431})
SILENCE = 0
"""A server that will not read on hangs up."""
SCRAPS = ("\x00", "\xff", "é", "'", '"', "%00", "{{7*7}}", "${jndi:x}", "../..", "\t", " ", "A" * 300, "[", "0x")


class Target(Struct, frozen=True):
    """What a stranger may have found out."""

    host: str
    cart: str
    """A cart's handle that leaked."""
    key: str
    """A good key: its public id is in logs, its secret is not."""
    metrics: bool = True


class Try(Struct, frozen=True, kw_only=True):
    """One attempt."""

    kind: str
    shot: Shot
    may: frozenset[int] = REFUSED
    """Statuses that let nobody in."""
    refused_inside: bool = False
    """Whether an answer with 200 must hold a refusal."""


class Attacker:
    """Makes attempts, the same ones from the same seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target = target
        self._seed = seed

    def attempt(self, number: int) -> Try:
        """The attempt of that number."""
        rng = random.Random(f"{self._seed}:{number}")
        kinds: tuple[Callable[[random.Random], Try], ...] = (
            self._bearer,
            self._bearer,
            self._address_token,
            self._forwarded,
            self._huge,
            self._smuggled,
            self._replayed,
            self._replayed,
            self._bomb,
            self._method,
            self._console,
        )
        return rng.choice(kinds)(rng)

    def _fields(
        self, rng: random.Random, *more: tuple[bytes, bytes], json_: bool = True
    ) -> tuple[tuple[bytes, bytes], ...]:
        kind = ((b"Content-Type", b"application/json"),) if json_ else ()
        return ((b"Host", self._target.host.encode()), *kind, (b"X-Forwarded-For", address(rng).encode()), *more)

    def _bearer(self, rng: random.Random) -> Try:
        verb, path, body = rng.choice(self._rooms())
        value = credential(rng, self._target.key)
        fields = self._fields(rng, (b"Authorization", value))
        if rng.random() < 0.1:
            fields = (*fields, (b"Authorization", credential(rng, self._target.key)))
        may = REFUSED | {431, SILENCE} if len(value) > 30_000 else REFUSED
        return Try(kind="bearer", shot=Shot(verb=verb, target=path, headers=fields, body=body), may=may)

    def _rooms(self) -> tuple[tuple[bytes, bytes, bytes], ...]:
        listing = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
        cart = {"name": "view_cart", "arguments": {"cart_id": self._target.cart}}
        looking = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": cart}).encode()
        return (
            (b"POST", b"/mcp", listing),
            (b"POST", b"/mcp", looking),
            (b"POST", b"/mcp/token", b'{"scopes":["merchant"]}'),
            (b"GET", b"/mcp/token", b""),
            (b"DELETE", b"/mcp/token/" + self._target.key.split("_")[1].encode(), b""),
            (b"GET", b"/metrics", b""),
            (b"GET", b"/mcp/sse", b""),
        )

    def _address_token(self, rng: random.Random) -> Try:
        name = rng.choice((b"access_token", b"access%5ftoken", b"access%5Ftoken", b"%61ccess_token"))
        verb, path, body = rng.choice(self._rooms())
        query = path + b"?" + rng.choice((b"", b"a=b&")) + name + b"=" + self._target.key.encode()
        return Try(
            kind="token in the address", shot=Shot(verb=verb, target=query, headers=self._fields(rng), body=body)
        )

    def _forwarded(self, rng: random.Random) -> Try:
        """A guest who claims to be many; whoever they are, they are one guest and nothing more."""
        more = [
            (name, claim(rng)) for name in (b"X-Forwarded-For", b"Forwarded", b"X-Real-IP", b"True-Client-IP", b"Via")
        ]
        rng.shuffle(more)
        fields = ((b"Host", self._target.host.encode()), *more[: rng.randint(1, 5)])
        verb, path, _ = rng.choice([room for room in self._rooms() if room[1] in {b"/metrics", b"/mcp/token"}])
        return Try(kind="forwarded", shot=Shot(verb=verb, target=path, headers=fields))

    def _huge(self, rng: random.Random) -> Try:
        name, size = rng.choice((b"X-A", b"Cookie", b"Authorization", b"X-Forwarded-For", b"MCP-Protocol-Version")), 0
        size = rng.choice((9_000, 70_000, 300_000))
        value = rng.choice((b"Bearer ", b"")) + bytes([rng.choice(b"a,;1 ")]) * size + b"x"
        many = tuple((b"X-%d" % one, b"v" * 100) for one in range(rng.choice((0, 200, 2_000))))
        fields = self._fields(rng, (name, value), *many, (b"Authorization", b"Bearer sfm_x"))
        return Try(kind="huge", shot=Shot(target=b"/mcp", headers=fields, body=b"{}"), may=REFUSED | {431, SILENCE})

    def _smuggled(self, rng: random.Random) -> Try:
        """One request that wants to be two, or of another host."""
        inner = (
            b"GET /mcp/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + self._target.key[:-4].encode()
            + b"\r\n\r\n"
        )
        tricks: tuple[tuple[tuple[bytes, bytes], ...], ...] = (
            ((b"Transfer-Encoding", b"chunked"),),
            ((b"Transfer-Encoding", b"chunked, identity"),),
            ((b"Transfer-Encoding", b"\x0bchunked"),),
            ((b"Content-Length", b"4"),),
            ((b"Content-Length", b"+4"),),
            ((b"Content-Length", b"-1"),),
            ((b"Host", b"evil.example"),),
            ((b"X-A", b"b\r\n continued"),),
            ((b"X-A\x00", b"b"),),
            ((b"X A", b"b"),),
            ((b"Expect", b"200-nothing"),),
            ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")),
        )
        fields = self._fields(rng, *rng.choice(tricks), (b"Authorization", b"Bearer sfm_x"))
        shot = Shot(target=rng.choice((b"/mcp", b"/mcp/token")), headers=fields, body=inner, lies="long")
        return Try(kind="smuggled", shot=shot, may=REFUSED | {SILENCE, 426, 501})

    def _replayed(self, rng: random.Random) -> Try:
        """Somebody else's key of idempotency, with another wish; or none that could be one."""
        known = rng.choice((self._target.cart, self._target.cart[:-1] + "A", "cart_" + text(rng, 32), "", None, 7))
        key: Any = rng.choice(
            ("k-1", "k-1", text(rng, rng.choice((3, 255, 256, 5_000))), rng.choice(SCRAPS), None, [], {}, 1)
        )
        tool, more = rng.choice(
            (
                (
                    "add_to_cart",
                    {"sku": rng.choice(("NO-SUCH", "", "PAD-2' OR 1=1")), "quantity": rng.choice((1, -1, 10**6))},
                ),
                ("remove_from_cart", {"line_id": text(rng, 4)}),
                ("update_cart_item", {"line_id": text(rng, 4), "quantity": 999}),
                ("cancel_checkout", {"checkout_id": "chk_" + text(rng, 20)}),
            )
        )
        arguments = {"cart_id": known, **more, "idempotency_key": key}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        shot = Shot(headers=self._fields(rng), body=json.dumps(message).encode())
        return Try(kind="replayed", shot=shot, may=REFUSED | {200}, refused_inside=True)

    def _bomb(self, rng: random.Random) -> Try:
        deep = rng.choice((500, 20_000, 400_000))
        body = rng.choice(
            (
                b"[" * deep,
                b"[" * deep + b"]" * deep,
                b'{"a":' * deep + b"1" + b"}" * deep,
                b'{"jsonrpc":"2.0","id":' + b"9" * deep + b',"method":"nothing"}',
                b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":'
                + b"[" * deep
                + b"}}",
                b'{"jsonrpc":"2.0","id":1e999999,"method":"tools/call"}',
                b'{"jsonrpc":"2.0","id":1,"method":"' + b"\\u0000" * 2_000 + b'"}',
                b'{"scopes":[' + b'"merchant",' * deep + b'"x"]}',
                b"\x1f\x8b" + b"\x00" * 1_000,
                b'{"\xff":1}',
                b'"\\ud800"',
            )
        )
        path = rng.choice((b"/mcp", b"/mcp/token"))
        shot = Shot(target=path, headers=self._fields(rng, (b"Authorization", b"Bearer sfm_x")), body=body)
        guest = Shot(target=b"/mcp", headers=self._fields(rng), body=body)
        anonymous = rng.random() < 0.5
        may = REFUSED | {SILENCE} | ({200} if anonymous else frozenset())
        return Try(kind="bomb", shot=guest if anonymous else shot, may=may, refused_inside=True)

    def _method(self, rng: random.Random) -> Try:
        verb = rng.choice((b"PUT", b"PATCH", b"TRACE", b"PROPFIND", b"DELETE", b"SEARCH"))
        paths = (
            b"/mcp/token",
            b"/metrics",
            b"/operator",
            b"/operator/roadmap/flip",
            b"/pay/nobody",
            b"/webhooks/stripe",
        )
        fields = self._fields(
            rng, (b"Authorization", credential(rng, self._target.key)[:3_000]), (b"X-HTTP-Method-Override", b"POST")
        )
        return Try(kind="method", shot=Shot(verb=verb, target=rng.choice(paths), headers=fields), may=REFUSED | {501})

    def _console(self, rng: random.Random) -> Try:
        """A made-up seat, a form from elsewhere, a key that is none."""
        verb, path = rng.choice(
            ((b"GET", b"/operator/roadmap"), (b"POST", b"/operator/roadmap/flip"), (b"POST", b"/operator/sign-in"))
        )
        cookie = f"operator={text(rng, 43)}; operator-door={text(rng, 8)}".encode()
        fields = (
            (b"Host", self._target.host.encode()),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
            (b"X-Forwarded-For", address(rng).encode()),
            (b"Cookie", cookie),
            (
                b"Origin",
                rng.choice((b"http://evil.example", b"null", b"http://[", f"http://{self._target.host}".encode())),
            ),
        )
        form = f"csrf={text(rng, 64)}&key={stolen(rng)}&p1_browse=retired&seen=1".encode()
        shot = Shot(verb=verb, target=path, headers=fields, body=form if verb == b"POST" else b"")
        return Try(kind="console", shot=shot, may=REFUSED | {303})


def let_in(attempt: Try, reply: Reply) -> str | None:
    """What is wrong with an answer; None when nobody came in and nothing broke."""
    if reply.status not in attempt.may:
        return f"answered {reply.status}"
    if "operator=" in reply.headers.get("set-cookie", ""):
        return "a seat was given"
    if reply.status == 303 and not reply.headers.get("location", "").endswith("/sign-in"):
        return f"led to {reply.headers.get('location')}"
    if b"Traceback" in reply.body or b"sfm_" in reply.body.replace(b"sfm_</code>", b"").replace(b"sfm_\xe2", b""):
        return "told too much"
    if reply.status == 200 and attempt.refused_inside:
        told = json.loads(reply.body)
        if "error" not in told and not told["result"].get("isError", False):
            return "a wish was granted"
    return None


def stolen(rng: random.Random, id_: str | None = None) -> str:
    """A key with everything but a record: the right form and the right checksum."""
    body = f"{KEY_PREFIX}{id_ or text(rng, 11)}_{text(rng, 43)}"
    return body + _checksum(body)


def credential(rng: random.Random, key: str) -> bytes:
    """An Authorization value that must not hold."""
    made = rng.choice(
        (
            lambda: "Bearer " + stolen(rng),
            lambda: "Bearer " + stolen(rng, key.split("_")[1]),
            lambda: "Bearer " + key[:-1] + ("A" if key[-1] != "A" else "B"),
            lambda: "Bearer " + key[:-CHECKSUM_LENGTH],
            lambda: "Basic " + base64.b64encode(key.encode()).decode(),
            lambda: "Bearer " + key + rng.choice([scrap for scrap in SCRAPS if scrap.strip()]),
            lambda: "Bearer Bearer " + key,
            lambda: "Bearer " + jwt(rng),
            lambda: "Bearer " + "a" * rng.choice((8_192, 8_193, 60_000)),
            lambda: rng.choice(SCRAPS) + key,
        )
    )()
    return made.encode("latin-1", "replace").replace(b"\x00", b"%00").rstrip(b" \t") if made.strip() else b"Bearer"


def jwt(rng: random.Random) -> str:
    head = {
        "alg": rng.choice(("none", "HS256", "RS256", "ES256", 1, None)),
        "kid": rng.choice(("one", "../../x", 1)),
        "jwk": {},
    }
    parts = (head, {"sub": "1", "scope": "manage:workspace", "exp": 10**10, "aud": "x"}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(BASE62_ALPHABET, k=length))


def address(rng: random.Random) -> str:
    """One of a crowd that is larger than any table of ours."""
    return f"{rng.choice((11, 12, 2, 5))}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}"


def claim(rng: random.Random) -> bytes:
    one = rng.choice(
        (
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "1.2.3.4:99999",
            "[::ffff:127.0.0.1]",
            "unknown",
            "for=_x",
            "999.1.1.1",
            '"',
            "",
            "a" * 500,
        )
    )
    return rng.choice((one, f"{one}, {one}", f"for={one};by=1", "," * 200, ", ".join([one] * 60))).encode()
