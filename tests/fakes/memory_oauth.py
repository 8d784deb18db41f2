"""Sign-ins in memory: what the pages use of `OAuthRepository`, and a shop's customers as `CustomerLogin`."""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from storefront_mcp.commerce.customers import (
    CodeNeeded,
    IssuerRedirect,
    IssuerRefused,
    ShopSession,
    SignInForm,
    WrongCredentials,
)
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.oauth import AuthorizationRequestRecord, EndReason, GrantRecord, IssuedCode

EMAIL = "dana@example.com"
PASSWORD = " gherkin & dill 7 "
CODE = "482915"


class MemorySignIns:
    """Requests and grants; a request is there until it expires."""

    def __init__(self) -> None:
        self.requests: dict[bytes, AuthorizationRequestRecord] = {}
        self.granted: dict[str, GrantRecord] = {}
        self.codes: dict[bytes, IssuedCode] = {}
        self.sessions: dict[str, bytes] = {}
        self.at_most = 1000

    def open_request(self, record: AuthorizationRequestRecord) -> bool:
        if len(self.requests) >= self.at_most:
            return False
        self.requests[record.digest] = record
        return True

    def request(self, store: StoreId, digest: bytes, *, now: float) -> AuthorizationRequestRecord | None:
        found = self.requests.get(digest)
        return found if found is not None and found.store == store and now < found.expires_at else None

    def update_request(self, record: AuthorizationRequestRecord) -> bool:
        if record.digest not in self.requests:
            return False
        self.requests[record.digest] = replace(record, tries=self.requests[record.digest].tries)
        return True

    def count_try(self, digest: bytes) -> int:
        found = self.requests.get(digest)
        if found is None:
            return 0
        self.requests[digest] = replace(found, tries=found.tries + 1)
        return found.tries + 1

    def end_request(self, digest: bytes) -> bool:
        return self.requests.pop(digest, None) is not None

    def create_grant_with_code(self, grant: GrantRecord, code: IssuedCode, *, request: bytes, session: bytes) -> bool:
        if not self.end_request(request):
            return False
        self.granted[grant.id], self.codes[code.digest], self.sessions[grant.id] = grant, code, session
        return True

    def grants(self, store: StoreId, subject: str | None = None, *, limit: int = 1000) -> Sequence[GrantRecord]:
        found = [one for one in self.granted.values() if one.store == store and subject in {None, one.subject}]
        return sorted(found, key=lambda one: -one.created_at)[:limit]

    def end_grants(
        self,
        store: StoreId,
        why: EndReason,
        *,
        now: float,
        by: str = "",
        grant: str | None = None,
        subject: str | None = None,
    ) -> int:
        ended = [one for one in self.grants(store, subject) if one.is_live(now) and grant in {None, one.id}]
        for one in ended:
            self.granted[one.id] = replace(one, ended_at=now, ended_why=why)
        return len(ended)


class MemoryIssuer:
    """An OpenID provider at which one customer signs in; remembers what it was asked."""

    issuer = "https://login.example/realms/pickle"

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.begun: list[str] = []
        self.finished: list[tuple[dict[str, str], bytes]] = []
        self.ended: list[ShopSession] = []

    async def begin(self, state: str) -> IssuerRedirect:
        if self.fault is not None:
            raise self.fault
        self.begun.append(state)
        return IssuerRedirect(
            address=f"https://login.example/authorize?state={state}", kept=b"kept %d" % len(self.begun)
        )

    async def finish(self, answer: Mapping[str, str], kept: bytes) -> ShopSession:
        self.finished.append((dict(answer), kept))
        if self.fault is not None:
            raise self.fault
        if answer.get("code") != CODE:
            raise IssuerRefused(internal="no code")
        return ShopSession(secret="provider-token", customer_id="4", name="Dana Dill", email=EMAIL)

    async def renew(self, session: ShopSession) -> ShopSession:
        return session

    async def end(self, session: ShopSession) -> None:
        self.ended.append(session)


class MemoryLogin:
    """One customer, who may need a code; remembers what it was asked."""

    def __init__(self, *, form: SignInForm = "password", code: bool = False, password_again: bool = True) -> None:
        self.form = form
        self.code = code
        self.password_again = password_again
        self.fault: Exception | None = None
        self.expires_at: float | None = None
        self.asked: list[tuple[str, str, str | None, str | None, str]] = []
        self.ended: list[ShopSession] = []
        self.before_session: Callable[[], object] = lambda: None

    async def sign_in(
        self, email: str, password: str, *, code: str | None = None, address: str | None = None, state: str = ""
    ) -> ShopSession | CodeNeeded:
        self.asked.append((email, password, code, address, state))
        if self.fault is not None:
            raise self.fault
        by_password = self.form == "password" and (code is None or self.password_again)
        if email != EMAIL or (by_password and password != PASSWORD):
            raise WrongCredentials
        if self.code and code != CODE:
            return CodeNeeded(
                refused=code is not None,
                state="shop-state",
                password_again=self.password_again and self.form == "password",
                mailed=self.form == "mailed_code",
            )
        self.before_session()
        return ShopSession(
            secret="shop-jwt", customer_id="4", name="Dana Dill", email=EMAIL, expires_at=self.expires_at
        )

    async def renew(self, session: ShopSession) -> ShopSession:
        return session

    async def end(self, session: ShopSession) -> None:
        self.ended.append(session)
