"""The process that writes mirrors: one per place, started anew when it dies, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.app.mirror_channel import (
    ChannelAnswer,
    ChannelClient,
    ChannelClosed,
    ChannelRequest,
    ChannelTransport,
    receive_frame,
    send_frame,
)
from storefront_mcp.app.mirror_engine import index_opener, mirror_folder
from storefront_mcp.catalogue.index import CatalogueIndex
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.serving import free_port, served, until

PATIENCE = 120.0
WRITER = b"storefront_mcp.app.mirror_process"


def writers(folder: Path) -> set[int]:
    """Process ids of the writers whose worker has a file open below a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            is_writer = WRITER in (entry / "cmdline").read_bytes()
            if is_writer and any(str(folder) in _opened(one) for one in (entry / "fd").iterdir()):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def _opened(descriptor: Path) -> str:
    """What is open there; nothing, once it is closed, as files are while others look."""
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def exists(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class Kept:
    """A demo whose mirror is on, and what is known of it from outside."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = free_port()
        self.settings: Settings = demo_settings(self.port, state=state, mirror=True)
        self.store = self.settings.stores[0]
        self.database = Database(self.settings.database)
        self.mirrors = SqlMirrorRepository(self.database)

    def record(self) -> MirrorRecord:
        found = self.mirrors.list_by_store(self.store.id)
        return found[0] if found else MirrorRecord(store=self.store.id, place="")

    def is_whole(self) -> bool:
        return self.record().generation > 0

    def index(self) -> CatalogueIndex:
        return index_opener(mirror_folder(self.settings.catalogue, self.store), self.store.locale)()

    def holds(self, true: Callable[[], bool], what: str) -> None:
        until(true, what, patience=PATIENCE)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.database.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
class TestProcess:
    """Over a real worker."""

    def test_a_worker_has_its_shop_mirrored_and_nothing_is_left_when_it_ends(self, kept: Kept) -> None:
        with served(create_app(kept.settings), kept.port):
            kept.holds(kept.is_whole, "the mirror")
            (writer,) = writers(kept.state)
            assert kept.index().size == kept.record().products > 100
            assert kept.record().lease_until > time.time()

            SqlCatalogueChanges(kept.database).append(kept.store.id, ["TEE-BLACK-M"], now=time.time())
            last = SqlCatalogueChanges(kept.database).last()
            kept.holds(lambda: kept.record().change >= last, "what was told to be heard")

        assert not exists(writer)
        assert kept.record().lease_until < time.time()

    def test_a_writer_that_is_killed_is_followed_by_another(self, kept: Kept) -> None:
        with served(create_app(kept.settings), kept.port):
            kept.holds(lambda: bool(writers(kept.state)), "a writer")
            (first,) = writers(kept.state)
            os.kill(first, signal.SIGKILL)
            kept.holds(lambda: bool(writers(kept.state) - {first}), "another writer")
            kept.holds(kept.is_whole, "the mirror")

    def test_a_writer_ends_with_a_worker_that_is_killed(self, kept: Kept, tmp_path: Path) -> None:
        state = tmp_path / "demo"
        command = [sys.executable, "-m", "storefront_mcp.cli", "demo", "--port", "0", "--state", str(state)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
            try:
                kept.holds(lambda: bool(writers(state)), "a writer")
                (writer,) = writers(state)
            finally:
                demo.kill()
        kept.holds(lambda: not exists(writer), "the writer to end")

    def test_two_workers_of_one_place_have_one_writer(self, kept: Kept) -> None:
        other = demo_settings(free_port(), state=kept.state, mirror=True)
        with served(create_app(kept.settings), kept.port), served(create_app(other), other.port) as origin:
            kept.holds(kept.is_whole, "the mirror")
            assert len(writers(kept.state)) == 1
            assert httpx.get(f"{origin}/healthz", timeout=60).status_code == 200
            assert len(kept.mirrors.list_by_store(kept.store.id)) == 1


# The channel ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_frames_arrive_whole_and_an_end_is_noticed(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    send_frame(ours, b"")
    send_frame(ours, b"x" * 100_000)
    assert receive_frame(theirs) == b""
    assert receive_frame(theirs) == b"x" * 100_000
    ours.sendall(b"\x00\x00\x00\x05abc")
    ours.close()
    with pytest.raises(ChannelClosed):
        receive_frame(theirs)


def test_a_frame_without_measure_ends_the_channel(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    ours.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(ChannelClosed):
        receive_frame(theirs)
    theirs.close()
    with pytest.raises(ChannelClosed):
        send_frame(ours, b"x" * 10_000_000)


async def test_an_answer_that_comes_too_late_is_not_anothers(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    gone: list[bool] = []
    client = ChannelClient(theirs, gone=lambda: gone.append(True))
    client.start()
    transport = ChannelTransport(client, "pickle")
    monkeypatch.setattr("storefront_mcp.app.mirror_channel.ANSWER_SECONDS", 0.01)
    with pytest.raises(httpx.ReadTimeout):
        await transport.handle_async_request(httpx.Request("GET", "http://shop.example/products?page=1"))
    first = msgspec.msgpack.decode(receive_frame(ours), type=ChannelRequest)
    assert (first.method, first.url, first.store) == ("GET", "http://shop.example/products?page=1", "pickle")

    monkeypatch.setattr("storefront_mcp.app.mirror_channel.ANSWER_SECONDS", 60.0)

    def answer() -> None:
        second = msgspec.msgpack.decode(receive_frame(ours), type=ChannelRequest)
        for number, status, body in ((first.number, 500, b"late"), (second.number, 200, b"{}")):
            send_frame(ours, msgspec.msgpack.encode(ChannelAnswer(number=number, status=status, headers=[], body=body)))

    answering = threading.Thread(target=answer)
    answering.start()
    answered = await transport.handle_async_request(httpx.Request("GET", "http://shop.example/products?page=2"))
    answering.join()

    assert (answered.status_code, await answered.aread()) == (200, b"{}")
    ours.close()
    until(lambda: gone, "the end to be noticed")
