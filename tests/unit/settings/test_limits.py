"""The settings of limits and client addresses."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.access.rate_limits import RateLimit
from storefront_mcp.app.call_policy import unshared_limits_warning
from storefront_mcp.settings import Settings, SettingsInvalid, demo_settings

STORE = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle Warehouse"
currency = "AUD"
[store.upstream]
kind = "maho"
url = "https://shop.pickle.example"
"""


def load(folder: Path, top: str = "", below: str = "", **variables: str) -> Settings:
    path = folder / "storefront.toml"
    path.write_text(f"{top}\n{STORE}\n{below}\n", encoding="utf-8")
    return Settings.load(path, variables)


def test_rates_are_read_from_the_file_and_from_variables(tmp_path: Path) -> None:
    loaded = load(tmp_path, below='[store.limits]\nguest = "off"', STOREFRONT_STORE__PICKLE__LIMITS__CART="2/s burst 9")
    rules = loaded.stores[0].limits.rules()
    assert (rules.guest, rules.cart) == (None, RateLimit(9, 0.5))


@pytest.mark.parametrize(
    ("top", "below", "told"),
    [
        ("", '[store.limits]\nguest = "many"', 'wants a rate such as "600/min burst 200"'),
        ('trusted_proxies = ["10.0.0.0/99"]', "", "trusted_proxies[0]: wants a network, such as 10.0.0.0/8"),
        ('trusted_proxies = ["proxy"]', "", "each item a network, such as 10.0.0.0/8"),
        ('forwarded_by = "x-real-ip"', "", 'wants "x-forwarded-for" or "forwarded"'),
        ("", '[store.signatures]\nagents = ["http://agent.example"]', "signatures.agents[0]: wants https"),
        ("", '[store.signatures]\nagents = ["agent.example"]', "signatures.agents: wants"),
        ("", "[store.signatures]\nwider = 0.5", "signatures.wider: wants a number from 1 to 1000"),
        ('limits_store = "https://cache.example"', "", "wants a valkey:// or redis:// URL"),
        ('limits_store = "valkey://:hunter2@cache.example"', "", "set STOREFRONT_LIMITS_STORE"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, top: str, below: str, told: str) -> None:
    with pytest.raises(SettingsInvalid) as broken:
        load(tmp_path, top, below)
    assert told in str(broken.value)


def test_agents_that_sign_have_one_spelling_and_answer_over_https_or_on_this_machine(tmp_path: Path) -> None:
    below = '[store.signatures]\non = true\nagents = ["https://Agent.example:443", "http://127.0.0.1:9000"]'
    (store,) = load(tmp_path, below=below).stores
    assert store.signatures.agents == ("https://agent.example", "http://127.0.0.1:9000")
    assert store.signatures.wider == 4.0


def test_a_password_may_come_from_a_variable(tmp_path: Path) -> None:
    url = "valkeys://shop:hunter2@cache.example/1"
    assert load(tmp_path, STOREFRONT_LIMITS_STORE=url).limits_store == url


def test_what_workers_do_not_share_is_said(tmp_path: Path) -> None:
    one = demo_settings(8000, state=tmp_path)
    assert unshared_limits_warning(one) is None
    assert unshared_limits_warning(replace(one, workers=4, limits_store="valkey://127.0.0.1")) is None
    said = unshared_limits_warning(replace(one, workers=4))
    assert said is not None
    assert said.startswith("Each of the 4 workers counts limits for itself")
