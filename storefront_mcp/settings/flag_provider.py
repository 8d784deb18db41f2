"""Factory of the OpenFeature provider that the settings name."""

import importlib

from openfeature.provider import AbstractProvider, FeatureProvider

from storefront_mcp.settings.problems import SettingProblem, SettingsInvalid
from storefront_mcp.settings.schema import FlagSettings


def external_flag_provider(flags: FlagSettings) -> FeatureProvider | None:
    """The OpenFeature provider of `[flags]`; None when none is set. Raises SettingsInvalid."""
    if flags.provider is None:
        return None
    module, _, name = flags.provider.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise _invalid("flags.provider", f"{flags.provider} is not installed here: {error}.") from None
    try:
        provider = factory(**flags.options)
    except Exception as error:
        raise _invalid("flags.options", f"{flags.provider} does not take them: {error}.") from error
    if not isinstance(provider, AbstractProvider):
        raise _invalid("flags.provider", f"{flags.provider} returned no OpenFeature provider.")
    return provider


def _invalid(key: str, sentence: str) -> SettingsInvalid:
    return SettingsInvalid("The flag provider", [SettingProblem(key, sentence)])
