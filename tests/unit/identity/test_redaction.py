"""Planted credentials are nowhere in what is logged, whoever logs it."""

import io
import logging
from collections.abc import Iterator

import pytest

from storefront_mcp.access.secret_format import new_public_id, secret_text
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.redaction import redact_logs, redact_secrets
from storefront_mcp.oauth.tokens import ACCESS_PREFIX, CODE_PREFIX, REFRESH_PREFIX
from tests.unit.identity.conftest import Clock
from tests.unit.identity.issuer import Issuer

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjdXN0b21lci03In0.c2lnbmF0dXJl"


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger of a library that knows nothing of us, and what it wrote."""
    before = logging.getLogRecordFactory()
    redact_logs()
    redact_logs()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logger = logging.getLogger("some.library")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, written
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


def secrets() -> list[str]:
    key = mint_key(store=StoreId("pickle"), label="", scopes=frozenset(), by="", now=Clock().now()).secret.reveal()
    return [key, JWT]


def refuse(secret: str) -> None:
    raise RuntimeError(secret)


class Unsayable:
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("secret", secrets(), ids=["key", "token"])
def test_no_record_holds_a_credential(log: tuple[logging.Logger, io.StringIO], secret: str) -> None:
    logger, written = log
    tail = secret[-20:]
    logger.info("plain %s", secret)
    logger.info("by name %(token)s", {"token": secret})
    logger.info("in the text " + secret)  # noqa: G003 -- as others may
    logger.info("as repr %r", {"authorization": f"Bearer {secret}"})
    logger.info(ValueError(secret))
    logger.warning("%s", OSError(f"GET /mcp?access_token={secret}&x=1"))
    try:
        refuse(secret)
    except RuntimeError:
        logger.exception("a traceback")
    assert written.getvalue().count("\n") > 8
    assert tail not in written.getvalue()
    assert "Traceback (most recent call last)" in written.getvalue()


def test_a_template_that_names_a_secret_is_filled_before_it_is_masked(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.info("GET /mcp?access_token=%s&page=%d", "opaque-0123456789", 2)
    logger.info("client_secret=%(it)s", {"it": "opaque-0123456789"})
    assert written.getvalue() == "GET /mcp?access_token=[secret]&page=2\nclient_secret=[secret]\n"


def test_other_records_stay_as_they_are(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.info("%s said %d of %.1f and %s", "the bearer of news", 3, 4.5, None)
    logger.info("nothing", exc_info=True)  # noqa: LOG014 -- as others may
    assert written.getvalue() == "the bearer of news said 3 of 4.5 and None\nnothing\nNoneType: None\n"


def test_access_logs_keep_their_arguments(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, _ = log
    record = logger.makeRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s"', ("127.0.0.1", f"GET /mcp?access_token={JWT}"), None
    )
    assert record.args == ("127.0.0.1", "GET /mcp?access_token=[secret]")


def test_an_argument_that_cannot_be_said_is_left_to_the_formatter(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, _ = log
    unsayable = Unsayable()
    assert logger.makeRecord("x", logging.INFO, "", 0, "%s", (unsayable,), None).args == (unsayable,)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh123", "Authorization: Bearer [secret]"),
        ("authorization=Basic dXM6c2VjcmV0", "authorization=Basic [secret]"),
        ('{"client_secret": "hunter2", "x": 1}', '{"client_secret": "[secret]", "x": 1}'),
        ("code_verifier=dBjftJeZ4CVP-mB9&code=x", "code_verifier=[secret]&code=[secret]"),
        ("http://127.0.0.1:1/cb?code=sfx&state=s1", "http://127.0.0.1:1/cb?code=[secret]&state=s1"),
        ('{"password": "correct \\"horse\\" battery", "x": 1}', '{"password": "[secret]", "x": 1}'),
        ("{'password': \"it's mine\", 'twofa_code': '123456'}", "{'password': \"[secret]\", 'twofa_code': '[secret]'}"),
        ('{"password": "cut off', '{"password": "[secret]"'),
        ("email=a%40b.c&password=hunter2&scope=x", "email=a%40b.c&password=[secret]&scope=x"),
        ("wrong password: try again, code: out_of_stock", "wrong password: try again, code: out_of_stock"),
        ("status code=7", "status code=7"),
        ("token_type=bearer", "token_type=bearer"),
        ("a bearer of it", "a bearer of it"),
    ],
)
def test_what_is_taken_out(text: str, shown: str) -> None:
    assert redact_secrets(text) == shown


def test_a_key_keeps_the_name_by_which_it_is_revoked() -> None:
    new = mint_key(store=StoreId("pickle"), label="", scopes=frozenset(), by="", now=Clock().now())
    assert redact_secrets(f"used {new.secret.reveal()}!") == f"used sfm_{new.key.id}_[secret]!"


@pytest.mark.parametrize("prefix", [ACCESS_PREFIX, REFRESH_PREFIX, CODE_PREFIX])
def test_what_a_customer_s_agent_holds_keeps_only_the_name_of_its_grant(prefix: str) -> None:
    id_ = new_public_id()
    secret = secret_text(prefix, id_)
    assert redact_secrets(f"Bearer {secret}, {secret}") == f"Bearer {prefix}{id_}_[secret], {prefix}{id_}_[secret]"


def test_a_token_of_the_test_issuer_is_recognised(issuer: Issuer) -> None:
    assert redact_secrets(issuer.token()) == "[token]"
