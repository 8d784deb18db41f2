"""Settings of alerts: secrets as `openssl` and Standard Webhooks write them, and receivers nobody else listens at."""

import base64
from pathlib import Path

import pytest

from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.alerts import signing_key
from tests.unit.settings.test_loading import MINIMAL

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


@pytest.mark.parametrize("text", [TEXT, f"whsec_{TEXT}"])
@pytest.mark.parametrize("url", ["https://alerts.example/x", "http://127.0.0.1:9/x"])
def test_a_secret_is_read_from_a_file_with_or_without_its_prefix(tmp_path: Path, text: str, url: str) -> None:
    (tmp_path / "secret").write_text(f"{text}\n")
    path = tmp_path / "storefront.toml"
    path.write_text(MINIMAL + f'[alerts]\nurl = "{url}"\nsecret_file = "secret"', encoding="utf-8")
    alerts = Settings.load(path, {}).alerts
    assert alerts.on
    assert alerts.secret is not None
    assert signing_key(alerts.secret) == KEY
    assert TEXT not in repr(alerts)


@pytest.mark.parametrize("text", ["", "hush", "A" * 28, "A" * 200, "whsec_" + "ü" * 40, TEXT[:-1]])
def test_what_is_no_secret_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "storefront.toml"
    path.write_text(MINIMAL + '[alerts]\nurl = "https://alerts.example/x"', encoding="utf-8")
    with pytest.raises(SettingsInvalid) as refused:
        Settings.load(path, {"STOREFRONT_ALERTS__SECRET": text})
    assert [problem.key for problem in refused.value.problems] == ["alerts.secret"]
    assert not text or text not in str(refused.value)
