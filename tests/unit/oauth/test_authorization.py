"""Each parameter of an authorization request: absent, twice, empty, huge, wrong, foreign."""

from urllib.parse import parse_qs, quote, urlsplit

import pytest

from storefront_mcp.oauth.authorization import canonical_resource
from storefront_mcp.oauth.errors import ClientRefused
from storefront_mcp.oauth.sign_in_views import ReturnAddress
from storefront_mcp.records.oauth import AuthorizationRequest
from tests.fakes.memory_backend import STORE
from tests.unit.oauth.authorizing import CHALLENGE, FIXED, REDIRECT, AuthorizationWorld

HUGE = "x" * 10_240
PAGE = "page"
TAKEN = "taken"
"""Otherwise the error that the client is told."""


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("client_id", None, PAGE),
        ("client_id", "", PAGE),
        ("client_id", HUGE, PAGE),
        ("client_id", "unknown", PAGE),
        ("client_id", "dcr1.forged.tag", PAGE),
        ("client_id", "a\x00b", PAGE),
        ("client_id", "ü", PAGE),
        ("client_id", "https://agent.example/client.json", PAGE),
        ("client_id", FIXED.id, PAGE),
        ("redirect_uri", None, PAGE),
        ("redirect_uri", "", PAGE),
        ("redirect_uri", HUGE, PAGE),
        ("redirect_uri", "https://evil.example/cb", PAGE),
        ("redirect_uri", "http://localhost:4711/callback", PAGE),
        ("redirect_uri", REDIRECT + "#x", PAGE),
        ("redirect_uri", "http://127.0.0.1:4711@evil.example/callback", PAGE),
        ("redirect_uri", "http://127.0.0.1:9/callback", TAKEN),
        ("response_type", None, "invalid_request"),
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_type", HUGE, "unsupported_response_type"),
        ("response_mode", "query", TAKEN),
        ("response_mode", "fragment", "invalid_request"),
        ("response_mode", "form_post", "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", CHALLENGE[:-1], "invalid_request"),
        ("code_challenge", CHALLENGE + "=", "invalid_request"),
        ("code_challenge", HUGE, "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("resource", None, TAKEN),
        ("resource", "", TAKEN),
        ("resource", STORE.origin, TAKEN),
        ("resource", STORE.endpoint + "/", TAKEN),
        ("resource", STORE.endpoint + "/account", TAKEN),
        ("resource", STORE.endpoint + "/sse", "invalid_target"),
        ("resource", STORE.endpoint + "#x", "invalid_target"),
        ("resource", "https://paddle.example/mcp", "invalid_target"),
        ("resource", "no url", "invalid_target"),
        ("resource", "https://[", "invalid_target"),
        ("resource", HUGE, "invalid_target"),
        ("state", None, TAKEN),
        ("state", "", TAKEN),
        ("state", "ü&=\n", TAKEN),
        ("state", HUGE, "invalid_request"),
        ("scope", None, TAKEN),
        ("scope", "", TAKEN),
        ("scope", "openid email profile", TAKEN),
        ("scope", HUGE, TAKEN),
        ("prompt", "consent", TAKEN),
        ("unknown", HUGE, TAKEN),
    ],
)
async def test_each_parameter_is_taken_denied_or_shown_as_a_page(
    world: AuthorizationWorld, name: str, value: str | None, outcome: str
) -> None:
    if outcome == PAGE:
        with pytest.raises(ClientRefused):
            await world.authorize(**{name: value})
        return
    answer = await world.authorize(**{name: value})
    if outcome == TAKEN:
        assert isinstance(answer, AuthorizationRequest)
        return
    assert isinstance(answer, ReturnAddress)
    assert answer.address.startswith(REDIRECT + "?")
    assert answer.unproven, "anybody can make a client, and no person has agreed to go there"
    fields = parse_qs(urlsplit(answer.address).query)
    assert (fields["error"], fields["iss"]) == ([outcome], [STORE.origin])
    assert fields.get("state") == (None if name == "state" else ["s-1"])


