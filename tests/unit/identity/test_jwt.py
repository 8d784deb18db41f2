"""JWTs of an issuer over real HTTP: what holds, what does not, and what an outage means."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.access_tokens import JwtVerifier
from storefront_mcp.identity.claims import TokenPolicy
from storefront_mcp.identity.issuer_client import IssuerClient, is_trusted_url
from storefront_mcp.identity.jwks import (
    FAILURE_BACKOFF_SECONDS,
    KEYS_TTL_SECONDS,
    MAX_KEYS,
    STALE_TTL_SECONDS,
    JwksCache,
)
from tests.unit.identity.conftest import Clock
from tests.unit.identity.issuer import OTHER, RESOURCE, SHARED, Issuer, forged, public_jwk, public_pem, rsa_key

PICKLE = StoreId("pickle")


class Checking:
    """The check of one issuer's tokens, as a worker has it."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self.questions = IssuerClient(total=20.0)
        keys = JwksCache(issuer, self.questions, clock=clock.monotonic)
        self.keys = keys
        self.tokens = JwtVerifier(TokenPolicy(issuer=issuer, resource=RESOURCE, store=PICKLE), keys, now=clock.now)

    async def __call__(self, token: str) -> Any:
        return await self.tokens.caller(token)

    async def close(self) -> None:
        await self.tokens.close()
        await self.questions.close()

    async def settled(self) -> None:
        """Wait for the keys that are being fetched beside a call."""
        assert self.keys._refreshing is not None
        await self.keys._refreshing


@pytest.fixture
async def check(issuer: Issuer, clock: Clock) -> AsyncIterator[Checking]:
    check = Checking(issuer.url, clock)
    yield check
    await check.close()


async def refusal(check: Checking, token: str) -> str:
    with pytest.raises(CredentialRefused) as refused:
        await check(token)
    return str(refused.value)


async def test_a_token_says_who_calls_and_what_they_may(check: Checking, issuer: Issuer) -> None:
    caller = await check(issuer.token())
    assert caller.kind == "token"
    assert caller.principal == f"{issuer.url} customer-7"
    assert caller.identifier == f"token:{issuer.url} customer-7"
    assert caller.client == "agent-app"
    assert caller.store == PICKLE
    assert caller.scopes == {"read:orders"}, "scopes of others mean nothing here"


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT"])
async def test_the_usual_types_are_access_tokens(check: Checking, issuer: Issuer, typ: str) -> None:
    assert (await check(issuer.token(header={"typ": typ}))).kind == "token"


@pytest.mark.parametrize("claim", [{"scp": ["read:orders", 7]}, {"scp": "read:orders"}])
async def test_scopes_may_be_called_scp(check: Checking, issuer: Issuer, claim: dict[str, Any]) -> None:
    assert (await check(issuer.token(scope=None, **claim))).scopes == {"read:orders"}


async def test_scopes_of_no_form_are_none(check: Checking, issuer: Issuer) -> None:
    assert (await check(issuer.token(scope=7))).scopes == frozenset()


async def test_a_token_without_a_subject_speaks_for_its_client(check: Checking, issuer: Issuer) -> None:
    caller = await check(issuer.token(sub=None, client_id=None, azp="robot"))
    assert caller.principal == f"{issuer.url} robot"
    assert "whom it speaks for" in await refusal(check, issuer.token(sub=None, client_id="x" * 300))


async def test_an_audience_may_be_one_of_several(check: Checking, issuer: Issuer) -> None:
    assert (await check(issuer.token(aud=["https://other.example", RESOURCE]))).kind == "token"


@pytest.mark.parametrize("aud", [None, "https://other.example/mcp", RESOURCE + "/", [], ["https://pickle.example"]])
async def test_a_token_for_another_audience_is_refused(check: Checking, issuer: Issuer, aud: Any) -> None:
    assert "not issued for" in await refusal(check, issuer.token(aud=aud))


@pytest.mark.parametrize("iss", ["https://other.example", None, 7])
async def test_a_token_of_another_issuer_is_refused(check: Checking, issuer: Issuer, iss: Any) -> None:
    claims = issuer.claims(iss=None) if iss is None else issuer.claims() | {"iss": iss}
    signed = forged({"alg": "RS256", "kid": "one", "typ": "at+jwt"}, claims)
    message = signed.rpartition(".")[0].encode()
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    signature = SHARED.sign(message, padding.PKCS1v15(), hashes.SHA256())
    token = f"{message.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert await refusal(check, token) == "This access token is from another issuer."


