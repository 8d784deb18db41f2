"""What `[store.sign_in]` takes, and what does not go with it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.schema import BackendKind
from storefront_mcp.settings.sign_in import OpenIdSettings

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
OIDC = '[store.sign_in.oidc]\nissuer = "https://login.example/"\nclient_id = "pickle-store"\n'


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


def test_a_client_proves_itself_by_a_secret_that_is_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "ucp.secret").write_text("s" * 44)
    store = load(tmp_path, f'on = true\n{CLIENT}secret_file = "ucp.secret"\n').stores[0]
    (client,) = store.sign_in.fixed_clients
    assert client.secret is not None
    assert client.secret.reveal() == "s" * 44
    assert "sss" not in repr(store)


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
        (
            f'{CLIENT}secret = "{"s" * 44}"',
            "",
            KEY,
            r"clients\[0\].secret: is a secret and has no place here; set secret_file to a path",
        ),
        (f"on = true\n{OIDC}", "", KEY, 'oidc.issuer: nobody could sign in: a shop of kind "demo" takes no tokens'),
        ('[store.sign_in.oidc]\nclient_id = "x"', "", KEY, "oidc.issuer: is wanted"),
        ('[store.sign_in.oidc]\nissuer = "https://login.example"', "", KEY, "oidc.client_id: is wanted"),
        (OIDC.replace("https", "http"), "", KEY, "oidc.issuer: wants an https URL without a query"),
        (OIDC.replace("example/", "example/?x="), "", KEY, "oidc.issuer: wants an https URL without a query"),
        (f'{OIDC}client_secret = "x"', "", KEY, "oidc.client_secret: is a secret and has no place here"),
        (f'{OIDC}scopes = ["a b"]', "", KEY, r"oidc.scopes.*: wants .*a scope"),
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
        ("woocommerce", "", "set sign_in.on = true"),
        ("woocommerce", "on = true", ""),
        ("medusa", "", "set sign_in.on = true"),
        ("medusa", "on = true", ""),
    ],
)
def test_the_account_phase_opens_where_somebody_could_sign_in(
    tmp_path: Path, kind: BackendKind, sign_in: str, says: str
) -> None:
    (store,) = load(tmp_path, sign_in).stores
    chosen = replace(store, upstream=replace(store.upstream, kind=kind))
    assert says in "".join(chosen.missing_for_sign_in)
    assert bool(chosen.missing_for_sign_in) is bool(says)


MERCHANT = 'consumer_key = "ck_1"\nconsumer_secret_file = "woo.secret"'
SMTP = '[smtp]\nhost = "smtp.pickle.example"\nsender = "orders@pickle.example"'


@pytest.mark.parametrize(
    ("merchant", "smtp", "env", "refusals"),
    [
        (MERCHANT, SMTP, KEY, []),
        (MERCHANT, "", KEY, ["wants smtp.host and smtp.sender, as customers"]),
        ("", SMTP, KEY, ["wants upstream.consumer_key and consumer_secret"]),
        ("", "", KEY, ["wants smtp.host and smtp.sender", "wants upstream.consumer_key and consumer_secret"]),
        (MERCHANT, SMTP, {}, ["wants personal_data.key"]),
    ],
)
def test_customers_who_are_mailed_a_code_need_a_mail_server_and_the_merchant_s_key(
    tmp_path: Path, merchant: str, smtp: str, env: dict[str, str], refusals: list[str]
) -> None:
    (tmp_path / "woo.secret").write_text("cs_1")
    woo = f'kind = "woocommerce"\nurl = "https://shop.example"\n{merchant}'
    text = STORE.replace('kind = "demo"', woo).format(sign_in="on = true", issuer="")
    path = tmp_path / "storefront.toml"
    path.write_text(f"{smtp}\n{text}", encoding="utf-8")
    if not refusals:
        assert Settings.load(path, env).stores[0].sign_in.on
        return
    with pytest.raises(SettingsInvalid) as refused:
        Settings.load(path, env)
    said = str(refused.value)
    assert said.count("sign_in.on: ") == len(refusals)
    assert all(f"sign_in.on: {one}" in said for one in refusals)


def test_customers_who_are_mailed_a_code_sign_in_at_no_openid_provider(tmp_path: Path) -> None:
    woo = f'kind = "woocommerce"\nurl = "https://shop.example"\n{MERCHANT}'
    text = STORE.replace('kind = "demo"', woo).format(sign_in=f"on = true\n{OIDC}", issuer="")
    (tmp_path / "storefront.toml").write_text(f"{SMTP}\n{text}", encoding="utf-8")
    (tmp_path / "woo.secret").write_text("cs_1")
    with pytest.raises(SettingsInvalid, match='a shop of kind "woocommerce" takes no tokens of an OpenID provider'):
        Settings.load(tmp_path / "storefront.toml", KEY)


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [("http://pickle.example", False), ("http://127.0.0.1:8000", True), ("http://pickle.localhost", True)],
)
def test_passwords_are_typed_over_https_or_on_the_machine_itself(
    tmp_path: Path, origin: str, *, is_taken: bool
) -> None:
    path = tmp_path / "storefront.toml"
    text = STORE.format(sign_in="on = true", issuer="").replace("https://pickle.example", origin)
    path.write_text(text, encoding="utf-8")
    if is_taken:
        assert Settings.load(path, KEY).stores[0].sign_in.on
        return
    with pytest.raises(SettingsInvalid, match=r"sign_in\.on: wants an origin of https"):
        Settings.load(path, KEY)


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ucp.secret").write_text("letmein")
    with pytest.raises(SettingsInvalid, match=r"clients\[0\].secret: wants 32 to 200"):
        load(tmp_path, f'{CLIENT}secret_file = "ucp.secret"\n')


@pytest.mark.parametrize(("kind", "says"), [("maho", ""), ("demo", "takes no tokens of an OpenID provider")])
def test_the_phase_opens_where_the_shop_may_take_the_tokens_of_an_openid_provider(
    tmp_path: Path, kind: BackendKind, says: str
) -> None:
    store = load(tmp_path, "on = true").stores[0]
    oidc = OpenIdSettings(issuer="https://login.example/", client_id="pickle store")
    upstream = replace(store.upstream, kind=kind)
    chosen = replace(store, upstream=upstream, sign_in=replace(store.sign_in, oidc=oidc))
    assert says in "".join(chosen.missing_for_sign_in)
    assert bool(chosen.missing_for_sign_in) is bool(says)


def test_a_provider_is_known_by_its_issuer_and_the_secret_is_in_a_variable_or_a_file(tmp_path: Path) -> None:
    maho = STORE.replace('kind = "demo"', 'kind = "maho"\nurl = "https://shop.example"')
    path = tmp_path / "storefront.toml"
    (tmp_path / "provider.secret").write_text("s3cret of theirs")
    for more, env in (
        ('client_secret_file = "provider.secret"\n', KEY),
        ("", {**KEY, "STOREFRONT_STORE__PICKLE__SIGN_IN__OIDC__CLIENT_SECRET": "s3cret of theirs"}),
    ):
        path.write_text(maho.format(sign_in=f"on = true\n{OIDC}{more}", issuer=""), encoding="utf-8")
        oidc = Settings.load(path, env).stores[0].sign_in.oidc
        assert (oidc.issuer, oidc.scopes) == ("https://login.example/", ("openid", "profile", "email"))
        assert oidc.client_secret is not None
        assert oidc.client_secret.reveal() == "s3cret of theirs"
        assert "s3cret" not in repr(oidc)