PARAMETERS = (
    *("client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource"),
    *("code_challenge", "code_challenge_method", "prompt", "nonce", "request", "request_uri", "claims"),
)
ODD_VALUES = (
    *(
        "",
        " ",
        "\x00",
        "\n",
        "ü",
        "%",
        "\ud7ff",
        "plain",
        "none",
        HUGE,
        CHALLENGE,
        REDIRECT,
        STORE.endpoint,
        "code code",
    ),
    *("https://evil.example/cb", "//evil.example", "javascript:alert(1)", "https://paddle.example/mcp", "sfc_1_2"),
)


@pytest.mark.parametrize("name", PARAMETERS)
async def test_whatever_stands_in_a_parameter_leads_to_a_page_or_to_the_client_itself(
    world: AuthorizationWorld, name: str
) -> None:
    """Absent, empty, huge, wrong, or another parameter's value: nothing else comes of it."""
    for value in (None, *ODD_VALUES):
        try:
            answer = await world.authorize(**{name: value})
        except ClientRefused:
            continue
        address = answer.address if isinstance(answer, ReturnAddress) else answer.redirect_uri
        told = urlsplit(address)
        assert f"{told.scheme}://{told.netloc}{told.path}" == REDIRECT, (name, value)
        if isinstance(answer, ReturnAddress):
            assert set(parse_qs(told.query)) - {"state"} == {"error", "error_description", "iss"}


@pytest.mark.parametrize("name", PARAMETERS[:9])
async def test_a_parameter_that_comes_twice_leads_to_a_page(world: AuthorizationWorld, name: str) -> None:
    once = world.query(response_mode="query")
    twice = f"{once}&{name}={quote(parse_qs(once)[name][0])}"
    with pytest.raises(ClientRefused, match=f"{name} twice"):
        await world.server.authorization_request(twice.encode())


@pytest.mark.parametrize("query", [b"", b"&&&", b"%", b"%ff=%fe", b"\xff", b"a=b&" * 60, b"x=" + b"y" * 20_000])
async def test_no_query_is_more_than_a_page(world: AuthorizationWorld, query: bytes) -> None:
    with pytest.raises(ClientRefused):
        await world.server.authorization_request(query)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("orders:read", ("orders:read",)),
        ("checkout orders:read", ("orders:read", "checkout")),
        ("read:orders manage:workspace orders:read", ("orders:read",)),
        ("openid", ("profile:read", "orders:read")),
        (None, ("profile:read", "orders:read")),
        ("checkout", ("profile:read", "orders:read")),
    ],
)
async def test_unknown_and_closed_scopes_are_left_out_and_no_scope_is_all_that_is_open(
    world: AuthorizationWorld, asked: str | None, given: tuple[str, ...]
) -> None:
    world.offered = (
        ("profile:read", "orders:read", "checkout") if "checkout" in given else ("profile:read", "orders:read")
    )
    answer = await world.authorize(scope=asked)
    assert isinstance(answer, AuthorizationRequest)
    assert answer.scopes == given


async def test_a_client_of_the_settings_gets_its_errors_at_once(world: AuthorizationWorld) -> None:
    (uri,) = FIXED.redirect_uris
    answer = await world.authorize(client_id=FIXED.id, redirect_uri=uri, response_type="token")
    assert isinstance(answer, ReturnAddress)
    assert not answer.unproven


async def test_the_query_of_a_redirect_uri_is_kept(world: AuthorizationWorld) -> None:
    id_ = world.register(redirect_uris=["https://agent.example/cb?tenant=7"])["client_id"]
    answer = await world.authorize(
        client_id=id_, redirect_uri="https://agent.example/cb?tenant=7", response_type="token"
    )
    assert isinstance(answer, ReturnAddress)
    assert answer.address.startswith("https://agent.example/cb?tenant=7&error=unsupported_response_type")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (None, STORE.endpoint),
        (STORE.origin + "/", STORE.endpoint),
        ("HTTPS://PICKLE.example:443/mcp", STORE.endpoint),
        (STORE.endpoint + "/account/", STORE.endpoint + "/account"),
        ("https://pickle.example/MCP", None),
        ("https://pickle.example/mcp?x=1", None),
        ("http://pickle.example/mcp", None),
        ("https://user@pickle.example/mcp", None),
        ("ftp://pickle.example/mcp", None),
        ("pickle.example/mcp", None),
    ],
)
def test_one_endpoint_has_one_name_however_it_is_spelt(asked: str | None, meant: str | None) -> None:
    assert canonical_resource(STORE, asked) == meant
