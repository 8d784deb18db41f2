"""Put together what the doctor needs of a store: its shop, its provider's key, its roadmap."""

from storefront_mcp.app.promises import planned_roadmap
from storefront_mcp.app.selling import terms
from storefront_mcp.app.shops import backend_of, probe_of
from storefront_mcp.doctor.patient import Behind, Subject
from storefront_mcp.payments.probing import KeyProbe
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings


def subject(
    settings: Settings, store: StoreSettings, *, config: str, url: str | None = None, cart: bool = False
) -> Subject:
    """A store of the settings, to be examined at `url` or else at its own origin."""
    return Subject(url=url, config=config, settings=settings, behind=behind(store), cart=cart)


def behind(store: StoreSettings) -> Behind:
    """What stands behind a store. Nothing is asked yet."""
    backend, close, _ = backend_of(store)
    return Behind(
        store=store,
        planned=planned_roadmap(store),
        probe=probe_of(store),
        backend=backend,
        close=close,
        key=_key(store),
        method=terms(store.payments, order=store.upstream.timeouts.order).method,
    )


def _key(store: StoreSettings) -> KeyProbe | None:
    payments = store.payments
    if payments.provider != "stripe" or payments.secret_key is None:
        return None
    from storefront_mcp.payments.stripe_key import StripeKey  # noqa: PLC0415 -- only shops that use it need it

    return StripeKey(payments.secret_key.reveal(), webhooks=bool(payments.webhook_secrets), url=payments.url)
