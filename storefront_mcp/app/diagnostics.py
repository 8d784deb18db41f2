"""Diagnostics wiring: what the doctor examines of a store."""

from storefront_mcp.app.backends import backend_of, probe_of
from storefront_mcp.app.checkout import checkout_policy
from storefront_mcp.app.openid import openid_provider_of
from storefront_mcp.app.phases import planned_roadmap
from storefront_mcp.database.engine import utc_now
from storefront_mcp.doctor.patient import ExaminationSubject, StoreInternals
from storefront_mcp.payments.key_probe import KeyProbe
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings


def doctor_subject(
    settings: Settings, store: StoreSettings, *, config: str, url: str | None = None, cart: bool = False
) -> ExaminationSubject:
    """A store as the doctor's subject, examined at `url` or else at its own origin."""
    return ExaminationSubject(url=url, config=config, settings=settings, behind=store_internals(store), cart=cart)


def store_internals(store: StoreSettings) -> StoreInternals:
    """A store's backend, probe, payment key and planned roadmap. Sends no request."""
    backend, close, _ = backend_of(store)
    return StoreInternals(
        store=store,
        planned=planned_roadmap(store),
        probe=probe_of(store),
        backend=backend,
        close=close,
        provider=openid_provider_of(store, now=utc_now),
        key=_key(store),
        method=checkout_policy(store.payments, order=store.upstream.timeouts.order).method,
    )


def _key(store: StoreSettings) -> KeyProbe | None:
    payments = store.payments
    if payments.provider != "stripe" or payments.secret_key is None:
        return None
    from storefront_mcp.payments.stripe.key_probe import StripeKeyProbe  # noqa: PLC0415 -- only shops that use it need it

    secrets = [secret.reveal() for secret in payments.webhook_secrets]
    return StripeKeyProbe(payments.secret_key.reveal(), webhook_secrets=secrets, url=payments.url)
