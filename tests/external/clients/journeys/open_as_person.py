"""Stands in for a browser with a person: signs in for an authorization URL and follows the redirect to loopback.

The first time the person takes away the scopes in PERSON_WITHOUT, separated by spaces.
"""

import asyncio
import os
import sys
from pathlib import Path

import httpx

sys.path.append(os.environ["PERSON_FOLDER"])
from person import Person


async def main(address: str) -> None:
    asked = Path(os.environ["BROWSER"]).with_name("has-been-asked")
    without = frozenset() if asked.exists() else frozenset(os.environ["PERSON_WITHOUT"].split())
    asked.touch()
    async with Person(os.environ["PERSON_EMAIL"], os.environ["PERSON_PASSWORD"]) as person:
        led_to = await person.allow(address, without=without)
    async with httpx.AsyncClient() as browser:
        await browser.get(led_to)


asyncio.run(main(sys.argv[1]))
