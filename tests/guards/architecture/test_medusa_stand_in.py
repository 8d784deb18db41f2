"""The replay of recorded answers finds what the stand-in for Medusa answers otherwise, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import replay_medusa

REGION = {"id": "reg_01M7W7GK9687RKD2JRKV6VGN6E", "name": "Europe", "currency_code": "eur"}
CART = "cart_01M7WABHA9DH22EX2086NVQPZ7"
KEY = {"x-publishable-api-key": "pk_PLACEHOLDER"}


def write(folder: Path, case: str, method: str, path: str, body: Any, *, status: int = 200, sent: Any = None) -> None:
    request = {"method": method, "path": f"/store{path}", "headers": KEY, "body": sent}
    exchange = {"case": case, "request": request, "status": status, "body": body}
    (folder / f"{case}.json").write_text(json.dumps(exchange), encoding="utf-8")


def compare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["replay_medusa", str(folder)])
    return replay_medusa.main()


def test_what_the_adapter_reads_and_the_stand_in_answers_otherwise_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    countries = [{"iso_2": "de", "display_name": "Germany"}]
    write(tmp_path, "regions", "GET", "/regions", {"regions": [{**REGION, "countries": countries, "unread": 1}]})
    goods = [{"id": "prod_01M7W7GKHM4H6P7S1Y2V6N8QWE", "title": "T-Shirt", "handle": "t-shirt"}]
    listed = {"products": goods, "count": 1, "offset": 0, "limit": 50}
    write(tmp_path, "products-by-handle", "GET", "/products?handle=t-shirt&fields=id,title,handle", listed)
    cart = {"id": CART, "currency_code": "eur", "total": 0, "items": [], "unread": {"odd": 1}}
    write(tmp_path, "cart-create", "POST", "/carts", {"cart": cart}, sent={"region_id": REGION["id"]})
    unknown = {"type": "invalid_data", "message": "Invalid request: Unrecognized fields: 'bogus'"}
    write(tmp_path, "cart-unknown-field", "POST", f"/carts/{CART}", unknown, status=400, sent={"bogus": 1})
    assert compare(tmp_path, monkeypatch) == 0
    assert "0 different" in capsys.readouterr().out

    empty = {"type": "invalid_data", "message": "There is nothing in it"}
    write(tmp_path, "complete-empty-cart", "POST", f"/carts/{CART}/complete", empty, status=400)
    write(tmp_path, "cart-create", "POST", "/carts", {"cart": cart | {"total": 5}}, sent={"region_id": REGION["id"]})
    write(tmp_path, "cart-unknown", "GET", "/carts/cart_nope", {"cart": cart})
    assert compare(tmp_path, monkeypatch) == 1
    said = capsys.readouterr().out
    assert ".cart.total is '0', not '5'" in said
    assert "status 404, not 200" in said
    assert "There is nothing in it" in said
    assert "3 different" in said
