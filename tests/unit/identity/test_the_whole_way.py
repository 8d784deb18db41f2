"""A key minted on the machine opens the running server, and closes within a second of its end, on every worker."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from storefront_mcp.app import create_app
from storefront_mcp.cli import main
from storefront_mcp.settings import Settings
from tests.serving import served, until

pytestmark = pytest.mark.slow

HOST = "pickle.localhost"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "storefront.toml"
    path.write_text(
        f'[[store]]\nid = "pickle"\norigin = "http://{HOST}"\nname = "Pickle"\ncurrency = "AUD"\n'
        '[store.upstream]\nkind = "demo"\n'
    )
    return path


@pytest.fixture
def workers(path: Path) -> Iterator[list[str]]:
    """Two servers on one database, as two workers are."""
    before = logging.getLogRecordFactory()
    settings = Settings.load(path, {})
    with served(create_app(settings)) as one, served(create_app(settings)) as other:
        yield [one, other]
    logging.setLogRecordFactory(before)


def keys(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["keys", *arguments, "--config", str(path)])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def listed(worker: str, token: str) -> int:
    headers = {"host": HOST, "authorization": f"Bearer {token}"}
    return httpx.get(f"{worker}/mcp/token", headers=headers, timeout=120).status_code


def test_a_key_lives_and_dies_on_every_worker_at_once(path: Path, workers: list[str]) -> None:
    revoked, rotated = (keys(path, "mint", "--label", "x", "--scope", "manage:api_keys") for _ in range(2))
    assert [listed(worker, token) for worker in workers for token in (revoked, rotated)] == [200] * 4
    keys(path, "revoke", revoked.split("_")[1])
    until(lambda: [listed(worker, revoked) for worker in workers] == [401, 401], "the revocation to be seen")
    assert [listed(worker, rotated) for worker in workers] == [200, 200]
    keys(path, "rotate", "--yes")
    until(lambda: [listed(worker, rotated) for worker in workers] == [401, 401], "the rotation to be seen")
    used = json.loads(keys(path, "list", "--json"))["keys"]
    assert {key["standing"] for key in used} == {"revoked", "rotated"}
    assert all(key["last_used_at"] for key in used)


def test_a_key_minted_over_http_is_on_record(path: Path, workers: list[str]) -> None:
    token = keys(path, "mint", "--label", "x", "--scope", "manage:api_keys", "--scope", "merchant")
    headers = {"host": HOST, "authorization": f"Bearer {token}"}
    answer = httpx.post(f"{workers[0]}/mcp/token", headers=headers, json={"scopes": ["read-only"]}, timeout=120)
    assert answer.status_code == 201
    assert answer.json()["id"] in {key["id"] for key in json.loads(keys(path, "list", "--json"))["keys"]}
    assert listed(workers[1], answer.json()["token"]) == 403
