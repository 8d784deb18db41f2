"""A sign-in at the usual store, without a shop or a database."""

from typing import Any

from msgspec import Struct

from storefront_mcp.access.secret_format import secret_digest, secret_text
from storefront_mcp.oauth.buyer_sign_in import BuyerSignIn
from storefront_mcp.oauth.connected_agents import ConnectedAgents
from storefront_mcp.oauth.sign_in_steps import SignInContext, SignInForm
from storefront_mcp.oauth.sign_in_views import SignInPage
from storefront_mcp.records.oauth import AuthorizationRequest, IssuedCode
from tests.fakes.memory_backend import NOW, STORE
from tests.fakes.memory_oauth import EMAIL, PASSWORD, MemoryLogin, MemorySignIns

ASKED = AuthorizationRequest(
    client_id="https://agent.example/client.json",
    client_kind="document",
    client_name="Claude <b>",
    client_host="agent.example",
    redirect_uri="https://chat.example/callback?from=shop",
    state="st&te=1",
    scopes=("profile:read", "orders:read", "checkout"),
    resource=f"{STORE.origin}/mcp",
    challenge="x" * 43,
)


class SignInWorld(Struct):
    """Everything that a test looks at; `now` is its clock."""

    login: MemoryLogin
    records: MemorySignIns
    context: SignInContext
    sign_in: BuyerSignIn
    agents: ConnectedAgents
    now: list[float]


def new_code(request: AuthorizationRequest, grant: str) -> tuple[str, IssuedCode]:
    """As the authorization server makes them."""
    text = secret_text("sfc_", grant)
    code = IssuedCode(
        digest=secret_digest(text), redirect_uri=request.redirect_uri, challenge=request.challenge, expires_at=0
    )
    return text, code


def sign_in_world(login: MemoryLogin | None = None, **changes: Any) -> SignInWorld:
    """A store whose one customer signs in by password, unless `login` says otherwise."""
    now = [NOW.timestamp()]
    login, records = login or MemoryLogin(), MemorySignIns()
    context = SignInContext(
        **{
            "store": STORE,
            "login": login,
            "records": records,
            "subject_of": lambda customer: f"subject of {customer}",
            "mailbox_of": lambda email: f"mailbox of {email}",
            "new_code": new_code,
            "grant_seconds": 30 * 86_400.0,
            "now": lambda: now[0],
            **changes,
        }
    )
    return SignInWorld(login, records, context, BuyerSignIn(context, login), ConnectedAgents(context), now)


def filled(shown: SignInPage, **changes: Any) -> SignInForm:
    """The form of a page, filled in rightly and sent by the same browser."""
    fields = {
        "handle": shown.view.handle,
        "cookie": shown.cookie or "",
        "email": EMAIL,
        "password": PASSWORD,
        "scopes": tuple(scope for scope, ticked in shown.view.scopes if ticked),
        **changes,
    }
    return SignInForm(**fields)
