"""Settings of the agent protocols that a store speaks besides MCP."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.public_http.addresses import is_loopback_url, is_public_url
from storefront_mcp.settings.problems import SettingProblem

MAX_URL_CHARS: Final = 2_048
SECRET_PATTERN: Final = re.compile("[!-~]{16,200}")

ProfileUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+/\S*$", description="the https:// URL of a profile")]
Hidden = Annotated[Secret, Meta(description="a text that is nobody else's business")]
Switch = Annotated[bool, Meta(description="true or false")]


class A2aSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.a2a]`: the store's agent for other agents (Agent2Agent)."""

    enabled: Switch = False


class UcpSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.ucp]`: shopping agents of platforms, by the Universal Commerce Protocol."""

    enabled: Switch = False
    fetch_profiles: Switch = True
    """Whether profiles of platforms are fetched; without, each is taken to know everything."""
    platforms: tuple[ProfileUrl, ...] = ()
    """Profiles whose platforms may ask more often when they sign, and are fetched whatever strangers name."""
    signing_key: Hidden | None = None
    """A private JWK, by which answers are signed."""

    @property
    def public_keys(self) -> tuple[Mapping[str, str], ...]:
        """What is published of the key."""
        if self.signing_key is None:
            return ()
        # The libraries of signatures are slow to import.
        from storefront_mcp.message_signatures.keys import read_signing_key  # noqa: PLC0415

        return (read_signing_key(self.signing_key.reveal()).public,)


class AcpWebhookSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[store.acp.webhooks]]`: where the orders of one key's agent are told."""

    key: Annotated[
        str,
        Meta(pattern="^[0-9A-Za-z]{11}$", description="the id of a key, 11 letters and digits, as `keys list` has it"),
    ]
    url: Annotated[str, Meta(description="the https:// URL at which the platform takes order events")]
    secret: Annotated[Secret, Meta(description="the secret that the platform gave for signatures")] | None = None
    """Events are signed with it."""

    @property
    def owner(self) -> str:
        """Identifier of callers with the key."""
        return f"key:{self.key}"


class AcpSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.acp]`: agents with a key of the store, by the Agentic Commerce Protocol."""

    enabled: Switch = False
    webhooks: tuple[AcpWebhookSettings, ...] = ()
    """Receivers of order events."""


def webhook_problems(acp: AcpSettings, where: str, *, local: bool) -> Iterable[SettingProblem]:
    """Problems of `[[store.acp.webhooks]]`; `local` is whether the store runs on this machine alone."""
    keys: set[str] = set()
    for place, webhook in enumerate(acp.webhooks):
        at = f"{where}webhooks[{place}]."
        if webhook.key in keys:
            yield SettingProblem(f"{at}key", f"{webhook.key} has a receiver already.")
        keys.add(webhook.key)
        url, most = webhook.url, MAX_URL_CHARS
        if not is_public_url(url, max_chars=most) and not (local and is_loopback_url(url, max_chars=most)):
            yield SettingProblem(f"{at}url", "wants https, a public host name without a port, and a path.")
        if webhook.secret is None:
            yield SettingProblem(f"{at}secret", "is missing: name a file with it as secret_file.")
        elif SECRET_PATTERN.fullmatch(webhook.secret.reveal()) is None:
            yield SettingProblem(f"{at}secret", "wants 16 to 200 letters, digits and signs without spaces.")
