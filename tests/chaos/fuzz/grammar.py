"""Requests that are nearly right: good ones of every version, changed at every level, from one seed."""

import base64
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from tests.chaos.fuzz import values
from tests.chaos.fuzz.wire import Shot
from tests.fakes.agent import HANDSHAKE, META, MODERN, VERSIONS

NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
PATHS = (
    "/mcp/ /mcp? /mcp?sessionId=1 //mcp /MCP /mcp/. /mcp/../mcp /%6dcp /mcp%00 /mcp%2F /mcp/sse /mcp/sse/ /mcp/sse? "
    "/mcp/sse/message /mcp/sse/message?sessionId= /mcp/sse/message?sessionId=nope /mcp/sse/message?session_id=%ff "
    "/mcp/sse/message?sessionId=a&sessionId=b /mcp/info /mcp/tools /mcp/resources /mcp/docs /mcp/config "
    "/mcp/config?client=nope /mcp/server-card /.well-known/mcp/server-card.json /.well-known/oauth-protected-resource "
    "/.well-known/oauth-protected-resource/mcp /.well-known/openid-configuration /nothing /%ff%fe /robots.txt "
    "/..%2f..%2fetc/passwd /healthz * http://evil.example/mcp /.well-known/oauth-authorization-server "
    "/oauth/authorize /oauth/authorize? /oauth/authorize?client_id=%ff&redirect_uri=http://127.0.0.1/cb /oauth/ "
    "/oauth/authorize?client_id=https://evil.example/c.json&redirect_uri=javascript:alert(1)&response_type=code "
    "/oauth/authorize?client_id=a&client_id=b&state=%00 /oauth/callback /oauth/callback?state=%ed%a0%80&code=%00 "
    "/account/agents /account/agents?ended=%ff"
).split()
VERBS = (b"GET", b"DELETE", b"PUT", b"PATCH", b"HEAD", b"OPTIONS", b"TRACE", b"PROPFIND")
MEDIA_TYPES = (
    b"text/plain",
    b"application/jsonp",
    b"",
    b"application/json; charset=utf-16",
    b"APPLICATION/JSON",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"application/json, text/plain",
    b"\xff",
)
ORIGINS = (
    b"http://evil.example",
    b"null",
    b"",
    b"http://[",
    b"http://localhost.evil.example",
    b"http://localhost:1",
    b"file://",
    b"\xff\xfe",
    b"https://127.0.0.1:80@evil.example",
)
HOSTS = (b"evil.example", b"", b"127.0.0.1", b"localhost:99999", b"LOCALHOST", b"[::1", b"a" * 300, b"\xff")
DATES = (*VERSIONS, "2024-10-07", "2025-06-19", "2099-01-01", "banana", "", "2026-07-28 ", "\uff12026-07-28")


class World(Struct, frozen=True):
    """What the shop really has, learned before the first shot."""

    host: str
    tools: Sequence[str]
    uris: Sequence[str]
    prompts: Sequence[str]
    skus: Sequence[str] = ("SKU",)
    carts: Sequence[str] = ("cart",)
    lines: Sequence[str] = ("1",)
    categories: Sequence[str] = ("category",)
    cursors: Sequence[str] = ("cursor",)


