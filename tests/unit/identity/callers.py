"""Four stores over real HTTP, and everybody who may come to their doors: each credential, good and bad."""

import datetime as dt
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.scopes import ALL_SCOPES, SCOPE_SETS
from storefront_mcp.app import create_app, phases
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.roadmap.manifest import PromisedTool
from storefront_mcp.roadmap.roadmap import Phase
from storefront_mcp.settings import Settings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.tools.tool import Tool, tool
from tests.unit.identity.issuer import OTHER, Issuer, forged

PICKLE, JAR, CRATE, SHED = (StoreId(name) for name in ("pickle", "jar", "crate", "shed"))
SETTINGS = """
[metrics]
on = true

[[store]]
id = "pickle"
origin = "http://pickle.localhost"
name = "Signed tokens"
currency = "AUD"
issuer = "{signed}"
pages = ["shipping"]
upstream = {{ kind = "demo" }}
payments = {{ provider = "sandbox" }}
limits = {{ {off} }}

[[store]]
id = "jar"
origin = "http://jar.localhost"
name = "Introspected tokens"
currency = "AUD"
issuer = "{asked}"
upstream = {{ kind = "demo" }}
payments = {{ provider = "sandbox" }}
oauth = {{ introspection_endpoint = "{asked}/introspect", client_id = "us" }}
limits = {{ {off} }}

[[store]]
id = "crate"
origin = "http://crate.localhost"
name = "Only the first phase is open"
currency = "AUD"
upstream = {{ kind = "demo" }}
limits = {{ {off} }}

[[store]]
id = "shed"
origin = "http://shed.localhost"
name = "Nothing is open"
currency = "AUD"
upstream = {{ kind = "demo" }}
limits = {{ {off} }}
"""
RULES = LimitSettings.__struct_fields__

Standing = Literal["guest", "let in", "refused", "malformed"]


class Sent(Struct, frozen=True, kw_only=True):
    """One way to ask: what is sent, and what it must count for."""

    standing: Standing
    holds: frozenset[str] = frozenset()
    fields: tuple[tuple[str, str], ...] = ()
    query: str = ""
    word: Mapping[str, Any] = {}
    """What the issuer says when it is asked."""


def bearing(token: str, *holds: str, standing: Standing = "refused", word: Mapping[str, Any] | None = None) -> Sent:
    fields = (("authorization", f"Bearer {token}"),)
    return Sent(standing=standing, holds=frozenset(holds), fields=fields, word=word or {})


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


class Value(Struct, frozen=True):
    """An answer."""

    told: str


OPERATORS_TOOL = "list_parcels"


def stand_in(name: str) -> Tool:
    """A tool for a promise that nobody keeps yet."""

    async def run(args: Nothing, shop: Shop) -> Value:
        """Stand for what comes later."""
        return Value(name)

    run.__name__ = name
    return tool()(run)


def completed() -> tuple[Phase, ...]:
    """Every phase, and in the place of that for customers one with a tool for operators, of which there is none yet."""
    tool = PromisedTool(
        name=OPERATORS_TOOL, summary="For operators", auth="required", scope="read:orders", backed_by="-"
    )
    return tuple(
        replace(
            phase,
            manifest=replace(phase.manifest, needs_sign_in=False, tools=(tool,)),
            tools={tool.name: stand_in(tool.name)},
        )
        if phase.manifest.needs_sign_in
        else phase
        for phase in phases.all_phases()
    )