async def test_expiry_and_beginning_allow_a_minute_of_skew(check: Checking, issuer: Issuer, clock: Clock) -> None:
    now = int(clock.now().timestamp())
    assert (await check(issuer.token(exp=now - 59))).kind == "token"
    assert (await check(issuer.token(nbf=now + 60))).kind == "token"
    assert "has expired" in await refusal(check, issuer.token(exp=now - 60))
    assert "not count yet" in await refusal(check, issuer.token(nbf=now + 61))


@pytest.mark.parametrize("exp", [None, True, "soon", -1, 1e300])
async def test_a_token_must_say_when_it_ends(check: Checking, issuer: Issuer, exp: Any) -> None:
    assert "when it expires" in await refusal(check, issuer.token(exp=exp))


async def test_a_beginning_that_is_no_time_never_comes(check: Checking, issuer: Issuer) -> None:
    assert "not count yet" in await refusal(check, issuer.token(nbf="now"))


async def test_elliptic_and_edwards_keys_sign_too(check: Checking, issuer: Issuer) -> None:
    issuer.keys |= {"ec": ec.generate_private_key(ec.SECP256R1()), "ed": ed25519.Ed25519PrivateKey.generate()}
    assert (await check(issuer.token(kid="ec", algorithm="ES256"))).kind == "token"
    assert (await check(issuer.token(kid="ed", algorithm="EdDSA"))).kind == "token"
    assert (await check(issuer.token(algorithm="PS256"))).kind == "token"


# Tricks ---------------------------------------------------------------------------------------------------------------


async def test_an_unsigned_token_is_refused(check: Checking, issuer: Issuer) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        await refusal(check, forged({"alg": algorithm, "typ": "at+jwt", "kid": "one"}, issuer.claims()))
    assert issuer.asked == [], "nobody is asked about a token that cannot hold"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_public_key_is_no_shared_secret(check: Checking, issuer: Issuer, algorithm: str) -> None:
    for secret in (public_pem(SHARED), public_pem(SHARED).strip(), json.dumps(public_jwk(SHARED, "one")).encode()):
        unsigned = forged({"alg": algorithm, "typ": "at+jwt", "kid": "one"}, issuer.claims()).rpartition(".")[0]
        digest = hmac.digest(secret, unsigned.encode(), getattr(hashlib, f"sha{algorithm[2:]}"))
        token = f"{unsigned}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
        assert "no access token" in await refusal(check, token)


