"""How access tokens are checked is set as a whole, and its secret never stands in the file."""

from pathlib import Path

import pytest

from storefront_mcp.settings import Settings, SettingsInvalid

STORE = """
[[store]]
id = "pickle-jar"
origin = "https://pickle.example"
name = "Pickle"
currency = "AUD"
{issuer}
[store.upstream]
kind = "demo"
[store.oauth]
{oauth}
"""
ISSUER = 'issuer = "https://login.example"'
ENDPOINT = 'introspection_endpoint = "https://login.example/introspect"\nclient_id = "us"'
VARIABLE = "STOREFRONT_STORE__PICKLE_JAR__OAUTH__CLIENT_SECRET"


def loaded(home: Path, oauth: str, *, issuer: str = ISSUER, **variables: str) -> Settings:
    path = home / "storefront.toml"
    path.write_text(STORE.format(oauth=oauth, issuer=issuer))
    return Settings.load(path, variables)


def complaint(home: Path, oauth: str, *, issuer: str = ISSUER, **variables: str) -> str:
    with pytest.raises(SettingsInvalid) as broken:
        loaded(home, oauth, issuer=issuer, **variables)
    return str(broken.value)


def test_the_secret_comes_from_a_variable(tmp_path: Path) -> None:
    settings = loaded(tmp_path, ENDPOINT, **{VARIABLE: "hunter2-and-more"})
    secret = settings.stores[0].oauth.client_secret
    assert secret is not None
    assert secret.reveal() == "hunter2-and-more"
    assert "hunter2" not in repr(settings)


def test_the_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "oauth").write_text("hunter2-and-more\n")
    secret = loaded(tmp_path, f'{ENDPOINT}\nclient_secret_file = "oauth"').stores[0].oauth.client_secret
    assert secret is not None
    assert secret.reveal() == "hunter2-and-more"


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = complaint(tmp_path, f'{ENDPOINT}\nclient_secret = "hunter2-and-more"')
    assert f"store[0].oauth.client_secret: is a secret and has no place here; set {VARIABLE}" in said
    assert "hunter2" not in said


def test_a_variable_that_is_no_setting_is_named(tmp_path: Path) -> None:
    variable = VARIABLE.replace("SECRET", "SECRETT")
    assert f"{variable}: there is no such setting; did you mean client_secret?" in complaint(
        tmp_path, ENDPOINT, **{variable: "x"}
    )


def test_introspection_needs_all_of_its_settings(tmp_path: Path) -> None:
    said = complaint(tmp_path, 'client_id = "us"', issuer="")
    assert "store[0].oauth.introspection_endpoint: is missing" in said
    assert "store[0].oauth.client_secret: is missing" in said
    assert "store[0].issuer: is missing" in said


def test_issuers_answer_over_https_or_on_this_machine(tmp_path: Path) -> None:
    assert "store[0].issuer: wants https" in complaint(tmp_path, "", issuer='issuer = "http://login.example"')
    said = complaint(tmp_path, ENDPOINT.replace("https", "http"), **{VARIABLE: "x"})
    assert "store[0].oauth.introspection_endpoint: wants https" in said
    assert loaded(tmp_path, "", issuer='issuer = "http://127.0.0.1:9000"').stores[0].issuer == "http://127.0.0.1:9000"


def test_a_table_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "storefront.toml"
    path.write_text(STORE.format(oauth="", issuer=ISSUER).replace("[store.oauth]", "").replace(ISSUER, "oauth = 1"))
    with pytest.raises(SettingsInvalid, match=r"store\[0\]\.oauth: wants a table"):
        Settings.load(path, {})
