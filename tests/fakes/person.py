"""A person at a browser without scripts: opens what an agent shows, signs in, and is led back to the agent."""

import re
from collections.abc import Mapping
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

FORM = re.compile(r'<form method="post" action="(?P<action>[^"]+)".*?</form>', re.DOTALL)
INPUT = re.compile(r"<input (?P<attributes>[^>]*)>")
ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
CALLBACK_SECONDS = 120.0
"""How long a callback may take on a busy machine."""


class Person:
    """Signs in with an e-mail address and a password; keeps cookies as one browser does."""

    def __init__(self, email: str, password: str, *, code: str | None = None) -> None:
        """`code` is what the person's authenticator shows."""
        self._typed = {"email": email, "password": password, "code": code or ""}
        self.browser = httpx.AsyncClient(timeout=CALLBACK_SECONDS)

    async def allow(self, address: str, *, without: frozenset[str] = frozenset()) -> str:
        """Sign in for the request of an authorization URL, and untick some scopes; where the browser is led then."""
        page = await self.browser.get(address)
        while page.status_code == httpx.codes.OK and FORM.search(page.text):
            page = await self.send(page, without=without)
        assert page.status_code == httpx.codes.SEE_OTHER, page.text
        return page.headers["location"]

    async def send(self, page: httpx.Response, *, without: frozenset[str] = frozenset()) -> httpx.Response:
        """Fill in the first form of a page and send it."""
        action, fields = filled_form(page.text, self._typed, without=without)
        return await self.browser.post(
            urljoin(str(page.url), action), data=fields, headers={"sec-fetch-site": "same-origin"}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.browser.aclose()


def filled_form(text: str, typed: Mapping[str, str], *, without: frozenset[str]) -> tuple[str, dict[str, list[str]]]:
    """The action of the first form in a page, and its fields as a person sends them."""
    form = FORM.search(text)
    assert form is not None, text
    fields: dict[str, list[str]] = {}
    for found in INPUT.finditer(form[0]):
        attributes = dict(ATTRIBUTE.findall(found["attributes"]))
        name, value = attributes["name"], unescape(attributes.get("value", ""))
        if attributes.get("type") == "checkbox" and (" checked" not in found[0] or value in without):
            continue
        fields.setdefault(name, []).append(typed.get(name, value) if attributes.get("type") != "hidden" else value)
    return unescape(form["action"]), fields


def answer_of(location: str) -> dict[str, str]:
    """The query of an address that the browser is led to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
