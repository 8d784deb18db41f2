"""Published documents: the same rules of HTTP for each of them."""

import gzip
import json

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.web.document import accepts_gzip, preferred_type, represent
from tests.fakes.memory_backend import OPEN, STORE, roadmap
from tests.unit.web.serving import LONG, ServedStore, elsewhere

LONG_AT, SMALL_AT = "/.well-known/long.json", "/.well-known/small.json"
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Content-Type, If-None-Match",
    "access-control-expose-headers": "ETag, Link",
}
HTML, MARKDOWN = "text/html; charset=utf-8", "text/markdown; charset=utf-8"


@pytest.fixture
def served_store() -> ServedStore:
    return ServedStore()


async def test_a_document_is_served_with_everything_that_caches_and_browsers_want(served_store: ServedStore) -> None:
    response = await served_store.ask("GET", LONG_AT)
    assert response.status_code == 200
    assert response.content == LONG
    wanted = {
        **CORS,
        "content-type": "application/json",
        "cache-control": "public, max-age=3600",
        "vary": "Accept-Encoding",
        "link": '<https://pickle.example/x>; rel="x"',
        "content-length": str(len(LONG)),
        "x-content-type-options": "nosniff",
    }
    assert {name: response.headers.get(name) for name in wanted} == wanted
    assert response.headers["etag"].startswith('"')
    assert "content-encoding" not in response.headers
    assert "set-cookie" not in response.headers


async def test_every_address_of_a_document_answers_with_the_same_bytes(served_store: ServedStore) -> None:
    one, two = await served_store.ask("GET", SMALL_AT), await served_store.ask("GET", "/.well-known/small")
    slashed = await served_store.ask("GET", SMALL_AT + "/")
    assert one.content == two.content == slashed.content
    assert one.headers["etag"] == two.headers["etag"] == slashed.headers["etag"]


