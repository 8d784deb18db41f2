"""`ConnectedAgents`: the page on which a person sees who may act for them at one store, and ends it."""

import asyncio
import secrets

import msgspec

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.oauth.sign_in_steps import AuthenticatedVisitor, SignInContext, SignInEnded
from storefront_mcp.oauth.sign_in_views import AgentsView, ClientView, GrantView
from storefront_mcp.records.oauth import AuthorizationRequestRecord, GrantRecord


class ConnectedAgents:
    """The grants of a person who has just signed in for this. Every call may raise StorageUnavailable."""

    def __init__(self, context: SignInContext) -> None:
        self._context = context

    async def page(self, handle: str, *, ended: bool = False) -> AgentsView:
        """The person's live grants, newest first. Raises SignInEnded."""
        record = await self._visit(handle)
        context, now = self._context, self._context.now()
        grants = await asyncio.to_thread(context.records.grants, context.store.id, record.subject)
        customer = msgspec.json.decode(record.customer or b"", type=AuthenticatedVisitor)
        return AgentsView(
            handle=handle,
            email=customer.email,
            grants=[_view(grant) for grant in grants if grant.is_live(now)],
            ended=ended,
        )

    async def end(self, handle: str, shown: str, grant: str | None) -> int:
        """End one grant of the person, or with None all; their number.

        `shown` is the handle in the page's form. Raises SignInEnded.
        """
        record = await self._visit(handle, shown)
        context = self._context
        return await asyncio.to_thread(
            lambda: context.records.end_grants(
                context.store.id, "person", now=context.now(), grant=grant, subject=record.subject
            )
        )

    async def leave(self, handle: str, shown: str) -> None:
        """End the visit. Raises SignInEnded."""
        record = await self._visit(handle, shown)
        await asyncio.to_thread(self._context.records.end_request, record.digest)

    async def _visit(self, handle: str, shown: str | None = None) -> AuthorizationRequestRecord:
        context = self._context
        if shown is not None and not secrets.compare_digest(handle.encode(), shown.encode()):
            raise SignInEnded
        record = await asyncio.to_thread(
            lambda: context.records.request(context.store.id, secret_digest(handle), now=context.now())
        )
        if record is None or record.step != "agents":
            raise SignInEnded
        return record


def _view(grant: GrantRecord) -> GrantView:
    document = "" if grant.client_host == grant.redirect_host else grant.client_host
    return GrantView(
        id=grant.id,
        client=ClientView(host=grant.redirect_host, document_host=document, name=grant.client_name),
        scopes=grant.scopes,
        created_at=int(grant.created_at),
        last_used_at=None if grant.last_used_at is None else int(grant.last_used_at),
        expires_at=int(grant.expires_at),
    )
