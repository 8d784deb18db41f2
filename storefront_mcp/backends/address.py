"""A shop's address, taken apart once: most of what httpx does to read a URL is to read the same beginning again."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import httpx

PLAIN: Final = re.compile(r"(?:/[A-Za-z0-9_~-]+)+", re.ASCII)
"""A path that is the same in every form: nothing to quote, no segments of dots."""
LONGEST: Final = 4_096
"""Characters of a path and a query that nobody has to look at again."""


class Address:
    """Makes the URLs below one address."""

    def __init__(self, url: str) -> None:
        """Raises httpx.InvalidURL."""
        self._url = url.rstrip("/")
        self._base = httpx.URL(self._url)._uri_reference  # noqa: SLF001 -- httpx has no way to join what is read

    def below(self, path: str, query: Mapping[str, str] | None = None) -> httpx.URL:
        """The URL of a path with a query. Raises httpx.InvalidURL and UnicodeError."""
        told = urlencode(query) if query else None
        if len(path) + len(told or "") > LONGEST or not PLAIN.fullmatch(path):
            return httpx.URL(self._url + path if told is None else f"{self._url}{path}?{told}")
        url = httpx.URL.__new__(httpx.URL)
        below = self._base.path.rstrip("/") + path
        url._uri_reference = self._base._replace(path=below, query=told)  # noqa: SLF001 -- as above
        return url
