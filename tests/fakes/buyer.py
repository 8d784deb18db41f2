"""The person behind an agent: opens the page that was handed over, and pays on it or does not."""

import re
from typing import Self
from urllib.parse import urlsplit

import httpx

SHOWN = re.compile(r'name="shown" value="(\d+)"')


class Buyer:
    """A browser without a script, for one shop."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=120, verify=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def sees(self, url: str) -> str:
        """The page there."""
        page = await self._client.get(url, follow_redirects=True)
        assert page.status_code == 200, page.text
        return page.text

    async def goes_to_pay(self, url: str) -> str:
        """Press the button of our page; the address of the provider's page it leads to."""
        return await self._orders(url)

    async def orders_by(self, url: str, method: str) -> str:
        """Press the button of our page that orders now and pays later; where it leads."""
        return await self._orders(url, by=method)

    async def _orders(self, url: str, **fields: str) -> str:
        shown = SHOWN.search(await self.sees(url))
        assert shown is not None, "there is nothing to pay on this page"
        return await self._presses(url, shown=shown[1], **fields)

    async def pays(self, url: str, *acts: str) -> str:
        """Go to the provider's page and press these buttons there, `pay` if none is named; where it leads."""
        at = await self.goes_to_pay(url)
        for act in acts or ("pay",):
            at = await self._presses(at, act=act)
        return at

    async def _presses(self, url: str, **fields: str) -> str:
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}"
        pressed = await self._client.post(url, data=fields, headers={"origin": origin})
        assert pressed.status_code == 303, (pressed.status_code, pressed.text)
        return str(httpx.URL(url).join(pressed.headers["location"]))
