"""Use case: read all data that a conversation's card shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.card import Card
from bot.domain.conversation import Conversation, Department
from bot.domain.proof import checked
from bot.usecases.ports import (
    Conversations,
    Departments,
    OpenConversations,
    Registrations,
    Tags,
)

_RECENT: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCard:
    conversations: Conversations
    registrations: Registrations
    tags: Tags
    departments: Departments
    queue: OpenConversations
    clock: Callable[[], datetime]
    has_erp: bool = False

    async def __call__(
        self,
        conversation: Conversation,
        *,
        departments: Sequence[Department] | None = None,
        moved: bool = False,
    ) -> Card:
        """Return the card with the current registration and earlier conversations.

        Its conversation is verified only while the proof holds.

        departments: all of them, if the caller has just listed them.
        """
        if departments is None:
            departments = await self.departments.all()
        registration, recent, elsewhere = None, [], []
        if of_it := conversation.customer.registration_id:
            registration = await self.registrations.by_id(of_it)
            recent = await self.conversations.latest_of(of_it, count=_RECENT + 1)
            elsewhere = list(await self.queue.open_of(of_it))
        tags = await self.tags.all() if registration else ()
        now_checked = checked(conversation, registration, at=self.clock())
        return Card(
            conversation=now_checked,
            proof_ended=now_checked != conversation,
            registration=registration,
            recent=tuple(one for one in recent if one.id != conversation.id)[:_RECENT],
            elsewhere=tuple(one for one in elsewhere if one.id != conversation.id),
            tags=tuple(t for t in tags if registration and t.id in registration.tags),
            priority_departments=tuple(
                d
                for d in departments
                if registration and d.id in registration.priority_departments
            ),
            departments={one.id: one for one in departments},
            has_erp=self.has_erp,
            moved=moved,
        )
