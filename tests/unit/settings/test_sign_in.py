"""What `[store.sign_in]` takes, and what does not go with it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.schema import BackendKind

STORE = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle"
currency = "AUD"
{issuer}
[store.upstream]
kind = "demo"
[store.sign_in]
{sign_in}
"""
KEY = {"STOREFRONT_PERSONAL_DATA__KEY": "A" * 43 + "="}
CLIENT = '[[store.sign_in.clients]]\nid = "ucp"\nname = "UCP"\nredirect_uris = ["https://ucp.example/cb"]\n'


def load(folder: Path, sign_in: str, *, issuer: str = "", env: dict[str, str] | None = None) -> Settings:
    path = folder / "storefront.toml"
    path.write_text(STORE.format(sign_in=sign_in, issuer=issuer), encoding="utf-8")
    return Settings.load(path, KEY if env is None else env)


def test_sign_in_is_off_until_it_is_switched_on(tmp_path: Path) -> None:
    assert not load(tmp_path, "", env={}).stores[0].sign_in.on
    assert load(tmp_path, "on = true").stores[0].sign_in.on


def test_a_client_of_the_settings_is_known_beforehand(tmp_path: Path) -> None:
    (client,) = load(tmp_path, CLIENT).stores[0].sign_in.fixed_clients
    assert (client.id, client.kind, client.name) == ("ucp", "fixed", "UCP")
    assert client.has_redirect("https://ucp.example/cb")


@pytest.mark.parametrize(
    ("sign_in", "issuer", "env", "says"),
    [
        ("on = true", "", {}, "sign_in.on: wants personal_data.key"),
        ("on = true", 'issuer = "https://login.example"', KEY, "sign_in.on: does not go with issuer"),
        (CLIENT + CLIENT, "", KEY, r"clients\[1\].id: ucp is another client's already"),
        (CLIENT.replace('"ucp"', '"https://x.example/c"'), "", KEY, r"clients\[0\].id: wants a name that no other"),
        (CLIENT.replace('"ucp"', '"dcr1.x"'), "", KEY, r"clients\[0\].id: wants a name that no other"),
        (CLIENT.replace('"ucp"', '"a b"'), "", KEY, r"clients\[0\].id: wants letters"),
        (CLIENT.replace("https://ucp", "http://ucp"), "", KEY, r"clients\[0\].redirect_uris: wants https"),
        (CLIENT.replace('"https://ucp.example/cb"', ""), "", KEY, r"clients\[0\].redirect_uris: wants 1 to 10"),
        ("token_lasts = 5", "", KEY, "token_lasts: wants a whole number of seconds"),
        ("grant_days = 400", "", KEY, "grant_days: wants a whole number of days"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, sign_in: str, issuer: str, env: dict[str, str], says: str
) -> None:
    with pytest.raises(SettingsInvalid, match=says):
        load(tmp_path, sign_in, issuer=issuer, env=env)


@pytest.mark.parametrize(
    ("kind", "sign_in", "says"),
    [
        ("demo", "on = true", ""),
        ("maho", "on = true", ""),
        ("demo", "", "set sign_in.on = true"),
        ("woocommerce", "on = true", "shows no accounts here yet"),
        ("medusa", "on = true", "shows no accounts here yet"),
    ],
)
def test_the_account_phase_opens_where_somebody_could_sign_in(
    tmp_path: Path, kind: BackendKind, sign_in: str, says: str
) -> None:
    (store,) = load(tmp_path, sign_in).stores
    chosen = replace(store, upstream=replace(store.upstream, kind=kind))
    assert says in "".join(chosen.missing_for_sign_in)
    assert bool(chosen.missing_for_sign_in) is bool(says)
