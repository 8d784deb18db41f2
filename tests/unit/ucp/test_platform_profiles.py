"""Profiles of platforms: who asks for them, how often, and what strangers cannot make us do."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.public_http.document_fetcher import DocumentFetcher
from storefront_mcp.public_http.documents import DocumentUnavailable, FetchedDocument
from storefront_mcp.ucp import platform_profiles
from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.platform_profiles import (
    FETCHES_A_MINUTE,
    FETCHES_AT_ONCE,
    FETCHES_OF_ADDRESS_A_MINUTE,
    FETCHES_OF_HOST_A_MINUTE,
    MAX_BACKOFF_SECONDS,
    MAX_PROFILES,
    MIN_BACKOFF_SECONDS,
    MIN_TTL_SECONDS,
    STALE_SECONDS,
    KnownPlatform,
    PlatformProfiles,
    ProfileCache,
    profile_url,
)
from storefront_mcp.ucp.profiles import MAX_PROFILE_BYTES, PlatformProfile
from tests.unit.public_http.hostile_host import HostileHost

URL = "https://platform.example/profile.json"
PROFILE = json.dumps({"ucp": {"version": "2026-08-25", "capabilities": {"dev.ucp.shopping.cart": [{}]}}}).encode()
PUBLIC = "93.184.216.34"


class ScriptedSource:
    """Serves one profile, or fails; may be held until it is let go."""

    def __init__(self) -> None:
        self.body = PROFILE
        self.cache_control = ""
        self.fault: DocumentUnavailable | None = None
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def fetch(self, url: str) -> FetchedDocument:
        self.asked.append(url)
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        return FetchedDocument(body=self.body, cache_control=self.cache_control)


class World:
    """A directory of one store with a clock of its own."""

    def __init__(self, known: dict[str, KnownPlatform] | None = None, *, loopback: bool = False) -> None:
        self.now = 1_000.0
        self.source = ScriptedSource()
        self.profiles = ProfileCache(self.source, clock=lambda: self.now)
        self.directory = PlatformProfiles(self.profiles, known=known or {}, loopback=loopback)

    async def refusal(self, url: str = URL, address: str = "") -> str:
        with pytest.raises(PlatformRefused) as refused:
            await self.directory.platform(url, address=address)
        return refused.value.code


def numbered(number: int) -> str:
    return f"https://p{number}.example/profile.json"


async def test_a_profile_is_fetched_once_and_remembered_while_it_is_fresh() -> None:
    world = World()
    world.source.cache_control = "max-age=120"
    first = await world.directory.platform(URL)
    world.now += 119
    assert await world.directory.platform(URL) is first
    world.now += 1
    await world.directory.platform(URL)

    assert (first.version, first.known) == ("2026-08-25", False)
    assert world.source.asked == [URL, URL]


@pytest.mark.parametrize("said", ["no-store", "max-age=0", "private, max-age=5", "no-cache"])
async def test_no_platform_can_have_its_profile_fetched_more_often_than_once_a_minute(said: str) -> None:
    world = World()
    world.source.cache_control = said
    for _ in range(3):
        await world.directory.platform(URL)
    world.now += MIN_TTL_SECONDS - 1
    await world.directory.platform(URL)

    assert world.source.asked == [URL]


async def test_all_who_ask_meanwhile_wait_for_one_fetch_and_none_takes_it_from_the_others() -> None:
    world = World()
    world.source.may_answer.clear()
    waiting = [asyncio.create_task(world.directory.platform(URL)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting[0].cancel()
    world.source.may_answer.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)

    assert world.source.asked == [URL]
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(each, PlatformProfile) for each in found[1:])


async def test_a_failing_profile_is_left_alone_for_longer_and_longer() -> None:
    world = World()
    world.source.fault = DocumentUnavailable("404")
    waited = MIN_BACKOFF_SECONDS
    for number in range(1, 9):
        assert await world.refusal() == "profile_unreachable"
        world.now += waited - 1
        assert await world.refusal() == "profile_unreachable"
        assert len(world.source.asked) == number
        world.now += 1
        waited = min(2 * waited, MAX_BACKOFF_SECONDS)
    world.source.fault = None
    assert (await world.directory.platform(URL)).version == "2026-08-25"


async def test_a_malformed_profile_is_left_alone_too() -> None:
    world = World()
    world.source.body = b"{"
    assert [await world.refusal() for _ in range(3)] == ["profile_malformed"] * 3
    assert len(world.source.asked) == 1


@pytest.mark.parametrize(("host_failed", "fetches"), [(True, 1), (False, 2)])
async def test_a_stranger_cannot_have_a_good_host_left_alone_by_naming_bad_paths(
    host_failed: bool, fetches: int
) -> None:
    world = World()
    world.source.fault = DocumentUnavailable("no", host_failed=host_failed)
    await world.refusal("https://platform.example/nothing")
    world.source.fault = None
    if host_failed:
        assert await world.refusal() == "profile_unreachable"
    else:
        await world.directory.platform(URL)
    assert len(world.source.asked) == fetches


async def test_what_was_read_is_used_for_a_while_when_it_cannot_be_fetched_any_more() -> None:
    world = World()
    world.source.cache_control = "max-age=60"
    first = await world.directory.platform(URL)
    world.source.fault = DocumentUnavailable("down")
    world.now += 61
    assert await world.directory.platform(URL) is first
    world.now += STALE_SECONDS
    assert await world.refusal() == "profile_unreachable"


async def test_one_address_cannot_make_us_fetch_more_than_its_budget() -> None:
    world = World()
    for number in range(FETCHES_OF_ADDRESS_A_MINUTE):
        await world.directory.platform(numbered(number), address="192.0.2.1")

    assert await world.refusal(numbered(99), "192.0.2.1") == "profile_unreachable"
    assert (await world.directory.platform(numbered(0), address="192.0.2.1")).version
    await world.directory.platform(numbered(100), address="192.0.2.2")
    world.now += 60
    await world.directory.platform(numbered(99), address="192.0.2.1")


async def test_no_host_is_asked_more_than_its_budget_whoever_names_it() -> None:
    world = World()
    for number in range(FETCHES_OF_HOST_A_MINUTE):
        await world.directory.platform(f"https://victim.example/{number}", address=f"192.0.2.{number}")

    assert await world.refusal("https://victim.example/99", "192.0.2.99") == "profile_unreachable"
    assert len(world.source.asked) == FETCHES_OF_HOST_A_MINUTE


async def test_all_strangers_together_cannot_make_us_fetch_more_than_the_budget() -> None:
    world = World({numbered(0): KnownPlatform(profile=numbered(0))})
    told = []
    for number in range(1, 3 * FETCHES_A_MINUTE):
        try:
            await world.directory.platform(numbered(number), address=f"192.0.2.{number}")
        except PlatformRefused as error:
            told.append((error.code, error.retry_after))

    assert len(world.source.asked) == FETCHES_A_MINUTE
    assert set(told) == {("profile_unreachable", 60)}
    known = await world.directory.platform(numbered(0), address="192.0.2.1")
    assert known.known


async def test_slow_strangers_hold_neither_those_who_are_remembered_nor_those_who_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform_profiles, "WAIT_SECONDS", 0.01)
    known = numbered(500)
    world = World({known: KnownPlatform(profile=known)})
    await world.directory.platform(URL)
    world.source.may_answer.clear()
    slow = [asyncio.create_task(world.directory.platform(numbered(number))) for number in range(FETCHES_AT_ONCE)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert (await world.directory.platform(URL)).version
    assert await world.refusal(numbered(100)) == "profile_unreachable"
    asked = asyncio.create_task(world.directory.platform(known))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.source.asked[-1] == known
    world.source.may_answer.set()
    await asyncio.gather(asked, *slow)


async def test_one_host_is_asked_by_two_at_once_at_most() -> None:
    world = World()
    world.source.may_answer.clear()
    asked = [asyncio.create_task(world.directory.platform(f"https://slow.example/{number}")) for number in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await world.refusal("https://slow.example/3") == "profile_unreachable"
    world.source.may_answer.set()
    await asyncio.gather(*asked)
    await world.directory.platform("https://slow.example/3")


async def test_profiles_take_no_more_room_than_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform_profiles, "FETCHES_A_MINUTE", 10 * MAX_PROFILES)
    world = World()
    for number in range(MAX_PROFILES + 10):
        await world.directory.platform(numbered(number))

    assert len(world.profiles._held) == MAX_PROFILES
    assert world.profiles._fetching == {}
    assert not world.profiles._at_host


async def test_closing_ends_what_is_being_fetched() -> None:
    world = World()
    world.source.may_answer.clear()
    asked = asyncio.create_task(world.directory.platform(URL))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await world.profiles.close()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_a_platform_that_is_described_by_the_operator_is_never_asked() -> None:
    described = PlatformProfile(profile=URL, version="2026-08-25", capabilities={}, known=True)
    world = World({URL: KnownPlatform(profile=URL, platform=described)})

    assert await world.directory.platform(URL) is described
    assert await world.directory.with_new_keys(described) is described
    assert world.source.asked == []


async def test_new_keys_are_looked_for_once_a_minute() -> None:
    world = World()
    platform = await world.directory.platform(URL)
    world.now += MIN_TTL_SECONDS - 1
    assert await world.directory.with_new_keys(platform) is platform
    world.now += 1
    assert await world.directory.with_new_keys(platform) is not platform
    assert len(world.source.asked) == 2


# URLs ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        (URL, URL),
        ("HTTPS://Platform.Example/Profile.json?v=1", "https://platform.example/Profile.json?v=1"),
        ("https://platform.example:443/p", "https://platform.example/p"),
    ],
)
def test_a_url_has_one_form(url: str, normal: str) -> None:
    assert profile_url(url, loopback=False) == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "platform.example/p",
        "http://platform.example/p",
        "ftp://platform.example/p",
        "https://platform.example",
        "https://platform.example:8443/p",
        "https://platform.example:port/p",
        "https://user@platform.example/p",
        "https://platform.example/p#part",
        "https://platform.example/a/../b",
        "https://localhost/p",
        "https://127.0.0.1/p",
        "https://2130706433/p",
        "https://0x7f000001/p",
        "https://[::1]/p",
        "https://[::ffff:127.0.0.1]/p",
        "https://169.254.169.254/latest/meta-data",
        "https://[half/p",
        "https://plätze.example/p",
        "https://platform.example/" + "x" * 3_000,
        "file:///etc/passwd",
    ],
)
async def test_a_url_that_is_none_of_a_platform_is_refused_and_nothing_is_fetched(url: str) -> None:
    world = World()
    assert await world.refusal(url) == "invalid_profile_url"
    assert world.source.asked == []


@pytest.mark.parametrize(
    "url", ["http://localhost:8399/agent.json", "http://127.0.0.1/a", "https://agent.localhost:1/"]
)
async def test_a_store_on_this_machine_takes_platforms_on_it(url: str) -> None:
    assert (await World(loopback=True).directory.platform(url)).profile == url
    assert await World().refusal(url) == "invalid_profile_url"


# Hostile hosts ------------------------------------------------------------------------------------------------------


def fetching(source: DocumentFetcher) -> PlatformProfiles:
    return PlatformProfiles(ProfileCache(source), known={}, loopback=False)


async def code_of(directory: PlatformProfiles, url: str = URL) -> str:
    with pytest.raises(PlatformRefused) as refused:
        await directory.platform(url)
    return refused.value.code


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254"]
)
async def test_a_name_of_a_private_address_is_not_connected_to(address: str) -> None:
    connected: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        connected.append(request)
        return httpx.Response(200, content=PROFILE, headers={"content-type": "application/json"})

    async def resolve(_host: str) -> list[str]:
        return [address]

    directory = fetching(DocumentFetcher(resolve=resolve, transport=httpx.MockTransport(answer)))
    assert await code_of(directory) == "profile_unreachable"
    assert connected == []


async def test_a_name_that_changes_its_address_between_two_questions_gains_nothing() -> None:
    """The check and the connection use one answer; a profile that is fetched anew is checked anew."""
    answers = [[PUBLIC], ["127.0.0.1"]]
    connected: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        connected.append(request.url.host)
        headers = {"content-type": "application/json", "cache-control": "max-age=60"}
        return httpx.Response(200, content=PROFILE, headers=headers)

    async def resolve(_host: str) -> list[str]:
        return answers.pop(0)

    now = [0.0]
    source = DocumentFetcher(resolve=resolve, transport=httpx.MockTransport(answer))
    directory = PlatformProfiles(ProfileCache(source, clock=lambda: now[0]), known={}, loopback=False)
    await directory.platform(URL)
    now[0] += 61 + STALE_SECONDS
    assert await code_of(directory) == "profile_unreachable"
    assert connected == [PUBLIC]
    assert answers == []


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "https://other.example/", "http://localhost:1/"])
async def test_a_redirect_is_not_followed(location: str) -> None:
    connected: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        connected.append(request.url.host)
        return httpx.Response(302, headers={"location": location})

    async def resolve(_host: str) -> list[str]:
        return [PUBLIC]

    assert await code_of(fetching(DocumentFetcher(resolve=resolve, transport=httpx.MockTransport(answer)))) == (
        "profile_unreachable"
    )
    assert connected == [PUBLIC]


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def written(*parts: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([HEAD, b"\r\n", PROFILE], None),
        ([HEAD, b"\r\n", b"x" * (MAX_PROFILE_BYTES + 1)], "profile_unreachable"),
        ([HEAD, b"content-encoding: gzip\r\n\r\n", gzip.compress(b"0" * 10_000_000)], "profile_unreachable"),
        ([HEAD, b"\r\n", b"[" * 200_000], "profile_malformed"),
        ([HEAD, b"\r\n", b'{"a":' * 5_000], "profile_malformed"),
        ([HEAD, b"\r\n", b"\xff" * 100], "profile_malformed"),
        ([b"HTTP/1.1 301 Moved\r\nlocation: https://127.0.0.1/\r\n\r\n"], "profile_unreachable"),
        ([b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n", PROFILE], "profile_unreachable"),
        ([b"220 mail.example ESMTP\r\n"], "profile_unreachable"),
        ([b"HTTP/1.1 200 OK\r\n" + b"x-a: " + b"y" * 200_000], "profile_unreachable"),
    ],
    ids=["good", "huge", "gzip bomb", "deep", "deep objects", "bytes", "redirect", "html", "other protocol", "header"],
)
async def test_what_a_hostile_host_sends_ends_in_a_refusal(tmp_path: Path, parts: Any, code: str | None) -> None:
    async with HostileHost(tmp_path, "platform.example") as host:
        host.answer = written(*parts)
        directory = fetching(host.fetcher(MAX_PROFILE_BYTES))
        if code is None:
            assert (await directory.platform(URL)).version == "2026-08-25"
        else:
            assert await code_of(directory) == code


@pytest.mark.parametrize(
    "document",
    [
        {"capabilities": {"a.b": [{"extends": "a.c"}], "a.c": [{"extends": "a.b"}]}},
        {"capabilities": {"a.b": [{"$ref": "#/ucp"}]}, "$ref": "#"},
    ],
    ids=["extends", "references"],
)
async def test_circles_in_a_profile_lead_nowhere(document: dict[str, Any]) -> None:
    world = World()
    world.source.body = json.dumps({"ucp": {"version": "2026-08-25", **document}}).encode()

    assert (await world.directory.platform(URL)).version == "2026-08-25"
