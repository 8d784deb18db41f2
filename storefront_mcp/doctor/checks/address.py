"""Checks of the address: reachability, https, certificate, security headers, health endpoints."""

import asyncio
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.probe import ProbeFailed, ProbeResponse
from storefront_mcp.backends.probe_failures import speaks_tls
from storefront_mcp.database.failures import KINDS
from storefront_mcp.database.readiness import SINCE_START
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.checks.database import inspect_database
from storefront_mcp.doctor.patient import CARD, ExaminedStore
from storefront_mcp.doctor.phrases import NO_ANSWER_TEXT, list_names
from storefront_mcp.findings import Finding, fault, not_known, note, ok, warning
from storefront_mcp.web.forwarding import FORWARDING_PROBLEMS
from storefront_mcp.web.health import OUTCOME_OK

SECURITY_HEADERS: Final = {
    "x-content-type-options": "X-Content-Type-Options: nosniff",
    "referrer-policy": "Referrer-Policy: strict-origin-when-cross-origin",
    "content-security-policy": "a Content-Security-Policy",
}
"""Headers that every response should have; HSTS is checked apart, for https only."""
EXPIRY_WARNING_DAYS: Final = 14
"""Days before expiry by which automatic renewal has replaced a certificate."""
HSTS_ADVICE: Final = "Strict-Transport-Security: max-age=31536000"


@check("address.reached", "Does the store answer?", "address")
async def check_reachable(patient: ExaminedStore) -> Findings:
    """GET the card: connection errors, redirects, 421 and 5xx are faults."""
    web = patient.web
    try:
        response = await patient.page(CARD)
    except ProbeFailed as failure:
        says, fix = NO_ANSWER_TEXT[failure.why]
        if patient.subject.url is None and failure.why == "nobody listens":
            fix = f"Start it: {patient.subject.start or patient.command('serve')}"
        yield fault(f"{web.origin} {says}.", fix)
        return
    if response.redirects:
        yield fault(
            f"{CARD} sends everybody elsewhere, to {response.headers['location']}.",
            "Serve the documents where they are asked for: agents and scanners follow no redirect there.",
        )
    elif response.status == HTTPStatus.MISDIRECTED_REQUEST:
        yield fault(
            f"Whoever answers at {web.origin} has no store under the name {web.host}.",
            "Let the proxy pass Host on, or add the host to store.hosts.",
        )
    elif response.status == HTTPStatus.BAD_REQUEST and await speaks_tls(response.url):
        says, fix = NO_ANSWER_TEXT["encrypted"]
        yield fault(f"{web.origin} {says}.", fix)
    elif response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield fault(
            f"{web.origin} is broken ({response.status}).", "Look at the log of the server and of the proxy before it."
        )
    else:
        yield ok(f"{web.origin} answers.")


@check("address.encrypted", "Is it reached by https?", "address")
async def check_https(patient: ExaminedStore) -> Findings:
    """Plain http is accepted on loopback only, as agents refuse it elsewhere."""
    web = patient.web
    if web.is_public and not web.is_https:
        yield fault(
            f"{web.origin} is public and not encrypted.",
            "Put a proxy with a TLS certificate before it, and publish https.",
        )
    else:
        yield ok("It is." if web.is_https else "It is this machine, so it need not be.")


@check("address.certificate", "Does its certificate hold for a while?", "address", after=("address.reached",))
async def check_certificate(patient: ExaminedStore) -> Findings:
    """Warn before expiry; `address.reached` reports an expired certificate."""
    ends = await patient.web.certificate_ends()
    if ends is None:
        yield ok("There is none.")
        return
    days = (ends - patient.now()).days
    if days < EXPIRY_WARNING_DAYS:
        yield warning(f"It holds for {days} days more.", "Renew it now, and have that done by a machine from now on.")
    else:
        yield ok(f"It holds for {days} days more.")


