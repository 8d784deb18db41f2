"""Make the flag provider that the settings name."""

import importlib

from openfeature.provider import AbstractProvider, FeatureProvider

from storefront_mcp.settings.problems import Problem, SettingsBroken
from storefront_mcp.settings.shape import FlagSettings


def outside_provider(flags: FlagSettings) -> FeatureProvider | None:
    """The shop's own OpenFeature provider; None when there is none. Raises SettingsBroken."""
    if flags.provider is None:
        return None
    module, _, name = flags.provider.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise _broken("flags.provider", f"{flags.provider} is not installed here: {error}.") from None
    try:
        provider = factory(**flags.options)
    except Exception as error:
        raise _broken("flags.options", f"{flags.provider} does not take them: {error}.") from error
    if not isinstance(provider, AbstractProvider):
        raise _broken("flags.provider", f"{flags.provider} returned no OpenFeature provider.")
    return provider


def _broken(key: str, sentence: str) -> SettingsBroken:
    return SettingsBroken("The flag provider", [Problem(key, sentence)])
