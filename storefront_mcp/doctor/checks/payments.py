"""Checks of the payment settings: provider, key, webhooks, test or live mode."""

from typing import Final

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import Finding, fault, note, ok, warning


@check("payments.provider", "Is there a way to pay that suits the address?", "settings", "shop")
async def check_provider(patient: ExaminedStore) -> Findings:
    """A provider or offline method is set; the sandbox is for loopback only."""
    store = patient.behind.store
    payments = store.payments
    if payments.missing:
        yield note(
            "Nobody could pay.",
            "Set store.payments.provider, or list the shop's own ways to pay in store.payments.offline.",
        )
    elif payments.provider == "sandbox" and not is_loopback(store.origin):
        meant = payments.public_sandbox
        yield warning(
            f"{store.origin} is public, and its payments are the sandbox's: "
            f"{'orders are made and no money moves' if meant else 'the checkout phase does not open'}.",
            "Set store.payments.provider to a real one before orders are taken."
            + ("" if meant else " To try the sandbox out in public, set store.payments.public_sandbox = true."),
        )
    else:
        ways = ", ".join([*([payments.provider] if payments.provider else []), *payments.offline])
        yield ok(f"Buyers pay by {ways}{', and no money moves' if payments.provider == 'sandbox' else ''}.")


@check("payments.key", "Does the provider take our key?", "settings", "shop")
async def check_key(patient: ExaminedStore) -> Findings:
    """Probe the key by a read request that matches nothing."""
    probe = patient.behind.key
    if probe is None:
        yield ok("No key is needed.")
        return
    if not probe.secret:
        yield fault(
            f"store.payments.secret_key is no secret key of {probe.provider}'s.",
            "Put a secret or restricted key there; publishable keys and webhook secrets go elsewhere.",
        )
        return
    found = await probe.key()
    if found.accepted is None:
        yield _unreachable(probe.provider, found.said)
    elif found.accepted:
        yield ok(f"{probe.provider} takes it.")
    else:
        yield fault(
            f"{probe.provider} refuses store.payments.secret_key: {found.said}.",
            "Make a key that may write Checkout Sessions and PaymentIntents, and put it where "
            "store.payments.secret_key comes from.",
        )


@check("payments.webhooks", "Can the provider's events be verified?", "settings", "shop")
async def check_webhooks(patient: ExaminedStore) -> Findings:
    """A webhook secret is set; without one orders take some seconds longer."""
    probe = patient.behind.key
    if probe is None:
        yield ok("There are none.")
    elif probe.malformed_webhooks:
        yield warning(
            f"store.payments.webhook_secrets holds what is no signing secret of {probe.provider}'s, so its events are "
            "refused and orders take some seconds longer.",
            "Copy the signing secret of the webhook endpoint, which begins with whsec_, to where "
            "store.payments.webhook_secrets comes from.",
        )
    elif probe.webhooks:
        yield ok("They can.")
    else:
        yield note(
            f"{probe.provider}'s events cannot be verified, so an order takes some seconds longer.",
            "Add the webhook endpoint at the provider, and set store.payments.webhook_secrets_file to its signing "
            "secret.",
        )


@check("payments.mode", "Does money move where it should, and only there?", "settings", "shop")
async def check_mode(patient: ExaminedStore) -> Findings:
    """Warn of a test key on a public origin and of a live key on loopback."""
    probe, origin = patient.behind.key, patient.behind.store.origin
    if probe is None or probe.mode is None:
        yield ok("No money moves.")
    elif probe.mode == "test" and not is_loopback(origin):
        yield warning(
            f"{origin} is public, and store.payments.secret_key is a test key: orders are made and no money moves.",
            "Put a live key there before orders are taken.",
        )
    elif probe.mode == "live" and is_loopback(origin):
        yield warning(
            f"{origin} is this machine, and store.payments.secret_key is a live key: trying things out takes money.",
            "Use a test key here.",
        )
    else:
        yield ok(f"It is a {probe.mode} key, for {origin}.")


@check("payments.tokens", "Can agents pay by tokens?", "settings", "shop")
async def check_tokens(patient: ExaminedStore) -> Findings:
    """Where a profile is set: the protocol that brings tokens is on, and the provider lets us read them."""
    probe, store = patient.behind.key, patient.behind.store
    if store.payments.token_profile is None:
        yield ok("They cannot: buyers pay on the payment page.")
        return
    if probe is None:
        yield warning(
            "store.payments.token_profile is set, and the provider takes no tokens.",
            "Leave token_profile out until store.payments.provider is a real one.",
        )
        return
    if not store.acp.enabled:
        yield warning(
            "store.payments.token_profile is set, and no protocol is on that brings tokens.",
            "Set store.acp.enabled = true, or leave token_profile out.",
        )
        return
    found = await probe.tokens()
    if found.accepted is None:
        yield _unreachable(probe.provider, found.said)
    elif found.accepted:
        yield ok(f"{probe.provider} lets us read them.")
    else:
        yield warning(
            f"{probe.provider} does not let us read shared payment tokens: {found.said}. Nobody can pay by one.",
            "Agree to the terms of the preview at the provider, and let store.payments.secret_key read shared payment "
            "tokens; where the provider does not have them, leave token_profile out.",
        )


def _unreachable(provider: str, said: str) -> Finding:
    """The provider did not answer, so nothing is known."""
    return Finding(
        level="warning",
        says=f"{provider} could not be asked: {said}.",
        fix=f"Let this machine reach {provider} over HTTPS, and examine again.",
        conclusive=False,
    )


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_provider, check_key, check_webhooks, check_mode, check_tokens)