class Draft:
    """A request in the making."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self.rng, self.world = rng, world
        self.version = rng.choice(VERSIONS)
        self.modern = self.version in MODERN
        self.verb, self.target = b"POST", b"/mcp"
        self.message: Any = values.request(rng, world, modern=self.modern)
        self.message["id"] = rng.choice((1, 7, "a", "request-1", 2**40, rng.randrange(10**6)))
        if self.modern:
            about = {META + "protocolVersion": self.version, META + "clientCapabilities": values.capabilities(rng)}
            if rng.random() < 0.2:
                about[META + "clientInfo"] = {"name": "x", "version": "1"}
            self.message["params"]["_meta"] = about
        if rng.random() < 0.2:
            self.message["params"].setdefault("_meta", {})["progressToken"] = rng.choice((1, "t", 2**40))
        self.headers: list[tuple[bytes, bytes]] = [
            (b"Host", world.host.encode()),
            (b"Content-Type", b"application/json"),
            (b"Accept", rng.choice((b"application/json, text/event-stream", b"application/json", b"*/*"))),
            *self._routing(),
        ]
        self.edits: list[Callable[[bytes], bytes]] = []
        self.lies, self.chunked = "", False
        self.cuts: tuple[float, ...] = ()

    def _routing(self) -> list[tuple[bytes, bytes]]:
        method, params = self.message["method"], self.message["params"]
        named = [(b"MCP-Protocol-Version", self.version.encode())]
        if not self.modern:
            return named if self.version >= "2025-03-26" and self.rng.random() < 0.8 else []
        named.append((b"Mcp-Method", method.encode()))
        subject = params.get(NAMED.get(method, ""))
        if isinstance(subject, str):
            plain = subject.isascii() and subject.isprintable() and subject == subject.strip()
            coated = b"=?base64?" + base64.b64encode(subject.encode()) + b"?="
            named.append((b"Mcp-Name", subject.encode() if plain and self.rng.random() < 0.8 else coated))
        return named

    def node(self) -> Any:
        """Some object or array inside the message."""
        found = self.message
        while self.rng.random() < 0.75:
            inner = [value for value in values.members(found) if isinstance(value, dict | list)]
            if not inner:
                break
            found = self.rng.choice(inner)
        return found

    def shot(self, mutations: Sequence[str]) -> Shot:
        """The finished request."""
        body = json.dumps(self.message, ensure_ascii=self.rng.random() < 0.5).encode("utf-8", "surrogatepass")
        for edit in (values.unwrapped, *self.edits):
            body = edit(body)
        return Shot(
            verb=self.verb,
            target=self.target,
            headers=tuple(self.headers),
            body=b"" if self.verb in {b"GET", b"HEAD"} else body,
            lies=self.lies if body else "",
            chunked=self.chunked and not self.lies,
            cuts=self.cuts,
            mutations=tuple(mutations),
        )


def wrong_id(draft: Draft) -> None:
    """An id of any JSON kind, or none."""
    draft.message["id"] = draft.rng.choice(values.IDS)
    if draft.rng.random() < 0.15:
        del draft.message["id"]


def wrong_envelope(draft: Draft) -> None:
    """Another JSON-RPC."""
    member = draft.rng.choice(("jsonrpc", "method", "params", "result", "error"))
    if draft.rng.random() < 0.3:
        draft.message.pop(member, None)
    else:
        draft.message[member] = values.anything(draft.rng)


def other_method(draft: Draft) -> None:
    """A method that is unknown, removed, or of the other era."""
    draft.message["method"] = draft.rng.choice(values.METHODS)


def wrong_member(draft: Draft) -> None:
    """A member somewhere inside that is missing, strange or too much."""
    node = draft.node()
    if isinstance(node, list):
        node.append(values.anything(draft.rng))
        return
    member = draft.rng.choice([*node, "extra", "", "\x00", "__proto__"])
    if draft.rng.random() < 0.3:
        node.pop(member, None)
    else:
        node[member] = values.anything(draft.rng)


def strange_arguments(draft: Draft) -> None:
    """Arguments of a near miss, or of another shape altogether."""
    if isinstance(params := draft.message.get("params"), dict):
        key = draft.rng.choice(("arguments", "argument", "ref", "cursor", "uri", "name", "notifications"))
        params[key] = values.anything(draft.rng)


def round_trip(draft: Draft) -> None:
    """The second round of something that never had a first one."""
    if isinstance(params := draft.message.get("params"), dict):
        params["requestState"] = draft.rng.choice(("v1.opaque", "", "a.b.c", "Imx.ZZ.x", 7, None, "x" * 5000))
        params["inputResponses"] = draft.rng.choice(
            (
                *({}, [], {"pay": {"action": "accept"}}, {"a": 1}, "x", None),
                {
                    key: {"action": "accept", "content": {"name": "x", "ok": True}}
                    for key in ("user_name", "step1", "confirm")
                },
            )
        )


def strange_claim(draft: Draft) -> None:
    """A claim that is partly missing, of another version, or on the wrong message."""
    params = draft.message.get("params")
    if not isinstance(params, dict):
        return
    about = dict(meta) if isinstance(meta := params.get("_meta"), dict) else {}
    key = META + draft.rng.choice(("protocolVersion", "clientCapabilities", "logLevel", "clientInfo"))
    about[key] = draft.rng.choice((*DATES, {}, {"elicitation": {}}, "info", "loud", None, 7, []))
    if draft.rng.random() < 0.3:
        about.pop(key)
    params["_meta"] = about


def batch(draft: Draft) -> None:
    """An array, of one, many, too many or nested."""
    one = draft.message
    more = values.request(draft.rng, draft.world, modern=False) | {"id": "second"}
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    shapes: tuple[Any, ...] = ([one], [one, more], [note, one], [], [one] * 21, [[one]], [one, 7, None], [note, note])
    draft.message = {"@": draft.rng.choice(shapes)}
    draft.edits.insert(0, lambda body: body[body.index(b":") + 1 : -1])
    if draft.rng.random() < 0.7:
        draft.headers = [(name, value) for name, value in draft.headers if not name.lower().startswith(b"mcp-")]


def garbled(draft: Draft) -> None:
    """Bytes that are hurt on the way."""
    rng = draft.rng

    def hurt(body: bytes) -> bytes:
        place = rng.randrange(len(body) + 1)
        return rng.choice(
            (
                body[:place],
                body[:place]
                + rng.choice((b"\xff", b"\x00", b"\xed\xa0\x80", b"\\ud800", b'"', b"{", b"]"))
                + body[place:],
                b"\xef\xbb\xbf" + body,
                b" \r\n\t" + body,
                body + b" x",
                body.decode("utf-8", "replace").encode("utf-16"),
                body[:1] + b'"id":99,"jsonrpc":"1.0",' + body[1:],
                body[:-1] + b',"method":"ping","id":"last"}',
                b"",
            )
        )

    draft.edits.append(hurt)


def heavy(draft: Draft) -> None:
    """Large, up to beyond what is taken."""
    size = draft.rng.choice((10_000, 100_000)) if draft.rng.random() < 0.9 else 1_100_000
    draft.edits.append(lambda body: b" " * size + body)


def headers_changed(draft: Draft) -> None:
    """A header left out, doubled, renamed, dressed up, cut or overgrown."""
    rng = draft.rng
    place = rng.randrange(len(draft.headers))
    name, value = draft.headers[place]
    again = rng.choice(draft.headers)[1]
    options: tuple[list[tuple[bytes, bytes]], ...] = (
        [],
        [(name, value), (name, value)],
        [(name, value), (name.lower(), again)],
        [(name.swapcase(), value)],
        [(name, value.swapcase())],
        [(name, b"  \t" + value + b"  ")],
        [(name, b"=?base64?" + base64.b64encode(value) + b"?=")],
        [(name, b"=?base64?" + base64.b64encode(value)[:-1] + b"?=")],
        [(name, b"=?base64?//8=?=")],
        [(name, b"=?BASE64?" + base64.b64encode(value) + b"?=")],
        [(name, value + b"\xff")],
        [(name, b"x" * 8000)],
        [(name, b"")],
    )
    draft.headers[place : place + 1] = rng.choice(options)


def another_version(draft: Draft) -> None:
    """A version header that says something else."""
    said = draft.rng.choice(DATES).encode()
    draft.headers = [
        *(one for one in draft.headers if one[0] != b"MCP-Protocol-Version"),
        (b"mcp-protocol-version", said),
    ]


def more_headers(draft: Draft) -> None:
    """Headers that mean nothing here, or something dangerous elsewhere."""
    draft.headers.append(
        draft.rng.choice(
            (
                (b"Mcp-Session-Id", b"no-session"),
                (b"Last-Event-ID", b"7"),
                (b"Authorization", b"Bearer nonsense"),
                (b"Cookie", b"a=b"),
                (b"Content-Encoding", b"gzip"),
                (b"Expect", b"100-continue"),
                (b"Mcp-Param-Region", b"AU"),
                (b"X-Forwarded-Host", b"evil.example"),
                (b"Mcp-Name", b"=?base64?8J+ltw==?="),
                (b"Connection", b"close"),
                (b"X-Huge", b"x" * 20_000),
            )
        )
    )


def foreign(draft: Draft) -> None:
    """A page or a host that is not ours."""
    rng = draft.rng
    if rng.random() < 0.5:
        draft.headers.append((b"Origin", rng.choice(ORIGINS)))
    elif rng.random() < 0.8:
        draft.headers[0] = (b"Host", rng.choice(HOSTS))
    else:
        draft.headers.append((b"Host", rng.choice(HOSTS)))


def other_media(draft: Draft) -> None:
    """Content that says it is something else."""
    said = draft.rng.choice(MEDIA_TYPES)
    draft.headers = [(name, said if name == b"Content-Type" else value) for name, value in draft.headers]


def other_way(draft: Draft) -> None:
    """Another verb, another path, or both."""
    if draft.rng.random() < 0.6:
        draft.target = draft.rng.choice(PATHS).encode()
    if draft.rng.random() < 0.6:
        draft.verb = draft.rng.choice(VERBS)


def form_instead(draft: Draft) -> None:
    """A form of the sign-in in the place of a message, with any of its fields."""
    body = values.form(draft.rng)
    draft.target = draft.rng.choice(values.FORMS).encode()
    draft.edits.append(lambda _: body)
    draft.headers = [
        (name, b"application/x-www-form-urlencoded" if name == b"Content-Type" else value)
        for name, value in draft.headers
    ]


def other_length(draft: Draft) -> None:
    """A body in chunks, or another length than it says."""
    if draft.rng.random() < 0.7:
        draft.chunked = True
    else:
        draft.lies = draft.rng.choice(("short", "long"))


def in_pieces(draft: Draft) -> None:
    """The same bytes, a few at a time."""
    draft.cuts = tuple(sorted(draft.rng.random() for _ in range(draft.rng.randrange(1, 4))))


ON_MESSAGES = (wrong_id, wrong_envelope, other_method, wrong_member, wrong_member, strange_arguments, strange_arguments)
ON_CLAIMS = (round_trip, strange_claim)
AROUND = (
    garbled,
    headers_changed,
    headers_changed,
    another_version,
    more_headers,
    foreign,
    other_media,
    other_way,
    form_instead,
    other_length,
    in_pieces,
    heavy,
    batch,
)


def shot(seed: int, number: int, world: World) -> Shot:
    """The request of that number: the same for the same seed and world."""
    rng = random.Random(f"{seed}:{number}")
    draft = Draft(rng, world)
    many = rng.choices((0, 1, 2, 3), (20, 45, 25, 10))[0]
    chosen = [rng.choice(rng.choices((ON_MESSAGES, ON_CLAIMS, AROUND), (45, 15, 40))[0]) for _ in range(many)]
    # What turns the message into an array comes last, as the others look into the message.
    chosen.sort(key=lambda one: one is batch)
    for mutate in dict.fromkeys(chosen):
        mutate(draft)
    return draft.shot([mutate.__name__ for mutate in chosen])


__all__ = ["HANDSHAKE", "Draft", "World", "shot"]
