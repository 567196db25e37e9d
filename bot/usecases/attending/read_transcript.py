"""Use case: read what was said in a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.conversation import Conversation
from bot.domain.transcript import Transcript
from bot.usecases.ports import Conversations, Departments, Queue, Transcripts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTranscript:
    queue: Queue
    conversations: Conversations
    departments: Departments
    transcripts: Transcripts
    kept_days: int
    clock: Callable[[], datetime]

    async def __call__(self, conversation_id: str, *, group_id: int | None) -> Transcript | None:
        """Return the transcript, or None if there is none for this group.

        group_id: of a department, which has to have or have had the conversation; None for an
        admin in private.
        """
        return await self._read(await self.conversations.get(conversation_id), group_id)

    async def of_protocol(self, protocol: str, *, group_id: int | None) -> Transcript | None:
        """Return the transcript of the conversation with this protocol, as the call does."""
        return await self._read(await self.queue.by_protocol(protocol), group_id)

    async def _read(
        self, conversation: Conversation | None, group_id: int | None
    ) -> Transcript | None:
        if conversation is None:
            return None
        if group_id is not None:
            department = await self.departments.of_group(group_id)
            if department is None or not conversation.was_in(department.id):
                return None
        said = await self.transcripts.of(conversation.id) if self.kept_days else ()
        return Transcript(
            conversation=conversation,
            said=tuple(said),
            kept_days=self.kept_days,
            is_partial=self.clock() - conversation.opened_at > timedelta(days=self.kept_days),
        )