class Server:
    """Four stores over real HTTP, and every kind of credential for them."""

    def __init__(self, folder: Path, signed: Issuer, asked_: Issuer) -> None:
        path = folder / "storefront.toml"
        off = ", ".join(f'{rule} = "off"' for rule in RULES)
        path.write_text(SETTINGS.format(signed=signed.url, asked=asked_.url, off=off), encoding="utf-8")
        env = {"STOREFRONT_STORE__JAR__OAUTH__CLIENT_SECRET": "of the tests"}
        self.settings = Settings.load(path, env)
        self.signed, self.asked = signed, asked_
        self.database = Database(self.settings.database)
        self._open()
        self.app = create_app(self.settings)
        self._randomness = count(1)
        keys = SqlApiKeyRepository(self.database)
        self.rows = {PICKLE: self._keyed(keys, PICKLE, JAR) | self._signed(), JAR: self._introspected()}
        self.rows[CRATE] = self._keyed(keys, CRATE, JAR) | {"a token without an issuer": bearing(self._token(CRATE))}

    def another(self, store: StoreId, *scopes: str) -> tuple[Sent, Callable[[], object]]:
        """One more key, and how to revoke it."""
        keys = SqlApiKeyRepository(self.database)
        token = self._key(keys, store, *scopes)
        return bearing(token, *scopes, standing="let in"), lambda: keys.revoke(store, token.split("_")[1], by="tests")

    def _open(self) -> None:
        flags = SqlFlipRepository(self.database)
        every = {phase.name: "active" for phase in phases.all_phases()}
        for store in self.settings.stores:
            chosen: dict[str, Any] = {PICKLE: every, JAR: every, CRATE: {"p1_browse": "active"}}.get(store.id, {})
            if chosen:
                flags.flip(phases.planned_roadmap(store), store.id, chosen, by="tests")
        flags.close()

    def _key(self, keys: SqlApiKeyRepository, store: StoreId, *scopes: str, secret: bytes = b"\1", **when: Any) -> str:
        turn = next(self._randomness)

        def random(size: int) -> bytes:
            return turn.to_bytes(8, "big") if size == 8 else secret * size

        now = when.get("now", dt.datetime.now(dt.UTC))
        new = mint_key(store=store, label="table", scopes=frozenset(scopes), by="tests", now=now, random=random)
        keys.add(new.key, new.digest)
        return new.secret.reveal()

    def _keyed(self, keys: SqlApiKeyRepository, store: StoreId, other: StoreId) -> dict[str, Sent]:
        """Guests, every set and every scope as a key, and each way in which a key can be void."""
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=366)
        rotated = self._key(keys, store, *ALL_SCOPES)
        keys.rotate(store, by="tests")
        revoked = self._key(keys, store, *ALL_SCOPES)
        keys.revoke(store, revoked.split("_")[1])
        good = self._key(keys, store, *ALL_SCOPES)
        unknown = mint_key(
            store=store, label="x", scopes=frozenset(ALL_SCOPES), by="nobody", now=dt.datetime.now(dt.UTC)
        ).secret.reveal()
        turn = (next(self._randomness) - 1).to_bytes(8, "big")
        stolen_id = mint_key(
            store=store,
            label="x",
            scopes=frozenset(ALL_SCOPES),
            by="nobody",
            now=dt.datetime.now(dt.UTC),
            random=lambda size: turn if size == 8 else b"\2" * size,
        ).secret.reveal()
        assert stolen_id.split("_")[1] == good.split("_")[1]
        sets = {
            f"the set {name}": bearing(self._key(keys, store, *scopes), *scopes, standing="let in")
            for name, scopes in SCOPE_SETS.items()
        }
        single = {
            f"only {scope}": bearing(self._key(keys, store, scope), scope, standing="let in") for scope in ALL_SCOPES
        }
        return {
            "nothing": Sent(standing="guest"),
            "no scope": bearing(self._key(keys, store), standing="let in"),
            "every scope": bearing(good, *ALL_SCOPES, standing="let in"),
            **sets,
            **single,
            "an unknown key": bearing(unknown),
            "a known id with another secret": bearing(stolen_id),
            "a key cut off": bearing(good[:-1]),
            "a revoked key": bearing(revoked),
            "a rotated key": bearing(rotated),
            "an expired key": bearing(self._key(keys, store, *ALL_SCOPES, now=long_ago)),
            "another store's key": bearing(self._key(keys, other, *ALL_SCOPES)),
            "another scheme": Sent(standing="refused", fields=(("authorization", f"Basic {good}"),)),
            "no token": Sent(standing="refused", fields=(("authorization", "Bearer"),)),
            "an empty field": Sent(standing="refused", fields=(("authorization", ""),)),
            "two keys": Sent(standing="refused", fields=(("authorization", f"Bearer {good}"),) * 2),
            "a key in the address": Sent(standing="malformed", query=f"?access_token={good}"),
        }

    def _token(self, store: StoreId, **changes: Any) -> str:
        return self.signed.token(**{"aud": f"http://{store}.localhost/mcp", **changes})

    def _signed(self) -> dict[str, Sent]:
        there = f"http://{PICKLE}.localhost/mcp"
        claims = self.signed.claims(aud=there)
        return {
            "a token": bearing(self._token(PICKLE), "read:orders", standing="let in"),
            "a token without scopes": bearing(self._token(PICKLE, scope=None), standing="let in"),
            "a token for figures": bearing(
                self._token(PICKLE, scope="read:analytics openid"), "read:analytics", standing="let in"
            ),
            "an expired token": bearing(self._token(PICKLE, exp=1)),
            "a token without an end": bearing(self._token(PICKLE, exp=None)),
            "a token for another audience": bearing(self._token(PICKLE, aud="https://other.example/mcp")),
            "another store's token": bearing(self._token(JAR)),
            "a token of another issuer": bearing(self._token(PICKLE, iss="https://other.example")),
            "a token signed by another": bearing(self._token(PICKLE, key=OTHER)),
            "a token signed by nobody": bearing(forged({"alg": "none", "typ": "at+jwt"}, claims)),
            "no token of any kind": bearing("opaque"),
        }

    def _introspected(self) -> dict[str, Sent]:
        def word(**changes: Any) -> dict[str, Any]:
            return {"active": True} | self.asked.claims(aud=f"http://{JAR}.localhost/mcp", **changes)

        elsewhere = word() | {"aud": "http://pickle.localhost/mcp"}
        return {
            "nothing": Sent(standing="guest"),
            "a token": bearing("good", "read:orders", standing="let in", word=word()),
            "a token that may manage keys": bearing(
                "keys", "manage:api_keys", standing="let in", word=word(scope="manage:api_keys")
            ),
            "a revoked token": bearing("revoked", word={"active": False}),
            "an expired token": bearing("expired", word=word(exp=1)),
            "a token for another audience": bearing("elsewhere", word=elsewhere),
            "a signed token": bearing(self._token(JAR), word={"active": False}),
        }
