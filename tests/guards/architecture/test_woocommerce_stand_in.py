"""The replay of recorded answers finds what the WooCommerce stand-in answers otherwise, and nothing else."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tools import replay_woocommerce
from tools.replay_woocommerce import Json, answer

MONEY = {"currency_code": "USD", "currency_minor_unit": 2}
PADDLE: Json = {
    "id": 11,
    "name": "A paddle",
    "slug": "a-paddle",
    "parent": 0,
    "type": "simple",
    "sku": "PAD",
    "short_description": "",
    "description": "",
    "prices": {"price": "27900", "regular_price": "32900", "price_range": None, **MONEY},
    "average_rating": "0",
    "categories": [],
    "variations": [],
    "is_purchasable": True,
    "is_in_stock": True,
    "add_to_cart": {"minimum": 1, "maximum": 48, "multiple_of": 1},
}
STORE = "/wp-json/wc/store/v1"
READER = "key=wc_order_PLACEHOLDERKEY&billing_email=ada@example.com"


def exchange(case: str, method: str, path: str, body: Any = None) -> Json:
    request = {"method": method, "path": f"{STORE}{path}", "body": body}
    return {"case": case, "request": request, "status": 200, "headers": {}, "body": PADDLE}


def compare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["replay_woocommerce", str(folder)])
    return replay_woocommerce.main()


def test_what_differs_in_what_the_adapter_reads_is_told_by_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = {
        "product-simple": exchange("product-simple", "GET", "/products/11"),
        "cart-add": exchange("cart-add", "POST", "/cart/add-item", {"id": 11, "quantity": 2}),
        "cart-add-unknown-product": exchange("cart-add-unknown-product", "POST", "/cart/add-item", {"id": 9}),
        "cart-add-without-token": exchange("cart-add-without-token", "POST", "/cart/add-item", {"id": 11}),
        "order-read": exchange(
            "order-read", "GET", "/order/19?key=wc_order_PLACEHOLDERKEY&billing_email=ada@example.com"
        ),
    }
    recorded["order-read"]["body"] = {}
    shown = {"product-simple": recorded["product-simple"], "tee": {**recorded["product-simple"], "body": _tee()}}
    for case, one in recorded.items():
        said = asyncio.run(answer(shown, {**one, "body": {}}))
        assert said.status_code in {200, 201, 400, 401}, said.text
        one |= {"status": said.status_code, "body": said.json()}
        (tmp_path / f"{case}.json").write_text(json.dumps(one), encoding="utf-8")
    (tmp_path / "tee.json").write_text(json.dumps({**shown["tee"], "case": "tee"}), encoding="utf-8")
    assert compare(tmp_path, monkeypatch) == 1, "the tee was made up"
    said_all = capsys.readouterr().out
    assert "5 alike, 1 not" in said_all
    (tmp_path / "tee.json").unlink()


def _tee() -> Json:
    """Another product, which orders of the replay hold."""
    return {**PADDLE, "id": 16, "sku": "TEE-M", "slug": "tee-m", "name": "A tee"}


def test_another_price_status_or_message_is_a_difference() -> None:
    recorded = {"product-simple": exchange("product-simple", "GET", "/products/11")}
    said = asyncio.run(answer(recorded, recorded["product-simple"]))
    same = {**recorded["product-simple"], "body": said.json()}
    assert replay_woocommerce.differences(same, said) == []
    dearer = {**said.json(), "prices": {**said.json()["prices"], "price": "28000"}}
    assert replay_woocommerce.differences({**same, "body": dearer}, said) == [".prices.price: 27900, recorded 28000"]
    [told] = replay_woocommerce.differences({**same, "status": 404}, said)
    assert told.startswith("status 200, recorded 404")
    unread = {**said.json(), "unread": {"odd": 1}}
    assert replay_woocommerce.differences({**same, "body": unread}, said) == []
