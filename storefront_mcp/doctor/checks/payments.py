"""Whether buyers could pay, and whether the money would be real."""

from typing import Final

from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.settings.origins import loopback


@check("payments.provider", "There is a way to pay", "settings", "shop")
async def provider(patient: Patient) -> Findings:
    """Without one nothing can be bought; with the sandbox no money moves."""
    store = patient.behind.store
    payments = store.payments
    if payments.missing:
        yield note(
            "Nobody could pay.",
            "Set store.payments.provider, or list the shop's own ways to pay in store.payments.offline.",
        )
    elif payments.provider == "sandbox" and not loopback(store.origin):
        yield warning(
            f"{store.origin} is public, and its payments are the sandbox's: orders are made and no money moves.",
            "Set store.payments.provider to a real one before orders are taken.",
        )
    else:
        yield ok(
            f"Buyers pay by {', '.join([*([payments.provider] if payments.provider else []), *payments.offline])}."
        )


@check("payments.key", "The provider takes our key", "settings", "shop")
async def key(patient: Patient) -> Findings:
    """A read that finds nothing."""
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
        yield warning(
            f"{probe.provider} could not be asked: {found.said}.",
            f"Let this machine reach {probe.provider} over HTTPS, and examine again.",
        )
    elif found.accepted:
        yield ok(f"{probe.provider} takes it.")
    else:
        yield fault(
            f"{probe.provider} refuses store.payments.secret_key: {found.said}.",
            "Make a key that may write Checkout Sessions and PaymentIntents, and put it where "
            "store.payments.secret_key comes from.",
        )


@check("payments.webhooks", "The provider's events can be verified", "settings", "shop")
async def webhooks(patient: Patient) -> Findings:
    """Without them orders take longer."""
    probe = patient.behind.key
    if probe is None or probe.webhooks:
        yield ok("They can." if probe is not None else "There are none.")
    else:
        yield note(
            f"{probe.provider}'s events cannot be verified, so an order takes some seconds longer.",
            "Add the webhook endpoint at the provider, and set store.payments.webhook_secrets_file to its signing "
            "secret.",
        )


@check("payments.mode", "Money moves where it should, and only there", "settings", "shop")
async def mode(patient: Patient) -> Findings:
    """A test key sells for nothing, and a live one takes money of whoever tries things out."""
    probe, origin = patient.behind.key, patient.behind.store.origin
    if probe is None or probe.mode is None:
        yield ok("No money moves.")
    elif probe.mode == "test" and not loopback(origin):
        yield warning(
            f"{origin} is public, and store.payments.secret_key is a test key: orders are made and no money moves.",
            "Put a live key there before orders are taken.",
        )
    elif probe.mode == "live" and loopback(origin):
        yield warning(
            f"{origin} is this machine, and store.payments.secret_key is a live key: trying things out takes money.",
            "Use a test key here.",
        )
    else:
        yield ok(f"It is a {probe.mode} key, for {origin}.")


CHECKS: Final[tuple[Check, ...]] = (provider, key, webhooks, mode)
