"""The discovery document of the Agentic Commerce Protocol: only what is open, and nothing where it is off."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.agent_protocols.acp import SERVICE_TOOLS
from storefront_mcp.cards import CARDS
from storefront_mcp.cards.site import site_documents
from storefront_mcp.cards.well_known.acp_json import ACP_JSON
from storefront_mcp.cards.well_known.api_catalog import API_CATALOG
from storefront_mcp.cards.well_known.protocols import PROTOCOLS
from storefront_mcp.checkout_sessions import CheckoutSessions
from tests.unit.acp.schemas import DISCOVERY, check
from tests.unit.cards.states import PICKLE, STATES, roadmap

OFF = replace(PICKLE, protocols=("ucp",))
ON = replace(PICKLE, protocols=("ucp", "acp"))


def surface(state: str) -> Any:
    document = PROTOCOLS.render(ON, roadmap(state))
    assert document is not None
    assert PROTOCOLS.validate is not None
    assert list(PROTOCOLS.validate(ON, roadmap(state), document)) == []
    return json.loads(document)["protocols"].get("acp")


@pytest.mark.parametrize("state", STATES)
def test_it_is_not_there_where_it_is_off(state: str) -> None:
    assert ACP_JSON.render(OFF, roadmap(state)) is None
    assert not ACP_JSON.served_by(OFF)


@pytest.mark.parametrize(
    ("state", "services"),
    [("planned", None), ("browse", None), ("cart", ["carts"]), ("checkout", ["checkout", "carts"])],
)
def test_it_names_the_services_that_are_open(state: str, services: list[str] | None) -> None:
    document = ACP_JSON.render(ON, roadmap(state))
    if services is None:
        assert document is None
        assert surface(state) is None
        return
    assert document is not None
    found = json.loads(document)
    check(found, DISCOVERY)
    assert ACP_JSON.validate is not None
    assert list(ACP_JSON.validate(ON, roadmap(state), document)) == []
    assert found["capabilities"]["services"] == services
    assert found["capabilities"]["supported_currencies"] == ["aud"]
    assert found["api_base_url"] == "https://pickle.example/acp"
    assert surface(state)["discovery"] == "https://pickle.example/.well-known/acp.json"


@pytest.mark.parametrize("state", STATES)
def test_pages_and_catalog_name_it_while_something_of_it_is_open(state: str) -> None:
    there, documents = ACP_JSON.render(ON, roadmap(state)) is not None, site_documents(CARDS)
    for name in ("llms-txt", "landing-markdown"):
        (page,) = [card for card in documents if card.name == name]
        text = page.render(ON, roadmap(state))
        assert text is not None
        assert (b"/.well-known/acp.json" in text) is there
    catalog = API_CATALOG.render(ON, roadmap(state))
    assert catalog is not None
    assert API_CATALOG.validate is not None
    assert list(API_CATALOG.validate(ON, roadmap(state), catalog)) == []
    assert ("https://pickle.example/acp" in [api["anchor"] for api in json.loads(catalog)["linkset"]]) is there
    assert b"acp" not in (API_CATALOG.render(OFF, roadmap(state)) or b"")


def test_the_checkout_is_made_of_what_sessions_are_made_of() -> None:
    assert SERVICE_TOOLS["checkout"] == CheckoutSessions.REQUIRED_TOOLS
