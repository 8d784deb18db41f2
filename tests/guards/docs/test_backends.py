"""docs/backends.md lists everything that is asked of a backend and of a probe, as the ports say it."""

import inspect

import pytest

from storefront_mcp.app.missed_searches import MissedSearchRecorder
from storefront_mcp.backends.probe import ShopProbe
from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.backend import CatalogueReader, ShopBackend
from storefront_mcp.commerce.customers import CustomerLogin, SessionRenewal, TokenCustomers
from storefront_mcp.commerce.listing import CatalogueLister
from tests.guards.docs.markdown import ROOT, is_generated, table

PAGE = ROOT / "docs" / "backends.md"
PORTS: dict[str, type] = {
    "port": ShopBackend,
    "probe": ShopProbe,
    "lister": CatalogueLister,
    "login": CustomerLogin,
    "sessions": SessionRenewal,
    "tokens": TokenCustomers,
    "account": CustomerAccount,
}


def members(port: type) -> dict[str, object]:
    """What a port asks for, in its order."""
    asked = {name: member for one in reversed(port.__mro__) for name, member in vars(one).items() if one is not object}
    return {name: member for name, member in asked.items() if not name.startswith("_") and inspect.getdoc(member)}


def method_table(port: type) -> str:
    """Each member with its parameters, and the first paragraph of what it says."""
    rows = []
    for name, member in members(port).items():
        called = ""
        if inspect.isfunction(member):
            parameters = list(inspect.signature(member).parameters.values())[1:]
            keyword = {inspect.Parameter.KEYWORD_ONLY}
            called = ", ".join(f"{one.name}=…" if one.kind in keyword else one.name for one in parameters)
            called = f"({called})"
        meaning = " ".join((inspect.getdoc(member) or "").split("\n\n")[0].split())
        rows.append([f"`{name}{called}`", meaning])
    return table(["Member", "Answer"], rows)


@pytest.mark.parametrize("name", PORTS)
def test_the_tables_are_the_ports(name: str, update_goldens: bool) -> None:
    made = method_table(PORTS[name])

    assert is_generated(PAGE, name, made, update=update_goldens) == made, "run make goldens"


def test_every_member_of_a_port_is_explained() -> None:
    for port in PORTS.values():
        bodies = [one for one in port.__mro__ if one.__module__.startswith("storefront_mcp")]
        named = {name for one in bodies for name in [*vars(one), *one.__annotations__] if not name.startswith("_")}
        assert named - {"responses"} == set(members(port))
    assert {"circuit_open", "cache_stats", "capturing_methods"} <= set(members(ShopBackend))


async def test_who_records_missed_searches_hands_everything_else_on() -> None:
    told: list[tuple[str, tuple[object, ...], dict[str, object]]] = []

    class Noting:
        def __getattr__(self, name: str) -> object:
            async def noted(*given: object, **named: object) -> object:
                told.append((name, given, named))
                return name

            return noted

    recorder = MissedSearchRecorder(Noting(), lambda _: None)  # type: ignore[arg-type]
    for name, member in members(CatalogueReader).items():
        if name != "search":
            parameters = list(inspect.signature(member).parameters.values())[1:]  # type: ignore[arg-type]
            given = {one.name: object() for one in parameters}
            keywords = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
            told.clear()
            assert await getattr(recorder, name)(**given) == name
            (called,) = told
            assert called == (
                name,
                tuple(given[one] for one in given if one not in keywords),
                {one: given[one] for one in keywords},
            )
