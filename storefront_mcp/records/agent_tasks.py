"""`AgentTaskRepository`, the port of the tasks that agents have opened in conversations with the store's agent."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import CartId

AgentTaskState = Literal["working", "input_required", "auth_required", "completed", "failed", "canceled"]


class AgentTaskRecord(Struct, frozen=True, kw_only=True):
    """A purchase in a conversation; what is in it, the cart and the checkout know."""

    id: str
    """A secret: who has it has the cart."""
    context: str
    """Id of the conversation, a secret too."""
    state: AgentTaskState
    """As it was last seen."""
    cart: CartId = CartId("")
    """Handle of the cart; empty where only a sign-in is waited for."""
    checkout: str = ""
    """The agent's id of the checkout; empty before there is one."""
    owner: str = ""
    """The caller's identifier, where it has one; empty for whoever has the id."""
    changed_at: int
    """When `state` was reached, Unix seconds."""


class AgentTaskRepository(Protocol):
    """Storage of one store's tasks, shared by every worker. Tasks expire some days after their last change."""

    async def find(self, id_: str) -> AgentTaskRecord | None:
        """The task of that id."""

    async def list_context(self, context: str) -> Sequence[AgentTaskRecord]:
        """The tasks of a conversation, the last changed first; of very many the newest."""

    async def put(self, record: AgentTaskRecord) -> None:
        """Insert or update a task."""