@pytest.mark.parametrize("path", [LONG_AT, SMALL_AT, "/"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_head_tells_what_get_would_send_and_sends_nothing(
    served_store: ServedStore, path: str, encoding: str
) -> None:
    headers = {"accept-encoding": encoding}
    got, head = await served_store.ask("GET", path, headers), await served_store.ask("HEAD", path, headers)
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(got.headers)


async def test_options_names_the_methods_and_lets_browsers_in(served_store: ServedStore) -> None:
    response = await served_store.ask("OPTIONS", LONG_AT)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert CORS.items() <= dict(response.headers).items()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused_by_name(served_store: ServedStore, method: str) -> None:
    response = await served_store.ask(method, LONG_AT)
    assert response.status_code == 405
    assert {part.strip() for part in response.headers["allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json()["status"] == 405


async def test_a_large_document_travels_compressed_under_a_tag_of_its_own(served_store: ServedStore) -> None:
    plain = await served_store.ask("GET", LONG_AT)
    zipped = await served_store.ask("GET", LONG_AT, {"accept-encoding": "gzip, br"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == LONG
    assert int(zipped.headers["content-length"]) < len(LONG)
    assert zipped.headers["etag"] == plain.headers["etag"].removesuffix('"') + '-gz"'
    assert zipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_a_small_document_is_not_worth_compressing(served_store: ServedStore) -> None:
    response = await served_store.ask("GET", SMALL_AT, {"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ("{gz}", 304),
        ("W/{gz}", 304),
        ("*", 304),
        ('"other", {tag}', 304),
        ('"other",W/{gz} , "third"', 304),
        ('"other"', 200),
        ("", 200),
        ('"*"', 200),
        ("{bare}", 200),
    ],
)
async def test_a_known_tag_is_answered_without_a_body(
    served_store: ServedStore, method: str, encoding: str, form: str, status: int
) -> None:
    fresh = await served_store.ask("GET", LONG_AT, {"accept-encoding": encoding})
    bare = fresh.headers["etag"].strip('"').removesuffix("-gz")
    sent = form.format(tag=f'"{bare}"', gz=f'"{bare}-gz"', bare=bare)
    response = await served_store.ask(method, LONG_AT, {"accept-encoding": encoding, "if-none-match": sent})
    assert response.status_code == status
    if status == 304:
        assert response.content == b""
        assert "content-type" not in response.headers
        assert "content-encoding" not in response.headers
        assert int(response.headers.get("content-length", fresh.headers["content-length"])) in {
            0,
            int(fresh.headers["content-length"]),
        }
        for name in ("etag", "vary", "cache-control", "link", *CORS):
            assert response.headers[name] == fresh.headers[name]


async def test_several_if_none_match_fields_are_one_list(served_store: ServedStore) -> None:
    tag = (await served_store.ask("GET", LONG_AT)).headers["etag"]
    headers = [("if-none-match", '"other"'), ("if-none-match", tag)]
    assert (await served_store.ask("GET", LONG_AT, headers)).status_code == 304


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, HTML),
        ("", HTML),
        ("*/*", HTML),
        ("text/*", HTML),
        ("text/html", HTML),
        ("text/markdown", MARKDOWN),
        ("TEXT/MARKDOWN", MARKDOWN),
        ("text/markdown;charset=utf-8", MARKDOWN),
        ("text/markdown, text/html;q=0.9, */*;q=0.1", MARKDOWN),
        ("text/markdown, */*", MARKDOWN),
        ("text/html, text/markdown", HTML),
        ("text/html, text/markdown;q=0.9", HTML),
        ("text/html;q=0.5, text/markdown;q=0.9", MARKDOWN),
        ("text/html;q=0, text/markdown", MARKDOWN),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("text/markdown;q=0", HTML),
        ("text/markdown;q=nonsense", HTML),
        ("text/markdown;q=0.5, text/*;q=0.6", HTML),
        ("application/json", HTML),
        ("image/png, nonsense;;;=,,", HTML),
    ],
)
async def test_accept_chooses_and_nobody_gets_a_406(
    served_store: ServedStore, accept: str | None, media_type: str
) -> None:
    response = await served_store.ask("GET", "/", {} if accept is None else {"accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["vary"] == "Accept-Encoding, Accept"


async def test_two_representations_never_share_a_tag(served_store: ServedStore) -> None:
    html = await served_store.ask("GET", "/")
    again = await served_store.ask("GET", "/", {"accept": "text/markdown", "if-none-match": html.headers["etag"]})
    assert again.status_code == 200
    assert again.headers["etag"] != html.headers["etag"]


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=x", False),
        ("gzip;level=9;q=1", True),
    ],
)
def test_gzip_is_sent_only_where_it_is_wanted(accept_encoding: str | None, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@given(st.text(max_size=60))
def test_no_header_breaks_the_negotiation(text: str) -> None:
    assert preferred_type(text, [HTML, MARKDOWN]) in {HTML, MARKDOWN}
    assert accepts_gzip(text) in {True, False}
    assert represent(LONG, "application/json").matches(text) is (text.strip() == "*" or "*" in text.split(","))


@given(st.binary(max_size=2000))
def test_bytes_and_tags_are_the_same_for_the_same_body(body: bytes) -> None:
    one, two = represent(body, "text/plain"), represent(body, "text/plain")
    assert one == two
    assert one.zipped is None or gzip.decompress(one.zipped) == body
    assert one.tag != represent(body + b".", "text/plain").tag
    assert one.tag != represent(body, "text/html").tag


async def test_a_flip_changes_document_and_tag_at_the_next_request() -> None:
    served_store = ServedStore(roadmap())
    before = await served_store.ask("GET", SMALL_AT)
    served_store.site.publish(OPEN)
    after = await served_store.ask("GET", SMALL_AT, {"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert (before.json()["open"], after.json()["open"]) == (False, True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_document_that_does_not_exist_now_is_a_true_404(method: str) -> None:
    served_store = ServedStore(roadmap())
    response = await served_store.ask(method, "/.well-known/sometimes")
    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    served_store.site.publish(OPEN)
    assert (await served_store.ask(method, "/.well-known/sometimes")).status_code in {200, 204}


async def test_root_documents_can_be_left_to_the_shop() -> None:
    served_store = ServedStore(stores=(elsewhere(root_documents=False),))
    assert (await served_store.ask("GET", "/")).status_code == 404
    assert (await served_store.ask("GET", SMALL_AT)).status_code == 200
    assert (await served_store.ask("GET", "/shipping")).status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/.env", "/.git/config", "/api/x", "/mcp/x", "/.well-known/nope", "/%00"])
async def test_unknown_paths_are_problem_documents(served_store: ServedStore, path: str) -> None:
    response = await served_store.ask("GET", path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem = response.json()
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Not Found", 404)
    assert problem["detail"]


async def test_a_very_long_path_is_not_repeated_whole(served_store: ServedStore) -> None:
    response = await served_store.ask("GET", "/" + "x" * 5000)
    assert response.status_code == 404
    assert len(json.loads(response.content)["detail"]) < 300


async def test_the_stores_own_name_is_in_its_404(served_store: ServedStore) -> None:
    served_store.site.publish(roadmap())
    assert "Pickle Warehouse" in (await served_store.ask("GET", "/.well-known/sometimes")).json()["detail"]
    assert STORE.name == "Pickle Warehouse"
