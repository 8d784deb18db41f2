"""Stands in for a browser with a person: signs in for an authorization URL and follows the redirect to loopback."""

import asyncio
import os
import sys

import httpx

sys.path.append(os.environ["PERSON_FOLDER"])
from person import Person


async def main(address: str) -> None:
    async with Person(os.environ["PERSON_EMAIL"], os.environ["PERSON_PASSWORD"]) as person:
        led_to = await person.allow(address)
    async with httpx.AsyncClient() as browser:
        await browser.get(led_to)


asyncio.run(main(sys.argv[1]))
