"""Check of the mail server: connection, encryption and login; nothing is sent."""

from typing import Final

import aiosmtplib

from storefront_mcp.backends.probe_failures import failure_kind, speaks_tls
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.doctor.phrases import NO_ANSWER_TEXT
from storefront_mcp.findings import ok, warning
from storefront_mcp.mail.smtp_sender import SmtpSender, SmtpServer

TIMEOUT_SECONDS: Final = 8.0
"""For each reply of the server, unless smtp.timeout is shorter."""


@check("mail.server", "Does the mail server let us in?", "settings")
async def check_server(patient: ExaminedStore) -> Findings:
    """Connect, encrypt and sign in, as the mailer does."""
    smtp = patient.settings.smtp
    if smtp.host is None:
        yield ok("No mail is sent, and none is promised.")
        return
    server = SmtpServer(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password,
        timeout_seconds=min(smtp.timeout, TIMEOUT_SECONDS),
    )
    where = f"{smtp.host}:{smtp.port}"
    try:
        await SmtpSender(server).sign_in()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        says, fix = await _explain(error, server)
        yield warning(f"The mail server {where} {says}, so no buyer gets a confirmation.", fix)
    else:
        yield ok(f"{where} takes our mail{'' if smtp.username is None else f' from {smtp.username}'}.")


async def _explain(error: Exception, server: SmtpServer) -> tuple[str, str]:
    """The end of a sentence on the server, and what to do."""
    why = failure_kind(error)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        found = f"refuses our login ({error.code})", "Check smtp.username and where smtp.password comes from."
    elif isinstance(error, aiosmtplib.SMTPResponseException):
        found = f"refuses us ({error.code})", "Let it take mail from this machine; its own log says why it does not."
    elif "STARTTLS" in str(error):
        found = "offers no STARTTLS", 'Set smtp.security to "tls" and smtp.port to 465, if it has that.'
    elif "AUTH" in str(error):
        found = "takes no login", "Take smtp.username and smtp.password out, or use its port for submission, 587."
    elif why == "not encrypted":
        found = "does not begin with TLS", 'Set smtp.security to "starttls", or smtp.port to that of TLS, 465.'
    elif (
        why in {"silence", "torn"}
        and server.security != "tls"
        and await speaks_tls(f"http://{server.host}:{server.port}")
    ):
        found = "wants TLS from the beginning", 'Set smtp.security to "tls", or smtp.port to 587.'
    else:
        found = NO_ANSWER_TEXT[why]
    return found


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_server,)
