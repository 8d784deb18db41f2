"""Every setting is documented and stands in the file that `init` writes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from storefront_mcp.cli.settings_file import settings_template
from storefront_mcp.settings import Settings
from storefront_mcp.settings.decoding import is_secret
from storefront_mcp.settings.schema import SOFTWARE_KINDS
from storefront_mcp.settings.sign_in import ACCOUNT_KINDS

ROOT = Path(__file__).parents[3]

FREE_TABLES = ("flags.options.", "store.payments.instructions.", "store.delivery_times.")
"""Their keys are the operator's."""


def settings(shape: type[Struct], above: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Every setting by its full name, with what holds without it, and whether it is a secret."""
    for member in fields(shape):
        kind = get_args(member.type)[0] if get_origin(member.type) is tuple else member.type
        yield (
            above + member.encode_name,
            None if member.default is NODEFAULT and not member.required else member.default,
            is_secret(member.type),
        )
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield from settings(kind, f"{above}{member.encode_name}.")


ALL = {name: default for name, default, _ in settings(Settings)}
SECRETS = {name for name, _, secret in settings(Settings) if secret}
"""Refused by the file itself: they come from variables or from other files."""


def documented() -> dict[str, str]:
    """Settings in the manual's tables, with what they say holds without them."""
    manual = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z0-9_.]+)` \| ([^|]*?) ?\|", manual, flags=re.MULTILINE))


def test_the_manual_has_every_setting_and_no_other() -> None:
    assert set(documented()) == set(ALL)


@pytest.mark.parametrize("name", [name for name, default in ALL.items() if isinstance(default, str | int | float)])
def test_the_manual_tells_what_holds_without_a_setting(name: str) -> None:
    wanted = f'"{ALL[name]}"' if isinstance(ALL[name], str) else str(ALL[name]).lower()
    assert documented()[name] == f"`{wanted}`"


@pytest.mark.parametrize("name", [name for name, default in ALL.items() if default is NODEFAULT])
def test_the_manual_says_what_is_required(name: str) -> None:
    assert documented()[name] == "required"


@pytest.mark.parametrize("kind", SOFTWARE_KINDS)
def test_the_file_that_init_writes_loads_and_means_what_it_shows(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "storefront.toml"
    path.write_text(filled_in(settings_template(kind)), encoding="utf-8")
    (store,) = Settings.load(path, {}).stores
    assert store.upstream.kind == kind


SECRETS_OF = {"maho": "CLIENT_SECRET", "woocommerce": "CONSUMER_SECRET", "medusa": "SECRET_KEY"}


@pytest.mark.parametrize("kind", SOFTWARE_KINDS)
def test_everything_that_is_commented_out_loads_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "storefront.toml"
    path.write_text(filled_in(uncommented(kind)), encoding="utf-8")
    (tmp_path / "synonyms.txt").touch()
    (tmp_path / "platform").write_text("a-secret-of-the-platform", encoding="utf-8")
    secrets = (
        "STOREFRONT_STORE__PICKLE__OAUTH__CLIENT_SECRET",
        f"STOREFRONT_STORE__PICKLE__UPSTREAM__{SECRETS_OF[kind]}",
        "STOREFRONT_SMTP__PASSWORD",
    )
    signing = {"STOREFRONT_ALERTS__SECRET": "whsec_" + "A" * 32}
    loaded = Settings.load(path, dict.fromkeys(secrets, "a secret") | signing)
    assert loaded.flags.provider == "openfeature.contrib.provider.flagd:FlagdProvider"
    assert loaded.stores[0].upstream.timeouts.read == 20.0


@pytest.mark.parametrize("kind", SOFTWARE_KINDS)
def test_a_file_shows_no_section_that_its_kind_of_shop_refuses(kind: str) -> None:
    sections = re.findall(r"^# \[(store\.(?:mirror|sign_in))\]$", settings_template(kind), flags=re.MULTILINE)
    assert ("store.mirror" in sections, "store.sign_in" in sections) == (True, kind in ACCOUNT_KINDS)


def test_the_file_that_init_writes_has_every_setting() -> None:
    table: list[str] = []
    found: set[str] = set()
    for line in "\n".join(map(uncommented, SOFTWARE_KINDS)).splitlines():
        if header := re.fullmatch(r"\[\[?([a-z0-9_.]+)\]\]?", line):
            table = [header[1]]
            found.add(header[1])
        elif setting := re.match(r"([a-z0-9_]+) = ", line):
            found.add(".".join([*table, setting[1]]))
    assert {name for name in found if not name.startswith(FREE_TABLES)} == set(ALL) - SECRETS


def filled_in(text: str) -> str:
    """The file with whole keys in the place of its examples, of which only the beginning is shown, and a secret."""
    webhooks = "\n[[store.acp.webhooks]]\n"
    return text.replace("_…", "_1").replace(webhooks, f'{webhooks}secret_file = "platform"\n')


def uncommented(kind: str) -> str:
    """The file with every commented setting and table switched on; prose stays a comment."""
    return re.sub(r"^# (?=[a-z0-9_]+ = |\[)", "", settings_template(kind), flags=re.MULTILINE)
