"""The hosted page, for a person or a browser: plain forms."""

from html import escape

from tests.fakes.stripe.ledger import Session

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main>
<h1>{title}</h1>
<p>{name}</p>
<p id="amount">{amount} {currency}</p>
<p id="status" role="status">{status}</p>
{forms}
</main></body>
</html>
"""
FORM = '<form method="post"><button name="act" value="{act}">{label}</button></form>'
OPEN = {
    "pay": "Pay",
    "decline": "Pay with a card that is declined",
    "challenge": "Pay with a card that needs 3-D Secure",
    "back": "Back to the shop",
}
CHALLENGED = {"pay": "Complete authentication", "fail": "Fail authentication", "back": "Back to the shop"}


def page(session: Session) -> str:
    """The page as it stands."""
    intent = session.intent
    challenged = intent is not None and intent.status == "requires_action"
    acts = {} if session.status != "open" else CHALLENGED if challenged else OPEN
    said = f"This page is {session.status}."
    if session.status == "open":
        said = "Your card was declined." if intent and intent.error and not challenged else "Nothing has been paid yet."
    price = session.asked["line_items"][0]["price_data"]
    return PAGE.format(
        title="3-D Secure" if challenged else "Fake Stripe Checkout",
        name=escape(price.get("product_data", {}).get("name", "")),
        amount=session.amount,
        currency=escape(session.currency.upper()),
        status=escape(said),
        forms="\n".join(FORM.format(act=act, label=label) for act, label in acts.items()),
    )
