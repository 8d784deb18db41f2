"""Whether the store can be reached where it says it is, safely and under its name."""

from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.probing import Unheard
from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import CARD, Patient
from storefront_mcp.doctor.words import NO_ANSWER, listed

WANTED: Final = {
    "x-content-type-options": "X-Content-Type-Options: nosniff",
    "referrer-policy": "Referrer-Policy: strict-origin-when-cross-origin",
    "content-security-policy": "a Content-Security-Policy",
}
"""What every answer should carry, besides what goes with https."""
SOON: Final = 14
"""Days before its end that a certificate has been renewed, where a machine does it."""
STRICT: Final = "Strict-Transport-Security: max-age=31536000"


@check("address.reached", "The store answers", "address")
async def reached(patient: Patient) -> Findings:
    """Nobody answers, somebody else answers, or everybody is sent elsewhere."""
    web = patient.web
    try:
        heard = await patient.page(CARD)
    except Unheard as unheard:
        says, fix = NO_ANSWER[unheard.why]
        if patient.subject.url is None and unheard.why == "nobody listens":
            fix = "Start it: storefront-mcp serve"
        yield fault(f"{web.origin} {says}.", fix)
        return
    if heard.redirects:
        yield fault(
            f"{CARD} sends everybody elsewhere, to {heard.headers['location']}.",
            "Serve the documents where they are asked for: agents and scanners follow no redirect there.",
        )
    elif heard.status == HTTPStatus.MISDIRECTED_REQUEST:
        yield fault(
            f"Whoever answers at {web.origin} has no store under the name {web.host}.",
            "Let the proxy pass Host on, or add the host to store.hosts.",
        )
    elif heard.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield fault(
            f"{web.origin} is broken ({heard.status}).", "Look at the log of the server and of the proxy before it."
        )
    else:
        yield ok(f"{web.origin} answers.")


@check("address.encrypted", "It is reached by https", "address")
async def encrypted(patient: Patient) -> Findings:
    """Agents refuse anything else, but for this machine."""
    web = patient.web
    if web.public and not web.encrypted:
        yield fault(
            f"{web.origin} is public and not encrypted.",
            "Put a proxy with a TLS certificate before it, and publish https.",
        )
    else:
        yield ok("It is." if web.encrypted else "It is this machine, so it need not be.")


@check("address.certificate", "Its certificate holds for a while", "address", after=("address.reached",))
async def certificate(patient: Patient) -> Findings:
    """One that ended is found when the store is reached."""
    ends = await patient.web.certificate_ends()
    if ends is None:
        yield ok("There is none.")
        return
    days = (ends - patient.now()).days
    if days < SOON:
        yield warning(f"It holds for {days} days more.", "Renew it now, and have that done by a machine from now on.")
    else:
        yield ok(f"It holds for {days} days more.")


@check("address.headers", "Answers tell browsers to be careful", "address", after=("address.reached",))
async def headers(patient: Patient) -> Findings:
    """Scanners count them."""
    heard = await patient.page(CARD)
    missing = [wanted for name, wanted in WANTED.items() if name not in heard.headers]
    if patient.web.encrypted and "strict-transport-security" not in heard.headers:
        missing.append(STRICT)
    if missing:
        yield warning(f"Answers lack {listed(missing)}.", "Let the proxy pass on the headers that the server sends.")
    else:
        yield ok("They do.")
    if "set-cookie" in heard.headers:
        yield warning(
            "Documents set cookies.", "Take the cookie off at the proxy: shared caches keep no answer with one."
        )


@check("address.health", "It says that it is well", "address", after=("address.reached",))
async def health(patient: Patient) -> Findings:
    """`/healthz` and, where there is one, `/readyz`."""
    alive = await patient.page("/healthz")
    if alive.status == HTTPStatus.OK:
        yield ok("/healthz says so.")
    elif alive.status == HTTPStatus.NOT_FOUND:
        yield note("There is no /healthz here.")
    else:
        yield fault(f"/healthz answers {alive.status}.", "Look at the log of the server.")
    ready = await patient.page("/readyz")
    if ready.status == HTTPStatus.OK:
        yield ok("/readyz says that it can serve.")
    elif ready.status != HTTPStatus.NOT_FOUND:
        said = ready.body[:300].decode("utf-8", "replace")
        yield fault(f"/readyz answers {ready.status}: {said}", "Put right what it names.")


@check("address.nonsense", "What is not there is not found", "address", after=("address.reached",))
async def nonsense(patient: Patient) -> Findings:
    """A page for everything that is asked for makes every document look broken."""
    for path in ("/.well-known/no-such-document.json", "/.env"):
        heard = await patient.page(path)
        if heard.status == HTTPStatus.OK:
            yield fault(f"{path} answers 200, though there is no such thing.", "Answer 404 for what is not there.")
        else:
            yield ok(f"{path} answers {heard.status}.")


CHECKS: Final[tuple[Check, ...]] = (reached, encrypted, certificate, headers, health, nonsense)
