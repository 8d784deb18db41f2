"""What a shop's software cannot do is promised by no phase of its store, and asks nobody for a permission."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import open_buyer_scopes
from storefront_mcp.app import planned_roadmap
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import BackendKind, PaymentSettings, UpstreamSettings
from storefront_mcp.settings.sign_in import SignInSettings

ALL = dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active")


def roadmap(kind: BackendKind, state: Path) -> Roadmap:
    """Of a store over such a shop, with every phase open."""
    store = replace(
        demo_settings(8000, state=state).stores[0],
        upstream=UpstreamSettings(kind=kind, url="https://shop.example", consumer_key="ck_1"),
        payments=PaymentSettings(offline=("cheque",)),
        sign_in=SignInSettings(on=True),
    )
    return planned_roadmap(store).with_status(ALL)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "lacked", "scopes"),
    [
        ("maho", set(), "profile:read orders:read orders:write checkout"),
        ("medusa", {"apply_gift_card", "remove_gift_card", "cancel_order"}, "profile:read orders:read checkout"),
        ("woocommerce", {"apply_gift_card", "remove_gift_card", "cancel_order"}, "profile:read orders:read"),
    ],
)
def test_tools_and_scopes_are_those_of_the_shops_software(
    tmp_path: Path, kind: BackendKind, lacked: set[str], scopes: str
) -> None:
    whole, opened = roadmap("maho", tmp_path), roadmap(kind, tmp_path)

    assert {tool.name for tool in whole.open_tools()} - {tool.name for tool in opened.open_tools()} == lacked
    assert " ".join(open_buyer_scopes(opened)) == scopes