async def test_symmetric_keys_of_an_issuer_are_not_used(check: Checking, issuer: Issuer) -> None:
    issuer.extra = [{"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64.urlsafe_b64encode(b"k" * 32).decode()}]
    token = issuer.token(kid="shared", key=b"k" * 32, algorithm="HS256")
    assert "no access token" in await refusal(check, token)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_a_key_that_comes_with_the_token_is_not_used(check: Checking, issuer: Issuer, name: str) -> None:
    attacker = Issuer()
    try:
        attacker.keys = {"one": OTHER}
        brought = public_jwk(OTHER, "one") if name == "jwk" else f"{attacker.origin}/keys"
        token = issuer.token(key=OTHER, header={name: brought})
        await refusal(check, token)
        assert attacker.asked == []
    finally:
        attacker.close()


async def test_a_key_of_another_kind_or_name_does_not_fit(check: Checking, issuer: Issuer) -> None:
    issuer.keys["ec"] = ec.generate_private_key(ec.SECP256R1())
    assert "its issuer does not have" in await refusal(check, issuer.token(kid="ec", key=SHARED))
    assert "its issuer does not have" in await refusal(check, issuer.token(kid="../../dev/null", key=SHARED))
    wrong_curve = issuer.token(kid="ec", key=ec.generate_private_key(ec.SECP384R1()), algorithm="ES384")
    assert "its issuer does not have" in await refusal(check, wrong_curve)


async def test_a_key_keeps_to_its_own_algorithm_and_use(check: Checking, issuer: Issuer) -> None:
    issuer.extra = [public_jwk(OTHER, "fixed", alg="RS512"), public_jwk(OTHER, "sealing", use="enc")]
    assert (await check(issuer.token(kid="fixed", key=OTHER, algorithm="RS512"))).kind == "token"
    await refusal(check, issuer.token(kid="fixed", key=OTHER))
    await refusal(check, issuer.token(kid="sealing", key=OTHER))


async def test_weak_and_broken_keys_are_left_out(check: Checking, issuer: Issuer) -> None:
    weak = rsa_key(1024)
    broken = [{"kty": "RSA", "kid": "broken"}, {"kty": ["RSA"]}, "key", {"kty": "EC", "kid": "odd", "crv": "P-1"}]
    issuer.extra = [public_jwk(weak, "weak"), *broken, public_jwk(OTHER, None) | {"kid": 7}]
    with pytest.warns(match="below the minimum"):
        await refusal(check, issuer.token(kid="weak", key=weak))
    assert (await check(issuer.token())).kind == "token"


async def test_without_a_key_id_only_an_issuer_with_one_key_is_clear(check: Checking, issuer: Issuer) -> None:
    assert (await check(issuer.token(kid=None, key=SHARED))).kind == "token"
    issuer.keys["two"] = OTHER
    fresh = Checking(issuer.url, Clock())
    assert "its issuer does not have" in await refusal(fresh, issuer.token(kid=None, key=SHARED))
    await fresh.close()


async def test_a_changed_token_is_refused(check: Checking, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    body = forged({}, issuer.claims(scope="manage:workspace")).split(".")[1]
    assert "no access token" in await refusal(check, f"{header}.{body}.{signature}")
    assert "no access token" in await refusal(check, issuer.token(key=OTHER))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "dpop+jwt"},
        {"typ": 7},
        {"alg": ["RS256"]},
        {"kid": 7},
        {"crit": ["b64"], "b64": False},
        {"alg": "RS256\n"},
    ],
)
async def test_headers_of_another_form_are_refused(check: Checking, issuer: Issuer, header: dict[str, Any]) -> None:
    token = forged({"alg": "RS256", "typ": "at+jwt", "kid": "one"} | header, issuer.claims(), b"x" * 256)
    assert "no access token" in await refusal(check, token)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "eyJ", "[" * 3000, "e30.e30.", "opaque-token", "W10.W10.W10"])
async def test_what_is_no_token_at_all_is_refused(check: Checking, text: str) -> None:
    assert "no access token" in await refusal(check, text)


async def test_claims_that_are_no_object_are_refused(check: Checking, issuer: Issuer) -> None:
    deep = "[" * 4000 + "]" * 4000
    header = forged({"alg": "RS256", "typ": "at+jwt", "kid": "one"}, []).split(".")[0]
    for body in (deep, "7", '"text"'):
        encoded = base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()
        await refusal(check, f"{header}.{encoded}.AAAA")


# Rotation and outage --------------------------------------------------------------------------------------------------


async def test_keys_are_fetched_once(check: Checking, issuer: Issuer) -> None:
    for _ in range(5):
        await check(issuer.token())
    assert issuer.key_sets_asked == 1


async def test_a_rotated_key_is_found_at_once_and_the_old_one_ceases(
    check: Checking, issuer: Issuer, clock: Clock
) -> None:
    old = issuer.token()
    await check(old)
    clock.tick(FAILURE_BACKOFF_SECONDS)
    issuer.keys = {"two": OTHER}
    assert (await check(issuer.token(kid="two"))).kind == "token"
    assert "its issuer does not have" in await refusal(check, old)


async def test_made_up_key_ids_do_not_hammer_the_issuer(check: Checking, issuer: Issuer, clock: Clock) -> None:
    await check(issuer.token())
    for number in range(50):
        await refusal(check, issuer.token(kid=f"made-up-{number}", key=OTHER))
    assert issuer.key_sets_asked == 1
    clock.tick(FAILURE_BACKOFF_SECONDS)
    for number in range(50):
        await refusal(check, issuer.token(kid=f"made-up-{number}", key=OTHER))
    assert issuer.key_sets_asked == 2


async def test_keys_are_fetched_anew_beside_the_call(check: Checking, issuer: Issuer, clock: Clock) -> None:
    token = issuer.token(exp=int(clock.now().timestamp()) + 10_000)
    await check(token)
    clock.tick(KEYS_TTL_SECONDS)
    issuer.keys = {"two": OTHER}
    assert (await check(token)).kind == "token", "nobody waits"
    await check.settled()
    await refusal(check, token)


