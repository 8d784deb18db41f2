"""Settings of our own alerts: `[alerts]`, who is told when something breaks."""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.settings.mail import MailAddress, SmtpSettings
from storefront_mcp.settings.problems import SettingProblem
from storefront_mcp.settings.schema import Url

KEY_PREFIX: Final = "whsec_"
"""Of a secret as Standard Webhooks writes it; what follows is base64."""
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64


class AlertSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[alerts]`: a webhook, mail, or both; with neither nobody is told."""

    url: Url | None = None
    """Receiver of the webhook."""
    secret: Annotated[Secret, Meta(description="what `openssl rand -base64 32` prints")] | None = None
    """Its messages are signed with it."""
    mail_to: tuple[MailAddress, ...] = ()

    @property
    def on(self) -> bool:
        """Whether anybody is told."""
        return self.url is not None or bool(self.mail_to)


def alert_problems(alerts: AlertSettings, smtp: SmtpSettings) -> Iterable[SettingProblem]:
    """Problems of `[alerts]`: an address that anybody could listen at, a missing secret, no server for mail."""
    if alerts.url is not None and not alerts.url.startswith("https:") and not is_loopback(alerts.url):
        yield SettingProblem("alerts.url", "wants https, as anybody could listen otherwise.")
    if (alerts.url is None) != (alerts.secret is None):
        missing, named = ("secret", "url") if alerts.secret is None else ("url", "secret")
        yield SettingProblem(f"alerts.{missing}", f"is missing: {named} cannot do without it.")
    if alerts.secret is not None and signing_key(alerts.secret) is None:
        yield SettingProblem(
            "alerts.secret", "wants 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them."
        )
    if alerts.mail_to and smtp.host is None:
        yield SettingProblem("alerts.mail_to", "wants [smtp], which says who takes our mail.")


def signing_key(secret: Secret) -> bytes | None:
    """The bytes of a secret, which may begin with `whsec_`; None for what is no secret."""
    try:
        key = base64.b64decode(secret.reveal().removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES else None
