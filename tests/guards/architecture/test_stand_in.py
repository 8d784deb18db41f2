"""The replay of recorded answers finds what the demo shop answers otherwise, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import replay_exchanges


def write(folder: Path, case: str, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
    request = {"method": method, "path": f"/api/rest/v2{path}", "headers": headers}
    exchange = {"case": case, "request": request, "status": status, "body": body}
    (folder / f"{case}.json").write_text(json.dumps(exchange), encoding="utf-8")


def compare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["replay_exchanges", str(folder)])
    return replay_exchanges.main()


@pytest.mark.slow
def test_what_the_adapter_reads_and_the_demo_shop_does_not_send_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "alike", "GET", "/url-resolver", {"totalItems": 0, "member": []})
    write(tmp_path, "unread", "GET", "/url-resolver", {"totalItems": 0, "member": [], "unread": {"odd": 1}})
    write(tmp_path, "theirs", "GET", "/blog-posts", {"odd": 1})
    write(tmp_path, "unconditional", "GET", "/products/1", None, 304, **{"if-none-match": "x"})
    write(tmp_path, "auth-token-password-grant", "POST", "/auth/token", {"error": "odd"}, 400)
    assert compare(tmp_path, monkeypatch) == 0
    said = capsys.readouterr().out
    assert "unread        unread" in said
    assert ".unread.odd is there" in said
    assert "the grant is customer or client_credentials" in said
    assert "2 other call, 1 alike, 1 not asked, 1 unread" in said

    write(tmp_path, "different", "GET", "/categories/3", {"id": 3, "name": "", "children": [{"id": 4, "name": "<b>A"}]})
    write(tmp_path, "unreadable", "GET", "/categories/3", {"id": "odd"})
    write(tmp_path, "refused", "GET", "/categories/3", {"error": "not_found", "message": "Gone fishing"}, 404)
    write(tmp_path, "unanswered", "POST", "/auth/token", {"error": "odd"}, 418)
    assert compare(tmp_path, monkeypatch) == 1
    said = capsys.readouterr().out
    assert ".name is empty" in said
    assert ".children[].name is markup" in said
    assert "it cannot be read: Expected `int`, got `str`" in said
    assert ".message is Gone fishing" in said
    assert "1 not answered" in said
