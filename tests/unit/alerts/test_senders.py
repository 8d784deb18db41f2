"""An alert reaches a receiver over HTTP and by SMTP, signed, whole, and with nothing in it that must not leave."""

import asyncio
import base64
import socket

import pytest
from msgspec.structs import replace

from storefront_mcp.alerts import webhook_sender
from storefront_mcp.alerts.mail_sender import MailAlertSender
from storefront_mcp.alerts.sender import AlertUndelivered
from storefront_mcp.alerts.text import TEXTS, AlertFacts, alert_body
from storefront_mcp.alerts.webhook_sender import WebhookAlertSender, sign_webhook
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.alerts import CONDITIONS, STORE_CONDITIONS, AlertMessage
from tests.serving import free_port
from tests.unit.alerts.receiver import KEY, receiving
from tests.unit.mail.test_smtp_sender import Mailbox, sender, smtp_server

CONFIG = "/etc/storefront-mcp/storefront.toml"
FACTS = AlertFacts(
    server="till-1", consoles={"pickle": "https://pickle.example/operator"}, one_store=False, config=CONFIG
)
MESSAGE = AlertMessage(
    id="msg_1",
    condition="checkouts",
    store=StoreId("pickle"),
    status="raised",
    since=1_795_000_000.0,
    at=1_795_000_060.0,
    reason="1 waits; the oldest is chk_1, since 2026-11-18 11:06 UTC: the money was taken,\nask ana@example.com",
)


def webhook(url: str) -> WebhookAlertSender:
    return WebhookAlertSender(url, KEY, FACTS, now=lambda: 1_795_000_061.9)


@pytest.mark.parametrize(
    ("secret", "id_", "moment", "body", "signed"),
    [
        (
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            "1731705121",
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
    ],
)
def test_a_signature_is_that_of_the_published_examples(
    secret: str, id_: str, moment: str, body: bytes, signed: str
) -> None:
    assert sign_webhook(base64.b64decode(secret), id_, moment, body) == signed


async def test_a_webhook_says_store_what_since_when_why_and_what_helps() -> None:
    with receiving() as (receiver, url):
        assert await webhook(url).send(MESSAGE) == "HTTP 204"
    [body] = receiver.taken
    assert receiver.tries[0]["webhook-id"] == "msg_1"
    assert receiver.tries[0]["webhook-timestamp"] == "1795000061"
    assert (body["type"], body["timestamp"]) == ("alert.raised", "2026-11-18T11:07:40Z")
    assert body["data"] == {
        "condition": "checkouts",
        "store": "pickle",
        "server": "till-1",
        "title": "A checkout needs a person",
        "since": "2026-11-18T11:06:40Z",
        "reason": "1 waits; the oldest is chk_1, since 2026-11-18 11:06 UTC: the money was taken, ask [e-mail]",
        "command": f"storefront-mcp checkouts --state needs_human --config {CONFIG} --store pickle",
        "console": "https://pickle.example/operator/checkouts",
        "manual": "docs/operators.md#a-checkout-needs-a-person",
    }
    assert body["text"].startswith("[storefront-mcp] pickle: A checkout needs a person\n")


@pytest.mark.parametrize("status", [301, 307, 400, 410, 429, 500, 503])
async def test_any_answer_but_success_is_told_and_no_redirect_is_followed(status: int) -> None:
    with receiving() as (receiver, url):
        receiver.answers = [status]
        with pytest.raises(AlertUndelivered, match=f"HTTP {status}"):
            await webhook(url).send(MESSAGE)
    assert receiver.paths == ["/hook"]


async def test_who_is_away_or_never_answers_does_not_hold_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"http://127.0.0.1:{free_port()}/hook-5ecret"
    with pytest.raises(AlertUndelivered) as away:
        await webhook(secret).send(MESSAGE)
    assert "5ecret" not in str(away.value)
    monkeypatch.setattr(webhook_sender, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(AlertUndelivered):
        await asyncio.wait_for(webhook(f"http://127.0.0.1:{silent.getsockname()[1]}").send(MESSAGE), 60)


async def test_a_mail_says_the_same_to_everybody_under_the_same_id() -> None:
    mailbox, to = Mailbox(), ["ops@pickle.example", "ada@pickle.example"]
    async with smtp_server(mailbox) as port:
        mail = MailAlertSender(sender(port), "shop@pickle.example", to, FACTS)
        for _ in range(2):
            assert await mail.send(MESSAGE) == "the mail server took it"
        mailbox.reply = "451 later"
        with pytest.raises(AlertUndelivered, match="451 later") as delayed:
            await mail.send(MESSAGE)
        mailbox.reply = "554 no"
        with pytest.raises(AlertUndelivered, match="554 no") as refused:
            await mail.send(MESSAGE)
    assert (delayed.value.final, refused.value.final) == (False, True)
    first, again = mailbox.messages[:2]
    assert mailbox.envelopes[0] == ("shop@pickle.example", to)
    assert first["Message-ID"] == again["Message-ID"] == "<msg_1@pickle.example>"
    assert first["Subject"] == "[storefront-mcp] pickle: A checkout needs a person"
    text = first.get_content()
    for wanted in ("chk_1", "https://pickle.example/operator/checkouts", "2026-11-18T11:06:40Z", "till-1"):
        assert wanted in text
    assert "ana@example.com" not in text


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_has_a_text_for_each_thing_that_may_happen(condition: str) -> None:
    store = StoreId("pickle" if condition in STORE_CONDITIONS else "")
    message = replace(MESSAGE, condition=condition, store=store)
    said = {status: alert_body(replace(message, status=status), FACTS) for status in ("raised", "reminder", "resolved")}
    assert len(set(said.values())) == 3
    assert all(f"operators.md#{TEXTS[message.condition].heading}" in text for text in said.values())
    assert "Until: " in said["resolved"]
