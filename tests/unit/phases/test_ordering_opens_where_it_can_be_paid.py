"""The checkout phase opens only for a store in which somebody could pay."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.app import planned_roadmap
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings, StoreSettings

ALL = dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout"), "active")
BOTH = dict.fromkeys(("p1_browse", "p2_cart"), "active")


def store(state: Path, payments: PaymentSettings) -> StoreSettings:
    """The demo's store with other payments."""
    return replace(demo_settings(8000, state=state).stores[0], payments=payments)


def test_without_a_provider_a_flip_is_refused_with_what_to_set(tmp_path: Path) -> None:
    planned = planned_roadmap(store(tmp_path, PaymentSettings()))
    with pytest.raises(FlipRefused) as refused:
        planned.with_status(ALL)  # type: ignore[arg-type]

    (complaint,) = refused.value.complaints
    assert complaint.startswith("p3_checkout: ")
    assert "payments.provider" in complaint
    assert "payments.offline" in complaint
    assert planned.with_status(BOTH).open  # type: ignore[arg-type]


@pytest.mark.parametrize("payments", [PaymentSettings(provider="sandbox"), PaymentSettings(offline=("banktransfer",))])
def test_with_any_way_to_pay_it_opens(tmp_path: Path, payments: PaymentSettings) -> None:
    opened = planned_roadmap(store(tmp_path, payments)).with_status(ALL)  # type: ignore[arg-type]

    assert {tool.name for tool in opened.open_tools()} >= {"place_order", "get_order_status", "cancel_checkout"}


def test_the_demo_can_be_paid(tmp_path: Path) -> None:
    settings = demo_settings(8000, state=tmp_path).stores[0]

    assert not any(phase.missing for phase in planned_roadmap(settings).phases if phase.name in ALL)


def test_the_sandbox_opens_in_public_only_if_that_is_meant(tmp_path: Path) -> None:
    public = replace(store(tmp_path, PaymentSettings(provider="sandbox")), origin="https://pickle.example")
    with pytest.raises(FlipRefused) as refused:
        planned_roadmap(public).with_status(ALL)  # type: ignore[arg-type]
    meant = replace(public, payments=PaymentSettings(provider="sandbox", public_sandbox=True))

    (complaint,) = refused.value.complaints
    assert "no money would move" in complaint
    assert "payments.public_sandbox = true" in complaint
    assert planned_roadmap(meant).with_status(ALL).open  # type: ignore[arg-type]
