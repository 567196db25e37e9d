"""Members of a group, as asked from Telegram and as reported by its updates."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatMemberRestricted, ChatMemberUpdated, ResultChatMemberUnion

from bot.domain.conversation import Department
from bot.domain.errors import RefusedError, UnknownRefusalError
from bot.domain.team import GroupMember
from bot.usecases.ports import Members, Outbox

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TelegramGroups:
    bot: Bot

    async def member(self, group_id: int, user_id: int) -> tuple[str, bool]:
        try:
            member = await self.bot.get_chat_member(group_id, user_id)
        except (TelegramAPIError, UnknownRefusalError) as error:
            # Waiting does not help: who wrote is told that Balcão cannot tell.
            logger.warning("membership not known", chat=group_id, error=type(error).__name__)
            raise RefusedError("Telegram does not tell who is in the group") from error
        return member.user.full_name, _is_in(member)

    async def administrators(self, group_id: int) -> list[tuple[int, str]]:
        """Return id and name of the people who administer the group, without bots.

        Raises RefusedError if Telegram refuses to answer.
        """
        try:
            found = await self.bot.get_chat_administrators(group_id)
        except (TelegramAPIError, UnknownRefusalError) as error:
            raise RefusedError("Telegram does not tell who administers the group") from error
        return [(m.user.id, m.user.full_name) for m in found if not m.user.is_bot]


@dataclass(frozen=True, slots=True)
class TelegramProfiles:
    """Customers' names in Telegram."""

    bot: Bot

    async def name(self, chat_id: int) -> str | None:
        try:
            # It shows at once whether the customer has blocked the bot; they see "typing" at most.
            await self.bot.send_chat_action(chat_id, "typing")
            return (await self.bot.get_chat(chat_id)).full_name
        except (TelegramForbiddenError, TelegramBadRequest) as error:
            logger.info("customer not reached", reason=error.message)
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Dependencies of the member updates, passed to the handlers by name."""

    members: Members
    departments: Callable[[], Awaitable[Sequence[Department]]]
    clock: Callable[[], datetime]


async def member_changed(event: ChatMemberUpdated, membership: Membership) -> None:
    """Store the new state of a member who came, left, was removed or was promoted."""
    departments = await membership.departments()
    if all(department.group_id != event.chat.id for department in departments):
        return
    member = event.new_chat_member
    await membership.members.put(
        GroupMember(
            group_id=event.chat.id,
            user_id=member.user.id,
            name=member.user.full_name,
            is_member=_is_in(member),
            at=membership.clock(),
        )
    )


async def bot_changed(event: ChatMemberUpdated, membership: Membership, outbox: Outbox) -> None:
    """Forget the group's members and retry its outbox: the bot or its rights changed."""
    await membership.members.forget_group(event.chat.id)
    outbox.retry(event.chat.id)


def router() -> Router:
    router = Router(name="members")
    in_group = F.chat.type.in_({"group", "supergroup"})
    router.chat_member.register(member_changed, in_group)
    router.my_chat_member.register(bot_changed, in_group)
    return router


def _is_in(member: ResultChatMemberUnion) -> bool:
    """Return True if the person is in the group: also a restricted member who has not left."""
    if isinstance(member, ChatMemberRestricted):
        return member.is_member
    return member.status in {"creator", "administrator", "member"}
