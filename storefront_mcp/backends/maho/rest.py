"""Maho's REST v2 as such: where it is, how lists are paged, and what it means when it is not there."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeVar

from storefront_mcp.backends.maho.shapes import Collection, Refusal
from storefront_mcp.backends.text import line
from storefront_mcp.backends.upstream import Answer, Upstream, redacted
from storefront_mcp.commerce.errors import ShopError, ShopMisconfigured, ShopRefused

T = TypeVar("T")

PREFIX: Final = "/api/rest/v2"
MOST: Final = 100
"""Members per page; more are cut without notice."""
PAGES: Final = 10
"""Pages read of one list at most, so that a shop's mistake cannot keep us reading."""

ACCEPT: Final = "application/ld+json"
"""The only form whose lists say how many there are."""

NOT_OURS: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
"""Statuses that no shopper can cause or cure, where 404 has no better meaning."""


class Rest:
    """Calls below the shop's API root. Raises ShopMisconfigured when the interface is closed or for another shop."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def get(self, path: str, query: Mapping[str, str] | None = None, *, bearer: str | None = None) -> Answer:
        """Read; a refusal comes back as an answer."""
        return checked(await self._upstream.read(path, query, bearer=bearer))

    async def send(self, method: str, path: str, body: object = None, *, harmless: bool = False) -> Answer:
        """Write; a refusal comes back as an answer."""
        return checked(await self._upstream.write(method, path, body, harmless=harmless))

    async def settle(self, path: str, body: object) -> Answer:
        """Make what cannot be taken back; a refusal comes back as an answer."""
        return checked(await self._upstream.settle(path, body))

    async def page(
        self, kind: type[Collection[T]], path: str, query: Mapping[str, str], *, number: int, size: int
    ) -> Collection[T]:
        """One page of a list, counted from 1. A page past the end comes back empty."""
        answer = await self.get(path, {**query, "page": str(number), "pageSize": str(size)})
        found = accepted(answer).read(kind)
        return found if (number - 1) * size < found.totalItems else Collection(found.totalItems, [])

    async def all(self, kind: type[Collection[T]], path: str, query: Mapping[str, str]) -> list[T]:
        """Every member of a list, within reason."""
        members: list[T] = []
        for number in range(1, PAGES + 1):
            found = await self.page(kind, path, query, number=number, size=MOST)
            members += found.member
            if not found.member or number * MOST >= found.totalItems:
                break
        return members


def refusal(answer: Answer) -> Refusal:
    """What a refusal says; nothing where its body is not Maho's."""
    try:
        return answer.read(Refusal)
    except ShopError:
        return Refusal()


def reason(answer: Answer) -> str:
    """The shop's sentence, fit to be shown: plain, short, without addresses and secrets."""
    said = refusal(answer)
    if "://" in said.message:
        return "no reason given"
    text = line(said.message).removeprefix("Failed to add product: ")
    return redacted(text) or "no reason given"


def checked(answer: Answer) -> Answer:
    """The answer, unless it shows that the shop is not the one we were set up for."""
    if answer.ok:
        return answer
    said = refusal(answer)
    closed = said.error == "protocol_disabled"
    elsewhere = answer.status == HTTPStatus.BAD_REQUEST and said.message.startswith(
        ("Unknown store", "Currency not available")
    )
    if closed or elsewhere:
        raise ShopMisconfigured(f"{answer.where}: {answer.status} {redacted(said.message)[:200]}")
    return answer


def accepted(answer: Answer) -> Answer:
    """The answer, when it is a success. Raises what a refusal means that nobody has a better word for."""
    if not answer.ok:
        raise general(answer)
    return answer


def general(answer: Answer) -> ShopError:
    """What a refusal means that nobody has a better word for."""
    internal = f"{answer.where}: {answer.status} {redacted(refusal(answer).message)[:200]}"
    if answer.status in NOT_OURS:
        return ShopMisconfigured(internal)
    return ShopRefused(reason(answer), internal=internal)


def is_id(key: str) -> bool:
    """Whether a text is one of the shop's numbers and nothing else: only such a text may stand in a path."""
    return key.isascii() and key.isdecimal() and len(key) <= len("9223372036854775807")
