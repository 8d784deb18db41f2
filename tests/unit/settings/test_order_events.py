"""Settings of order events: one receiver of a key, at a public address, with a secret from elsewhere."""

from pathlib import Path

import pytest

from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.schema import StoreSettings

WEBHOOK = (
    '[[store.acp.webhooks]]\nkey = "4fQ2rT9yBn1"\nurl = "https://platform.example/events"\nsecret_file = "secret"\n'
)


def load(tmp_path: Path, more: str, *, origin: str = "https://pickle.example", secret: str = "s" * 16) -> StoreSettings:
    (tmp_path / "secret").write_text(f"{secret}\n", encoding="utf-8")
    path = tmp_path / "storefront.toml"
    text = f'[[store]]\nid = "pickle"\norigin = "{origin}"\nname = "Pickle"\ncurrency = "AUD"\n'
    path.write_text(f'{text}[store.upstream]\nkind = "demo"\n{more}', encoding="utf-8")
    return Settings.load(path, {}).stores[0]


def test_a_receiver_is_known_by_the_identifier_of_its_key_and_shows_no_secret(tmp_path: Path) -> None:
    (webhook,) = load(tmp_path, WEBHOOK).acp.webhooks
    assert webhook.owner == "key:4fQ2rT9yBn1"
    assert webhook.secret is not None
    assert webhook.secret.reveal() == "s" * 16
    assert "ssss" not in repr(webhook)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (WEBHOOK + WEBHOOK, r"webhooks\[1\].key: 4fQ2rT9yBn1 has a receiver already"),
        (WEBHOOK.replace("4fQ2rT9yBn1", "an assistant"), r"webhooks\[0\].key: wants the id of a key"),
        (WEBHOOK.replace("https:", "http:"), r"webhooks\[0\].url: wants https"),
        (WEBHOOK.replace("platform.example", "10.0.0.1"), r"webhooks\[0\].url: wants https, a public host name"),
        (WEBHOOK.replace("platform.example", "platform.example:8443"), r"webhooks\[0\].url: wants https"),
        (WEBHOOK.replace("platform.example", "me:pw@platform.example"), r"webhooks\[0\].url: wants https"),
        (WEBHOOK.replace("https://platform.example", "http://127.0.0.1:9"), r"webhooks\[0\].url: wants https"),
        (WEBHOOK.replace('secret_file = "secret"\n', ""), r"webhooks\[0\].secret: is missing"),
        (WEBHOOK.replace("secret_file", "secret"), r"webhooks\[0\].secret: is a secret and has no place here"),
    ],
)
def test_what_would_tell_nobody_or_somebody_else_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        load(tmp_path, more)


def test_a_secret_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"webhooks\[0\].secret: wants 16 to 200"):
        load(tmp_path, WEBHOOK, secret="short")


def test_a_store_on_this_machine_may_tell_this_machine(tmp_path: Path) -> None:
    here = WEBHOOK.replace("https://platform.example", "http://127.0.0.1:9")
    (webhook,) = load(tmp_path, here, origin="http://localhost:8000").acp.webhooks
    assert webhook.url == "http://127.0.0.1:9/events"
