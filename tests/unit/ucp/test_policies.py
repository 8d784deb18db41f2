"""The shop's words on returns as a policy of what is bought."""

from types import SimpleNamespace
from typing import Any

import msgspec
from ucp_sdk.models.schemas.common.types.policy import Policy

from storefront_mcp.agent_protocols.ucp import LATEST_RELEASE, PREVIOUS_RELEASE, UcpRelease
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.ucp.platforms import RequestingPlatform
from storefront_mcp.ucp.policies import MAX_POLICY_CHARS, ShopPolicies, plain_excerpt
from storefront_mcp.ucp.request import UcpRequest
from tests.fakes.memory_backend import STORE


class Pages:
    """What get_store_info answers, and how often it was asked."""

    def __init__(self, page: str | Exception, *, closed: bool = False) -> None:
        self.page = page
        self.asked = 0
        self.closed = closed
        self.shop = SimpleNamespace(store=msgspec.structs.replace(STORE, pages=("shipping", "returns")))

    def is_open(self, tool: str) -> bool:
        assert tool == "get_store_info"
        return not self.closed

    async def run(self, tool: str, *, topic: str) -> Any:
        assert (tool, topic) == ("get_store_info", "returns")
        self.asked += 1
        if isinstance(self.page, Exception):
            raise self.page
        return SimpleNamespace(page=self.page, pages=("shipping",))


def asked(pages: Pages, release: UcpRelease = LATEST_RELEASE) -> UcpRequest:
    runner: Any = pages
    return UcpRequest(runner=runner, release=release, platform=RequestingPlatform(profile="https://platform.example"))


async def test_the_page_on_returns_is_a_policy_and_is_read_once() -> None:
    now = [0.0]
    policies, pages = ShopPolicies(lambda: now[0]), Pages("Within **30 days**.")
    (policy,) = await policies.of(asked(pages))
    assert policy.type == "dev.ucp.shopping.policy.return"
    assert (policy.description.plain, policy.url) == ("Within 30 days.", "https://pickle.example/returns")
    Policy.model_validate(msgspec.to_builtins(policy))
    await policies.of(asked(pages))
    assert pages.asked == 1
    now[0] = 400.0
    await policies.of(asked(pages))
    assert pages.asked == 2


async def test_a_shop_that_is_down_changes_nothing_of_what_is_known() -> None:
    now = [0.0]
    policies, pages = ShopPolicies(lambda: now[0]), Pages("Within 30 days.")
    known = await policies.of(asked(pages))
    pages.page, now[0] = ShopDown(), 400.0
    assert await policies.of(asked(pages)) == known


async def test_nothing_is_made_up() -> None:
    assert await ShopPolicies().of(asked(Pages(""))) == ()
    assert await ShopPolicies().of(asked(Pages(ShopDown()))) == ()
    assert await ShopPolicies().of(asked(Pages("Words.", closed=True))) == ()
    assert await ShopPolicies().of(asked(Pages("Words."), PREVIOUS_RELEASE)) == ()


def test_a_long_page_ends_with_a_paragraph_or_a_word() -> None:
    paragraph = "word " * 150
    assert plain_excerpt(f"{paragraph}\n\n{paragraph}") == f"{paragraph.rstrip()} …"
    assert len(plain_excerpt("word " * 1000)) <= MAX_POLICY_CHARS + 2
