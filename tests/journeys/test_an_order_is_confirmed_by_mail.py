"""An agent orders, a person chooses bank transfer, and a mail says how it is paid."""

import asyncio
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.mail import SmtpSettings, StoreMailSettings
from storefront_mcp.settings.schema import PaymentSettings
from tests.fakes.agent import VERSIONS, Agent, value
from tests.journeys.conftest import flip, unhurried
from tests.journeys.test_a_guest_orders import EMAIL, until_ended, wish
from tests.serving import free_port, served
from tests.unit.mail.test_smtp_sender import Mailbox, smtp_server

HOW = "BSB 000-000, account 12345678."
SECONDS = 120.0
"""For a mail to arrive, on a busy machine."""


@pytest.mark.slow
async def test_a_bank_transfer_is_confirmed_once_with_how_to_pay(tmp_path: Path) -> None:
    mailbox, port = Mailbox(), free_port()
    async with smtp_server(mailbox) as mail_port:
        settings = unhurried(demo_settings(port, state=tmp_path))
        (store,) = settings.stores
        payments = PaymentSettings(offline=("banktransfer",), instructions={"banktransfer": HOW})
        smtp = SmtpSettings(host="127.0.0.1", port=mail_port, security="none", sender="orders@pickle.example")
        store = replace(store, payments=payments, mail=StoreMailSettings(contact="help@pickle.example"))
        settings = replace(settings, stores=(store,), smtp=smtp)
        flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
        with served(create_app(settings), port) as origin:
            async with Agent(origin, VERSIONS[-1]) as agent, httpx.AsyncClient() as browser:
                told = value(await agent.call("place_order", **await wish(agent)))
                total = told["totals"]["total"]["minor"]
                form = {"shown": str(total), "by": "banktransfer"}
                page = await browser.post(
                    told["continue_url"], data=form, headers={"sec-fetch-site": "same-origin"}, follow_redirects=True
                )
                assert HOW in page.text
                ended = await until_ended(agent, told["checkout_id"])
                await asyncio.wait_for(mailbox.arrived.wait(), SECONDS)
    assert ended["status"] == "completed"
    assert ended["payment"] == {"method": "Bank transfer", "instructions": HOW}
    assert "by e-mail" in ended["next_step"]
    [message] = mailbox.messages
    assert message["To"] == EMAIL
    text = message.get_body(preferencelist=("plain",))
    assert text is not None
    for wanted in (ended["order"]["number"], HOW, "help@pickle.example", "Ada Byron"):
        assert wanted in text.get_content()
