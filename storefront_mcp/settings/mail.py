"""Settings of mail: `[smtp]` of the server, and what a store writes into its mails."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.problems import SettingProblem

Text = Annotated[str, Meta(min_length=1, max_length=4_000, description="a text that is not empty")]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>\",;:()\[\]\\]+@[^\s@<>\",;:()\[\]\\]+$",
        max_length=254,
        description='an e-mail address, such as "orders@pickle.example"',
    ),
]


class SmtpSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[smtp]`: the server that takes our mail. Without a host no mail is sent, and none is promised."""

    host: Text | None = None
    port: Annotated[int, Meta(ge=1, le=65_535, description="a whole number from 1 to 65535")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description='"starttls", "tls" (from the beginning) or "none"')
    ] = "starttls"
    username: Text | None = None
    password: Annotated[Secret, Meta(description="a text that is nobody else's business")] | None = None
    sender: MailAddress | None = None
    """Address in From."""
    timeout: Annotated[float, Meta(gt=0, le=600, description="seconds, more than 0 and at most 600")] = 30.0
    """For each reply of the server."""


class StoreMailSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.mail]`: the confirmations of a store's orders."""

    sender: MailAddress | None = None
    """Address in From; None for that of `[smtp]`."""
    contact: Text | None = None
    """How buyers reach the shop, for agents too; None for its website."""


def smtp_problems(smtp: SmtpSettings) -> Iterable[SettingProblem]:
    """Problems of `[smtp]`: what a server needs besides its host."""
    if smtp.host is None:
        named = [name for name in ("username", "password", "sender") if getattr(smtp, name) is not None]
        if named:
            yield SettingProblem("smtp.host", f"is missing: {', '.join(named)} cannot do without it.")
        return
    if smtp.sender is None:
        yield SettingProblem("smtp.sender", "is missing: wants the e-mail address that mails come from.")
    if (smtp.username is None) != (smtp.password is None):
        missing = "username" if smtp.username is None else "password"
        yield SettingProblem(f"smtp.{missing}", "is missing: a login has a name and a password.")
    if smtp.security == "none" and smtp.password is not None:
        yield SettingProblem("smtp.security", 'wants "starttls" or "tls", as the password is sent; got "none".')
