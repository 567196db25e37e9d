"""Use case: transfer a conversation to another department, an attendant, or the queue."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.conversation import (
    Attendant,
    Conversation,
    ConversationEvent,
    Department,
    EventKind,
    Transfer,
)
from bot.domain.errors import RefusedError
from bot.domain.question import Question
from bot.domain.transcript import in_old_group
from bot.usecases.attending.attend import AlreadyClosed, Gone
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.show_card import ShowCard
from bot.usecases.ports import (
    Attends,
    Conversations,
    Departments,
    Groups,
    Members,
    Queue,
    Registrations,
    Transcripts,
    TransferNews,
)

REASON_LENGTH: Final = 300
SHORT_ID: Final = 12
"""Length of the part of a department's id that is put in a button, whose data has 64 bytes."""
# A transfer is announced at once; the round announces only those that a crash cut short.
_CUT_SHORT: Final = timedelta(minutes=1)

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ToDepartment:
    department: Department


@dataclass(frozen=True, slots=True)
class ToAttendant:
    attendant: Attendant


@dataclass(frozen=True, slots=True)
class ToQueue:
    """Back to the queue, for any free attendant."""


Target = ToDepartment | ToAttendant | ToQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The possible targets of a transfer."""

    conversation: Conversation
    departments: tuple[Department, ...]
    attendants: tuple[Attendant, ...]


@dataclass(frozen=True, slots=True)
class Transferred:
    conversation: Conversation
    target: Target


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile:
    """The conversation was claimed, released or transferred since the question was asked."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class NoTarget:
    """The department has no group any more, or the attendant has left the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferConversation:
    queue: Queue
    conversations: Conversations
    registrations: Registrations
    departments: Departments
    show_card: ShowCard
    register_prospect: RegisterProspect
    members: Members
    groups: Groups
    attends: Attends
    news: TransferNews
    transcripts: Transcripts
    holding: Callable[[int], AbstractAsyncContextManager[object]]
    """Holds the lock of a chat: its messages wait while the card moves, which is posted once."""
    clock: Callable[[], datetime]

    async def targets(
        self, conversation_id: str, *, group_id: int
    ) -> Targets | AlreadyClosed | Gone:
        """Return the other departments that have a group, and this group's other attendants."""
        conversation = await self.conversations.get(conversation_id)
        if conversation is None or conversation.group_id != group_id:
            return Gone()
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        holder = conversation.claimed_by
        known = {m.user_id: m.name for m in await self.members.of_group(group_id) if m.is_member}
        try:
            known |= dict(await self.groups.administrators(group_id))
        except RefusedError as error:
            # Attendants who pressed a button or wrote before are in `members`.
            logger.info("administrators not known", chat=group_id, reason=str(error))
        return Targets(
            conversation=conversation,
            departments=tuple(
                one for one in await self.departments.all() if _is_open_to(one, conversation)
            ),
            attendants=tuple(
                Attendant(id=user_id, name=name)
                for user_id, name in sorted(known.items(), key=lambda item: item[1].casefold())
                if holder is None or user_id != holder.id
            ),
        )

    async def target(self, named: str, conversation: Conversation) -> Target | NoTarget:
        """Return the target that a button or a question names, read again now."""
        kind, _, rest = named.partition(".")
        if kind == "q" and conversation.claimed_by:
            return ToQueue()
        if kind == "d":
            for one in await self.departments.all():
                if one.id[:SHORT_ID] == rest and _is_open_to(one, conversation):
                    return ToDepartment(one)
        if kind == "a" and rest.isdecimal():
            attendant = await self._attendant(int(rest), conversation.group_id)
            if attendant:
                return ToAttendant(attendant)
        return NoTarget()

    async def __call__(
        self, question: Question, reason: str
    ) -> Transferred | ChangedMeanwhile | AlreadyClosed | NoTarget | Gone:
        """Transfer the conversation to the question's target, unless it changed since then.

        Safe to repeat: a repetition completes what a crash left undone.
        """
        conversation = await self.conversations.get(question.conversation_id)
        if conversation is None:
            return Gone()
        done = conversation.transfer
        if done and not done.settled:
            await self.announce(conversation.id)
        if done and (done.question, done.from_group) == (question.message_id, question.group_id):
            return await self._transferred(conversation)
        if conversation.group_id != question.group_id:
            return ChangedMeanwhile(conversation)
        if not conversation.is_open:
            return AlreadyClosed(conversation)
        holder = conversation.claimed_by
        if (holder.id if holder else None) != question.holder_id:
            return ChangedMeanwhile(conversation)
        target = await self.target(question.target, conversation)
        if isinstance(target, NoTarget):
            return target
        moved, event = await self._moved(conversation, target, question, reason)
        if not await self.queue.transfer(conversation, moved, event):
            there = await self.conversations.get(conversation.id)
            return ChangedMeanwhile(there) if there else Gone()
        await self.announce(conversation.id)
        return Transferred(moved, target)

    async def announce(self, conversation_id: str) -> None:
        """Show the last transfer on the cards and notify the customer or the attendant.

        Does nothing when the transfer was announced before.
        """
        first = await self.conversations.get(conversation_id)
        if first is None:
            return
        async with self.holding(first.chat_id):
            conversation = await self.conversations.get(conversation_id)
            transfer = conversation.transfer if conversation else None
            if conversation is None or transfer is None or transfer.settled:
                return
            departments = {one.id: one for one in await self.departments.all()}
            department = departments.get(conversation.department_id)
            if transfer.from_department is None or department is None:
                # Who was named has it as if it was claimed.
                conversation = await self.register_prospect.in_lock(conversation)
                await self.show_card.refresh(conversation)
                if conversation.claimed_by:
                    await self.news.notify_attendant(conversation, transfer)
            else:
                await self.show_card.post(conversation)
                await self.news.bring_words(
                    conversation, in_old_group(await self.transcripts.of(conversation.id))
                )
                await self.show_card.retire(conversation)
                await self.news.notify_customer(conversation, department)
            await self.queue.set_announced(conversation.id, transfer)

    async def announce_all(self) -> int:
        """Announce the transfers that a crash or an outage of Telegram cut short.

        Returns their number.
        """
        late = self.clock() - _CUT_SHORT
        cut_short = [
            one
            for one in await self.queue.all_open()
            if one.transfer and not one.transfer.settled and one.transfer.at <= late
        ]
        for one in cut_short:
            await self.announce(one.id)
        return len(cut_short)

    async def _moved(
        self, seen: Conversation, target: Target, question: Question, reason: str
    ) -> tuple[Conversation, ConversationEvent]:
        now, by = self.clock(), question.asked
        moved = replace(seen, queued_at=now, claimed_by=None, claimed_at=None)
        to = given_to = ""
        match target:
            case ToDepartment(department):
                names = {one.id: one.shown for one in await self.departments.all()}
                to = f"{names.get(seen.department_id, '')} → {department.shown}"
                moved = replace(
                    moved.without_card(),
                    department_id=department.id,
                    group_id=department.group_id or 0,
                    priority=await self._goes_first(seen, department),
                    earlier_departments=_with(seen.earlier_departments, seen.department_id),
                )
            case ToAttendant(attendant):
                to = given_to = attendant.name
                moved = replace(moved, claimed_by=attendant, claimed_at=now)
            case ToQueue():
                pass
        transfer = Transfer(
            at=now,
            by=by,
            reason=reason,
            question=question.message_id,
            from_department=seen.department_id if isinstance(target, ToDepartment) else None,
            to=given_to,
            from_group=seen.group_id,
            from_card=seen.card_message_id,
            from_topic=seen.topic_id,
            from_topic_shown=seen.topic_shown,
            from_buttons=seen.buttons_at,
        )
        what = EventKind.RELEASED if isinstance(target, ToQueue) else EventKind.TRANSFERRED
        detail = ": ".join(part for part in (to, reason) if part)
        event = ConversationEvent(at=now, by=f"user:{by.id}", what=what, detail=detail)
        return replace(moved, transfer=transfer), event

    async def _goes_first(self, conversation: Conversation, department: Department) -> bool:
        registration_id = conversation.customer.registration_id
        registration = await self.registrations.by_id(registration_id) if registration_id else None
        return bool(registration and registration.goes_first_in(department.id))

    async def _attendant(self, user_id: int, group_id: int) -> Attendant | None:
        if not await self.attends(user_id, group_id):
            return None
        for member in await self.members.of_group(group_id):
            if member.user_id == user_id:
                return Attendant(id=user_id, name=member.name)
        return None

    async def _transferred(self, conversation: Conversation) -> Transferred:
        if conversation.transfer and conversation.transfer.from_department is None:
            holder = conversation.claimed_by
            return Transferred(conversation, ToAttendant(holder) if holder else ToQueue())
        departments: Sequence[Department] = await self.departments.all()
        [department] = [one for one in departments if one.id == conversation.department_id]
        return Transferred(conversation, ToDepartment(department))


def _with(departments: tuple[str, ...], one: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*departments, one)))


def _is_open_to(department: Department, conversation: Conversation) -> bool:
    return (
        not department.archived
        and department.group_id is not None
        and department.id != conversation.department_id
    )
