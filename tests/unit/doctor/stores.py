"""Stores to be examined: a demo behind a proxy that can be made to misbehave, and shops of every condition."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app.diagnostics import doctor_subject
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.doctor import ALL_CHECKS, DoctorReport, ExaminationSubject, Finding, examine
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import StoreSettings, UpstreamSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.storage import DatabaseLocation

OFF = LimitSettings(**dict.fromkeys(set(LimitSettings.__struct_fields__) - {"coupons"}, "off"))
"""No limits but the one that protects the shop."""


class Said(Struct):
    """An answer on its way out, to be changed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @json.setter
    def json(self, value: Any) -> None:
        self.body = json.dumps(value).encode()


class Asked(Struct):
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]


Spoil = Callable[[Asked, Said], None]


class Proxy:
    """Stands before an app and changes its answers as `spoil` says; `refuse` answers in the app's place."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.heal()

    def heal(self) -> None:
        self.spoil: Spoil | None = None
        self.rewrite: Callable[[Asked, list[Any]], None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or (self.spoil is None and self.rewrite is None):
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], headers)
        if self.rewrite is not None:
            fields = list(scope["headers"])
            self.rewrite(asked, fields)
            scope = {**scope, "headers": fields}
        if asked.path == "/mcp/sse" or self.spoil is None:
            await self._app(scope, receive, send)
            return
        said = Said(0, {}, b"")

        async def keep(message: Any) -> None:
            if message["type"] == "http.response.start":
                said.status = message["status"]
                said.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            else:
                said.body += message.get("body", b"")

        await self._app(scope, receive, keep)
        self.spoil(asked, said)
        said.headers.pop("content-length", None)
        if asked.method != "HEAD" and said.status not in {204, 304}:
            said.headers["content-length"] = str(len(said.body))
        fields = [(name.encode(), value.encode("latin-1")) for name, value in said.headers.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else said.body})


def at(path: str, change: Callable[[Said], None]) -> Spoil:
    """Change the answers of one path."""

    def spoil(asked: Asked, said: Said) -> None:
        if asked.path == path:
            change(said)

    return spoil


def settings(tmp_path: Path, url: str | None, **changes: Any) -> Settings:
    """The settings of a store on this machine whose shop is at `url`; `changes` are the store's."""
    upstream = UpstreamSettings(kind="maho", url=url)
    facts = {
        "id": StoreId("pickle"),
        "origin": "http://127.0.0.1:1",
        "name": "Pickle Warehouse",
        "currency": "AUD",
        "locale": "en-AU",
        "upstream": upstream,
    }
    return Settings(
        stores=(StoreSettings(**{**facts, **changes}),), database=DatabaseLocation(tmp_path / "storefront.db")
    )


def upstream(chosen: Settings, **changes: Any) -> Settings:
    """The same with other facts about the shop."""
    (store,) = chosen.stores
    return replace(chosen, stores=(replace(store, upstream=replace(store.upstream, **changes)),))


def of(chosen: Settings, *, cart: bool = False, url: str | None = None) -> ExaminationSubject:
    """The only store of some settings."""
    return doctor_subject(chosen, chosen.stores[0], config="storefront.toml", url=url, cart=cart)


async def only(subject_: ExaminationSubject, *areas: str, **more: Any) -> DoctorReport:
    """Examine some areas, or single checks and what they build on."""
    checks = [one for one in ALL_CHECKS if one.area in areas or one.id in areas]
    return await examine(subject_, checks=checks, **more)


def findings(report: DoctorReport, id_: str) -> list[Finding]:
    """What one check has found."""
    return [finding for one, finding in report.findings if one.id == id_]


def bad(report: DoctorReport, level: str = "fault") -> dict[str, list[str | None]]:
    """Check to the fixes of its findings of one level."""
    found: dict[str, list[str | None]] = {}
    for one, finding in report.findings:
        if finding.level == level:
            found.setdefault(one.id, []).append(finding.fix)
    return found
