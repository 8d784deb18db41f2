"""The operator's console behind a proxy: whoever holds a link signs in once, and no log knows it."""

import re
from pathlib import Path

import httpx
import pytest

from tests.external.deploy.conftest import Placed
from tests.external.deploy.processes import run
from tests.external.deploy.proxies import SHOP

pytestmark = pytest.mark.slow

CONFIG = """
database = "{database}"
port = {port}
[[store]]
id = "pickle"
origin = "{origin}"
name = "Pickle Warehouse"
currency = "AUD"
upstream = {{ kind = "demo" }}
payments = {{ provider = "sandbox" }}
"""


def link(placed: Placed, folder: Path) -> str:
    """What the command line prints for an operator."""
    text = CONFIG.format(
        database=placed.settings.database, port=placed.settings.port, origin=placed.settings.stores[0].origin
    )
    (folder / "storefront.toml").write_text(text)
    told = run(folder, "console")
    found = re.search(r"https?://\S+", told.stdout)
    assert found is not None, told.stdout + told.stderr
    return found[0]


def test_a_link_opens_the_console_and_its_pages(placed: Placed, tmp_path: Path) -> None:
    with httpx.Client(follow_redirects=True, timeout=120) as browser:
        if placed.front.layout == "same-origin":
            assert browser.get(f"{placed.front.origin}/operator").text == SHOP
            return
        address = link(placed, tmp_path)
        assert address.startswith(f"{placed.front.origin}/operator/sign-in?")
        asked = browser.get(address)
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
        answer = browser.post(address.partition("?")[0], data=fields, headers={"origin": placed.front.origin})
        assert answer.status_code == 200, answer.text
        roadmap = browser.get(f"{placed.front.origin}/operator/roadmap")
        assert (roadmap.status_code, "p2_cart" in roadmap.text) == (200, True)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get_list("x-frame-options") == ["DENY"]
        # The link was for one time.
        with httpx.Client(timeout=120) as another:
            again = another.get(address)
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', again.text))
            refused = another.post(address.partition("?")[0], data=fields, headers={"origin": placed.front.origin})
            assert refused.status_code >= 400
    assert address.partition("once=")[2] not in placed.front.logged()
