"""Checks of the sign-in of customers: that clients find it, that it is answered, and the OpenID provider behind it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import fault, note, ok
from storefront_mcp.identity.issuer_client import IssuerUnavailable

SERVER_DOCUMENT: Final = "/.well-known/oauth-authorization-server"
RESOURCE_DOCUMENT: Final = "/.well-known/oauth-protected-resource/mcp"
AUTHORIZE_PATH: Final = "/oauth/authorize"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 -- a path
PROXY_FIX: Final = "Let the proxy pass {} on to the server as it comes, and its answer back."


@check("sign_in.found", "Do clients find where customers sign in?", "address", after=("address.reached",))
async def check_found(patient: ExaminedStore) -> Findings:
    """Both documents name one issuer, the address that is examined, over https (RFC 8414 §3.3, RFC 9728 §3.3)."""
    server = await patient.document(SERVER_DOCUMENT)
    if not server:
        if _is_on(patient):
            yield note(
                "Customers can sign in once a phase is open that needs it.",
                f"See what is open: {patient.command('phases')}",
            )
        else:
            yield ok("Nobody signs in here, and nothing says otherwise.")
        return
    problems = list(_problems(patient, server, await patient.document(RESOURCE_DOCUMENT)))
    for text, fix in problems:
        yield fault(text, fix)
    if not problems:
        yield ok(f"They sign in at {server['issuer']}.")


@check("sign_in.answered", "Does sign-in answer?", "address", after=("address.reached", "sign_in.found"))
async def check_answered(patient: ExaminedStore) -> Findings:
    """A request of nobody is refused by our page and by our JSON, which no proxy says in our place."""
    if not await patient.document(SERVER_DOCUMENT):
        yield ok("Nobody signs in here.")
        return
    page = await patient.page(AUTHORIZE_PATH)
    token = await patient.web.ask("POST", TOKEN_PATH, {"content-type": "application/x-www-form-urlencoded"})
    told = token.json if isinstance(token.json, dict) else {}
    answered = True
    if page.status != HTTPStatus.BAD_REQUEST or page.media_type != "text/html":
        answered = False
        yield fault(f"{AUTHORIZE_PATH} answers {page.status}, and not with our page.", PROXY_FIX.format("/oauth"))
    if token.status != HTTPStatus.BAD_REQUEST or "error" not in told:
        answered = False
        yield fault(
            f"POST {TOKEN_PATH} answers {token.status}, and not with our JSON.", PROXY_FIX.format("POST and /oauth")
        )
    if answered:
        yield ok("It does.")


@check("sign_in.provider", "Does the OpenID provider let customers sign in?", "shop")
async def check_provider(patient: ExaminedStore) -> Findings:
    """Its metadata are those of the issuer in the settings, and name what a sign-in needs; its keys may sign."""
    provider = patient.behind.provider
    if provider is None:
        yield ok("Customers are sent to none.")
        return
    client = provider.client
    try:
        keys = await provider.examine()
    except IssuerUnavailable as error:
        yield fault(
            f"Nobody can sign in: {error}.",
            f"Compare store.sign_in.oidc.issuer with `issuer` in {client.issuer.rstrip('/')}"
            "/.well-known/openid-configuration, letter by letter, and let this machine reach it.",
        )
    else:
        yield ok(f"{client.issuer} has {keys} {'key' if keys == 1 else 'keys'}; it has to know {client.redirect_uri}.")
    finally:
        await provider.close()


def _is_on(patient: ExaminedStore) -> bool:
    return "shop" in patient.has and patient.behind.store.sign_in.on


def _problems(patient: ExaminedStore, server: Mapping[str, Any], resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong, and what to do."""
    found = []
    origin, issuer = patient.web.origin, server.get("issuer")
    if issuer != origin:
        found.append(
            (
                f"The issuer is {issuer}, and clients compare it with {origin}.",
                "Set store.origin to the address that people and agents use.",
            )
        )
    if not origin.startswith("https:") and not is_loopback(origin):
        found.append(("Passwords are sent unencrypted.", "Serve it by https alone, and set store.origin to that."))
    if resource.get("resource") != f"{origin}/mcp" or resource.get("authorization_servers") != [issuer]:
        found.append(
            (
                f"{RESOURCE_DOCUMENT} does not name the endpoint and its issuer.",
                "Let the proxy pass /.well-known on to the server.",
            )
        )
    return found


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_provider, check_found, check_answered)
