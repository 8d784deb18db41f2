"""Tasks of agent conversations in memory."""

import asyncio
from collections.abc import Sequence

from storefront_mcp.records.agent_tasks import AgentTaskRecord


class MemoryAgentTasks:
    """Implements `records.agent_tasks.AgentTaskRepository`."""

    def __init__(self) -> None:
        self.records: dict[str, AgentTaskRecord] = {}
        self.writes = 0

    async def find(self, id_: str) -> AgentTaskRecord | None:
        await asyncio.sleep(0)
        return self.records.get(id_)

    async def list_context(self, context: str) -> Sequence[AgentTaskRecord]:
        await asyncio.sleep(0)
        # Of tasks that changed in the same second the one that was written last.
        found = [record for record in reversed(self.records.values()) if record.context == context]
        return sorted(found, key=lambda record: -record.changed_at)

    async def put(self, record: AgentTaskRecord) -> None:
        await asyncio.sleep(0)
        self.records.pop(record.id, None)
        self.records[record.id] = record
        self.writes += 1