@check("address.headers", "Do answers tell browsers to be careful?", "address", after=("address.reached",))
async def check_headers(patient: ExaminedStore) -> Findings:
    """SECURITY_HEADERS, HSTS for https, and no Set-Cookie on documents."""
    response = await patient.page(CARD)
    missing = [wanted for name, wanted in SECURITY_HEADERS.items() if name not in response.headers]
    if patient.web.is_https and "strict-transport-security" not in response.headers:
        missing.append(HSTS_ADVICE)
    if missing:
        yield warning(
            f"Answers lack {list_names(missing)}.", "Let the proxy pass on the headers that the server sends."
        )
    else:
        yield ok("They do.")
    if "set-cookie" in response.headers:
        yield warning(
            "Documents set cookies.", "Take the cookie off at the proxy: shared caches keep no answer with one."
        )


@check("address.health", "Does it say that it is well?", "address", after=("address.reached",))
async def check_health(patient: ExaminedStore) -> Findings:
    """`/healthz` and `/readyz` must answer 200 where they exist."""
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
        yield _unready(ready)


def _unready(ready: ProbeResponse) -> Finding:
    """The fault of a server that is not ready, by what its checks say."""
    said = ready.json
    checks = said.get("checks") if isinstance(said, dict) else None
    bad = {name: why for name, why in checks.items() if why != OUTCOME_OK} if isinstance(checks, dict) else {}
    if not bad:
        text = ready.body[:300].decode("utf-8", "replace")
        return fault(f"/readyz answers {ready.status}: {text}", "Look at the log of the server.")
    says = " and ".join(f"its {name} {why}" for name, why in bad.items())
    if str(bad.get("database", "")).endswith(SINCE_START):
        fix = "Put the right file in its place, and restart the server."
    else:
        kinds = [kind for kind in KINDS if kind.reason in bad.values()]
        fix = kinds[0].advice if kinds else "Look at the log of the server, and at what it names."
    return fault(f"/readyz answers {ready.status}: {says}.", fix)


@check("address.nonsense", "Is what is not there not found?", "address", after=("address.reached",))
async def check_unknown_path(patient: ExaminedStore) -> Findings:
    """Unknown paths must not answer 200, as catch-all pages look like broken documents to scanners."""
    for path in ("/.well-known/no-such-document.json", "/.env"):
        response = await patient.page(path)
        if response.status == HTTPStatus.OK:
            yield fault(f"{path} answers 200, though there is no such thing.", "Answer 404 for what is not there.")
        else:
            yield ok(f"{path} answers {response.status}.")


@check("address.clients", "Can clients be told apart?", "address", after=("address.reached",))
async def check_client_addresses(patient: ExaminedStore) -> Findings:
    """How the server sees the client of a health check: by the connection, or as a proxy of ours tells."""
    response = await patient.page("/healthz")
    state = response.headers.get("x-client-address")
    if state is None:
        yield not_known("Whoever answers does not say how clients reach it.")
    elif state in FORWARDING_PROBLEMS and patient.web.is_public:
        yield warning(*FORWARDING_PROBLEMS[state])
    else:
        yield ok("They can." if patient.web.is_public else "It is this machine, so they need not.")


@check(
    "address.database",
    "Does the running server use the database of the settings?",
    "settings",
    "shop",
    "address",
    after=("address.reached",),
)
async def check_database(patient: ExaminedStore) -> Findings:
    """The identity that `/readyz` tells is that of this database, and its file is the one that the server opened."""
    found = await asyncio.to_thread(inspect_database, patient.settings.database)
    ready = (await patient.page("/readyz")).json
    told = ready.get("database") if isinstance(ready, dict) else None
    checks = ready.get("checks") if told else None
    said = checks.get("database") if isinstance(checks, dict) else None
    name = patient.settings.database.shown
    if not told:
        yield not_known("The server does not say which one it uses.")
    elif isinstance(said, str) and said.endswith(SINCE_START):
        yield fault(
            f"{name} {said}: the running server goes on with what was there, and flips and keys do not reach it.",
            "Put the right file in its place, and restart the server.",
        )
    elif told != found.identity:
        yield fault(
            f"The running server uses another database than {name}, so flips and keys do not reach it.",
            "Use the settings and the STOREFRONT_ variables of the server here: `systemctl show -p Environment UNIT`.",
        )
    else:
        yield ok("It does.")


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_reachable,
    check_https,
    check_certificate,
    check_headers,
    check_health,
    check_database,
    check_unknown_path,
    check_client_addresses,
)
