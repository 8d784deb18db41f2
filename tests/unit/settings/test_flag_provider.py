"""The flag provider that the settings name."""

import pytest
from openfeature.provider.in_memory_provider import InMemoryProvider

from storefront_mcp.settings import FlagSettings, SettingsInvalid, external_flag_provider


def test_no_provider_is_none() -> None:
    assert external_flag_provider(FlagSettings()) is None


def test_a_provider_is_made_with_its_options() -> None:
    made = external_flag_provider(
        FlagSettings(provider="openfeature.provider.in_memory_provider:InMemoryProvider", options={"flags": {}})
    )
    assert isinstance(made, InMemoryProvider)


@pytest.mark.parametrize(
    ("provider", "options", "says"),
    [
        (
            "nowhere.at_all:Made",
            {},
            "flags.provider: nowhere.at_all:Made is not installed here: No module named 'nowhere'.",
        ),
        ("openfeature.api:Nope", {}, "flags.provider: openfeature.api:Nope is not installed here: "),
        ("builtins:dict", {}, "flags.provider: builtins:dict returned no OpenFeature provider."),
        (
            "openfeature.provider.in_memory_provider:InMemoryProvider",
            {"flgas": {}},
            "flags.options: openfeature.provider.in_memory_provider:InMemoryProvider does not take them: ",
        ),
    ],
)
def test_a_provider_that_cannot_be_made_stops_the_start(provider: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsInvalid) as broken:
        external_flag_provider(FlagSettings(provider=provider, options=options))
    assert says in str(broken.value)
