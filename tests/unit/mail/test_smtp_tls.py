"""Mail goes over TLS, after STARTTLS or from the beginning, to a server whose certificate is trusted; to no other."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from storefront_mcp.access.credentials import Secret
from storefront_mcp.mail.smtp_sender import MailDelayed
from tests.unit.mail.test_smtp_sender import Mailbox, authenticator, message, sender, smtp_server

Security = Literal["starttls", "tls"]
LOGIN: dict[str, Any] = {"username": "storefront", "password": Secret("brine")}


NO_USE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
SIGNS = x509.KeyUsage(**NO_USE | {"key_cert_sign": True})
ANSWERS = x509.KeyUsage(**NO_USE | {"digital_signature": True})


class PickleAuthority:
    """A certificate authority of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Pickle CA")])
        self.file = folder / "ca.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self.file.write_bytes(self._signed(self.name, self._key, constraints))

    def server_context(self, address: str) -> ssl.SSLContext:
        """The TLS side of a server at an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
        named = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        chain = self._folder / "server.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(private + self._signed(name, key, named))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> bytes:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
        # Python 3.13 and later ask a chain for what RFC 5280 says of it.
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(issuer, critical=False).add_extension(subject, critical=False)
        builder = builder.add_extension(SIGNS if key is self._key else ANSWERS, critical=True)
        return builder.add_extension(extension, critical=True).sign(self._key, SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> PickleAuthority:
    return PickleAuthority(tmp_path)


def server_options(security: Security, context: ssl.SSLContext) -> dict[str, Any]:
    """A server whose connections are encrypted, and who knows a login."""
    login = {"authenticator": authenticator(b"brine")}
    if security == "tls":
        return {"encryption": context, "auth_require_tls": False, **login}
    return {"tls_context": context, "require_starttls": True, "auth_required": True, **login}


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_message_and_its_login_go_over_tls(
    security: Security, authority: PickleAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    mailbox = Mailbox()
    async with smtp_server(mailbox, **server_options(security, authority.server_context("127.0.0.1"))) as port:
        await sender(port, security=security, **LOGIN).send(message())
    assert [one["Subject"] for one in mailbox.messages] == ["Grüße"]
    assert mailbox.encrypted == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["authority", "address"])
async def test_a_server_that_may_be_another_gets_neither_login_nor_message(
    security: Security, wrong: str, authority: PickleAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wrong == "address":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = authority.server_context("127.0.0.9" if wrong == "address" else "127.0.0.1")
    mailbox = Mailbox()
    async with smtp_server(mailbox, **server_options(security, context)) as port:
        with pytest.raises(MailDelayed, match="certificate"):
            await sender(port, security=security, **LOGIN).send(message())
    assert mailbox.messages == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_does_not_encrypt_gets_neither_login_nor_message(security: Security) -> None:
    mailbox = Mailbox()
    options = {"authenticator": authenticator(b"brine"), "auth_require_tls": False}
    async with smtp_server(mailbox, **options) as port:
        with pytest.raises(MailDelayed):
            await sender(port, security=security, timeout_seconds=2.0, **LOGIN).send(message())
    assert mailbox.messages == []
