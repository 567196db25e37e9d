"""Use case: anonymise everything that is stored about a person."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeVar

import structlog

from bot.domain.conversation import Chat, Conversation
from bot.domain.data_subject import Traces
from bot.domain.errors import TryLaterError
from bot.domain.registration import ChangeSource, Provenance
from bot.usecases.ports import Chats, DataSubjects

# Rounds of trying again; each means that the registration was changed at the same moment.
_ROUNDS: Final = 5

_Item = TypeVar("_Item", Chat, Conversation)

logger = structlog.get_logger()


class Outcome(Enum):
    DONE = "done"
    """The person is anonymised, by this press or an earlier one."""
    CHANGED = "changed"
    """The registration has changed since it was shown."""
    NOTHING_THERE = "nothing_there"
    """No data of that person is stored any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymise:
    """Empties all data that identify a person.

    The data by which the person is found are emptied last. So a run that was killed in the middle
    continues when it is repeated.
    """

    subjects: DataSubjects
    chats: Chats
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while it is changed."""
    clock: Callable[[], datetime]

    async def __call__(
        self, handle: str, *, read_version: int, admin_id: int, operation: str
    ) -> Outcome | Conversation:
        """Anonymise the person with this handle, unless the data changed since `read_version`.

        Returns the conversation instead if one is open: its attendants need to know the customer.

        admin_id: the admin; the caller already holds the lock of the admin's own chat.
        operation: an id of the button press, the same when it is repeated.
        """
        traces = await self.subjects.of_handle(handle)
        if traces is None:
            return Outcome.NOTHING_THERE
        if traces.is_anonymised:
            return Outcome.DONE
        if traces.is_empty:
            return Outcome.NOTHING_THERE
        if conversation := traces.open_conversation:
            return conversation
        if traces.version != read_version:
            return Outcome.CHANGED
        provenance = Provenance(at=self.clock(), by=f"admin:{admin_id}", way=ChangeSource.CHAT)
        if not traces.registration_ids:
            await self.subjects.record(operation, provenance)
        await self.subjects.empty_updates(traces)
        await self.subjects.empty_reports(traces)
        for conversation in _last(traces.conversations, handle.removeprefix("conv-")):
            await self.subjects.empty_conversation(conversation.id)
        await self._empty_chats(traces, handle, admin_id)
        if not await self._empty_registrations(traces, handle, provenance):
            return Outcome.CHANGED
        logger.info("person anonymised", by=provenance.by)
        return Outcome.DONE

    async def _empty_chats(self, traces: Traces, handle: str, admin_id: int) -> None:
        for tax_id in traces.tax_ids:
            for other in traces.chats_of_others:
                await self.subjects.forget_attempt(other.id, tax_id)
        for chat in _last(traces.chats, handle.removeprefix("chat-")):
            if chat.id == admin_id:
                await self._empty_chat(chat)
                continue
            async with self.holding(chat.id):
                await self._empty_chat(chat)

    async def _empty_chat(self, chat: Chat) -> None:
        """Empty the chat, except for its privacy notice; skip it if its link has changed."""
        now = await self.chats.get(chat.id)
        if now is None or now.customer.link != chat.customer.link:
            return
        await self.chats.put(
            Chat(
                id=now.id,
                privacy_notice_at=now.privacy_notice_at,
                privacy_notice_version=now.privacy_notice_version,
            )
        )

    async def _empty_registrations(
        self, traces: Traces, handle: str, provenance: Provenance
    ) -> bool:
        there = traces.registration
        gone = [one for one in traces.registration_ids if not there or one != there.id]
        for registration_id in sorted(gone, key=lambda one: one == handle):
            if not await self._anonymised(registration_id, provenance, 0):
                return False
        return there is None or await self._anonymised(there.id, provenance, there.version)

    async def _anonymised(
        self, registration_id: str, provenance: Provenance, version: int
    ) -> bool:
        for _ in range(_ROUNDS):
            if await self.subjects.anonymise(registration_id, provenance, version=version):
                return True
            traces = await self.subjects.of_registration(registration_id)
            if traces is None or traces.version != version:
                return False
        raise TryLaterError("a registration changes too quickly to be anonymised")


def _last(items: tuple[_Item, ...], key: str) -> list[_Item]:
    """Return the items with the one that the handle names at the end."""
    return sorted(items, key=lambda item: str(item.id) == key)