async def test_an_outage_is_bridged_for_an_hour_and_then_nothing_is_accepted(
    check: Checking, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token(exp=int(clock.now().timestamp()) + 10_000)
    await check(token)
    issuer.down = True
    clock.tick(STALE_TTL_SECONDS - 1)
    assert (await check(token)).kind == "token"
    await check.settled()
    clock.tick(1)
    with pytest.raises(CredentialCheckUnavailable) as silent:
        await check(token)
    assert silent.value.retry_after == FAILURE_BACKOFF_SECONDS
    issuer.down = False
    clock.tick(FAILURE_BACKOFF_SECONDS)
    assert (await check(token)).kind == "token"


async def test_an_issuer_that_was_never_there_admits_nobody(check: Checking, issuer: Issuer) -> None:
    issuer.down = True
    for _ in range(3):
        with pytest.raises(CredentialCheckUnavailable):
            await check(issuer.token())
    assert issuer.asked.count("/.well-known/oauth-authorization-server") == 1


async def test_an_unknown_key_during_an_outage_may_be_a_rotation(check: Checking, issuer: Issuer, clock: Clock) -> None:
    await check(issuer.token())
    clock.tick(FAILURE_BACKOFF_SECONDS)
    issuer.down = True
    with pytest.raises(CredentialCheckUnavailable):
        await check(issuer.token(kid="two", key=OTHER))
    assert (await check(issuer.token())).kind == "token", "known keys go on"


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["huge", "many", "none", "redirect", "no address", "no list", "drips", "foreign"])
async def test_answers_that_cannot_be_used_are_an_outage(check: Checking, issuer: Issuer, trouble: str) -> None:
    token, attacker = issuer.token(), None
    match trouble:
        case "huge":
            issuer.padding = 300 * 1024
        case "many":
            issuer.extra = [public_jwk(OTHER, str(number)) for number in range(MAX_KEYS)]
        case "none":
            issuer.keys = {}
        case "redirect":
            attacker = Issuer()
            issuer.redirects_to = attacker.origin
        case "no address":
            issuer.metadata = {"jwks_uri": None}
        case "no list":
            issuer.metadata = {"jwks_uri": f"{issuer.origin}/introspect"}
        case "drips":
            issuer.drips = True
            check.questions._total = 0.5
        case "foreign":
            issuer.metadata = {"issuer": "https://another.example"}
    with pytest.raises(CredentialCheckUnavailable):
        await check(token)
    if attacker is not None:
        assert attacker.asked == []
        attacker.close()


async def test_keys_must_not_come_over_plain_http(check: Checking, issuer: Issuer) -> None:
    for address in ("http://keys.example/keys", "ftp://127.0.0.1/", "https://user@keys.example/", "http://[/", "x:"):
        issuer.metadata = {"jwks_uri": address}
        fresh = Checking(issuer.url, Clock())
        with pytest.raises(CredentialCheckUnavailable):
            await fresh(issuer.token())
        await fresh.close()


async def test_metadata_are_found_for_issuers_with_a_path_and_for_openid(clock: Clock) -> None:
    for openid_only in (False, True):
        issuer = Issuer("/tenant")
        issuer.openid_only = openid_only
        check = Checking(issuer.url, clock)
        assert (await check(issuer.token())).kind == "token"
        await check.close()
        issuer.close()


async def test_nobody_is_at_home(clock: Clock) -> None:
    issuer = Issuer()
    issuer.close()
    check = Checking(issuer.url, clock)
    with pytest.raises(CredentialCheckUnavailable):
        await check(issuer.token())
    await check.close()


async def test_a_day_has_passed(check: Checking, issuer: Issuer, clock: Clock) -> None:
    token = issuer.token()
    clock.tick(dt.timedelta(days=1).total_seconds())
    assert "has expired" in await refusal(check, token)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://login.example/keys", True),
        ("http://localhost:9000/keys", True),
        ("http://[::1]/keys", True),
        ("http://login.example/keys", False),
        ("http://localhost.example/keys", False),
        ("https://us@login.example/keys", False),
        ("https:///keys", False),
    ],
)
def test_who_says_who_somebody_is_answers_over_https_or_on_this_machine(url: str, *, trusted: bool) -> None:
    assert is_trusted_url(url) is trusted
