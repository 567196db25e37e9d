"""/equipe: lists admins, invitations and attendants, and makes the links that invite admins."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
    ReplyKeyboardRemove,
    User,
)

from bot.domain.errors import RefusedError, TryLaterError
from bot.domain.team import INVITATION_PREFIX
from bot.usecases.company.team import ManageTeam, Refusal
from handlers.access import IsAdmin
from handlers.admin.company import team_texts as texts
from handlers.answers import answer_press
from handlers.attendant.group import edit
from handlers.attendant.members import Membership, TelegramGroups
from handlers.keyboards import button, column
from handlers.menus import Menus

logger = structlog.get_logger()


class Action(StrEnum):
    SHOW = "s"
    INVITE = "i"
    REVOKE = "x"
    ASK_REMOVE = "r"
    REMOVE = "R"


class TeamButton(CallbackData, prefix="team"):
    action: Action
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """What the commands and buttons of the team need, and its screen."""

    bot: Bot
    manage: ManageTeam
    membership: Membership
    menus: Menus
    timezone: ZoneInfo

    async def screen(self, me: User) -> tuple[str, InlineKeyboardMarkup]:
        """Return text and buttons of the current team."""
        of_settings = sorted(self.manage.role_of.settings_admins)
        invited = [a for a in await self.manage.admins.all() if a.id not in of_settings]
        invitations = await self.manage.open_invitations()
        names = {me.id: me.full_name} | {admin.id: admin.name for admin in invited}
        for user_id in {*of_settings, *(i.invited_by for i in invitations)} - names.keys():
            names[user_id] = await self.name(user_id)
        zone = self.timezone
        text = texts.screen(
            [texts.of_settings(names[i], is_me=i == me.id) for i in of_settings]
            + [texts.invited(a.name, a.since, zone, is_me=a.id == me.id) for a in invited],
            [texts.invitation(names[i.invited_by], i.expires_at, zone) for i in invitations],
            [
                texts.attendants(d.name, await self._attendants(d.group_id))
                for d in await self.membership.departments()
                if d.group_id
            ],
        )
        return text, column(
            *(_button(texts.remove(a.name), Action.ASK_REMOVE, str(a.id)) for a in invited),
            *(_button(texts.revoke(i.expires_at, zone), Action.REVOKE, i.id) for i in invitations),
            _button(texts.INVITE, Action.INVITE),
            _button(texts.REFRESH, Action.SHOW),
        )

    async def show(self, me: User, message: MaybeInaccessibleMessageUnion) -> None:
        """Edit the message so that it shows the current team."""
        await self.edit(message, *await self.screen(me))

    async def edit(
        self,
        message: MaybeInaccessibleMessageUnion,
        text: str,
        keyboard: InlineKeyboardMarkup | None = None,
    ) -> None:
        await edit(self.bot, message.chat.id, message.message_id, text, keyboard)

    async def name(self, user_id: int) -> str:
        """Return the name of an admin, or the id if Telegram does not give a name."""
        if admin := await self.manage.admins.get(user_id):
            return admin.name
        try:
            return (await self.bot.get_chat(user_id)).full_name
        except (TelegramAPIError, TryLaterError):
            return str(user_id)

    async def notify(self, user_ids: Iterable[int], text: str) -> None:
        """Send a text to these admins; log and skip each one who cannot be reached."""
        for user_id in user_ids:
            try:
                await self.bot.send_message(user_id, text)
            except (TelegramAPIError, TryLaterError) as error:
                logger.warning("admin not notified", chat=user_id, error=type(error).__name__)

    async def others(self, *but: int) -> set[int]:
        """Return the ids of all admins but these."""
        return set(await self.manage.role_of.admin_ids()) - set(but)

    async def _attendants(self, group_id: int) -> list[str] | None:
        """Return names of administrators and known members; None if the group cannot be
        reached."""
        try:
            names = dict(await TelegramGroups(self.bot).administrators(group_id))
        except (RefusedError, TryLaterError):
            return None
        for member in await self.membership.members.of_group(group_id):
            if member.is_member and member.user_id != self.bot.id:
                names.setdefault(member.user_id, member.name)
        return sorted(names.values(), key=str.casefold)


async def open_team(message: Message, event_from_user: User, team: Team) -> None:
    text, keyboard = await team.screen(event_from_user)
    await message.answer(text, reply_markup=keyboard)


async def show(
    callback: CallbackQuery, message: MaybeInaccessibleMessageUnion, team: Team
) -> None:
    await answer_press(callback)
    await team.show(callback.from_user, message)


async def invite(
    callback: CallbackQuery, message: MaybeInaccessibleMessageUnion, team: Team
) -> None:
    made = await team.manage.invite(callback.from_user.id)
    if isinstance(made, Refusal):
        await answer_press(callback, texts.refusal(made), alert=True)
        return
    invitation, token = made
    url = f"https://t.me/{(await team.bot.me()).username}?start={INVITATION_PREFIX}{token}"
    await answer_press(callback)
    text = texts.link(url, invitation.expires_at, team.timezone)
    await team.bot.send_message(message.chat.id, text)
    await team.show(callback.from_user, message)


async def revoke(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    team: Team,
) -> None:
    revoked = await team.manage.revoke(callback_data.id, by=callback.from_user.id)
    await answer_press(callback, texts.REVOKED_NOW if revoked else texts.ALREADY_REVOKED)
    await team.show(callback.from_user, message)


async def ask_remove(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    team: Team,
) -> None:
    user_id = _user_id(callback_data)
    admin = await team.manage.admins.get(user_id)
    if admin is None:
        await answer_press(callback, texts.refusal(Refusal.NO_ADMIN), alert=True)
        return
    await answer_press(callback)
    keyboard = column(
        _button(texts.YES_REMOVE, Action.REMOVE, str(user_id)), _button(texts.BACK, Action.SHOW)
    )
    await team.edit(message, texts.sure(admin.name), keyboard)


async def remove(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    team: Team,
) -> None:
    me, user_id = callback.from_user, _user_id(callback_data)
    removed = await team.manage.remove(user_id, by=me.id)
    if isinstance(removed, Refusal):
        await answer_press(callback, texts.refusal(removed), alert=True)
    else:
        await answer_press(callback)
        await team.menus.take(user_id)
        await team.notify(await team.others(me.id), texts.removed(removed.name, me.full_name))
        await team.notify([user_id], texts.NO_LONGER_ADMIN)
        if user_id == me.id:
            await team.edit(message, texts.NO_LONGER_ADMIN)
            return
    await team.show(me, message)


async def accept(
    message: Message, command: CommandObject, event_from_user: User, team: Team
) -> None:
    token = (command.args or "").removeprefix(INVITATION_PREFIX)
    admin = await team.manage.accept(token, event_from_user.id, event_from_user.full_name)
    if isinstance(admin, Refusal):
        await message.answer(texts.refusal(admin))
        return
    # The keyboard of the customer's steps may still be visible.
    await message.answer(texts.WELCOME, reply_markup=ReplyKeyboardRemove())
    await team.menus.give(admin.id)
    await team.notify([admin.invited_by], texts.accepted(admin.name))
    others = await team.others(admin.id, admin.invited_by)
    await team.notify(others, texts.added(admin.name, await team.name(admin.invited_by)))


def router() -> Router:
    """Return the router, to be included before the routers of admins and customers.

    Anybody may accept an invitation. Needs `team` in the dispatcher's data.
    """
    router = Router(name="team")
    router.message.filter(F.chat.type == "private")
    with_invitation = CommandStart(deep_link=True, magic=F.args.startswith(INVITATION_PREFIX))
    router.message.register(accept, with_invitation)
    router.message.register(open_team, Command("equipe"), IsAdmin())
    message = F.message.as_("message")
    for action, handler in (
        (Action.SHOW, show),
        (Action.INVITE, invite),
        (Action.REVOKE, revoke),
        (Action.ASK_REMOVE, ask_remove),
        (Action.REMOVE, remove),
    ):
        pressed = TeamButton.filter(F.action == action)
        router.callback_query.register(handler, pressed, message, IsAdmin())
    return router


def _button(text: str, action: Action, id_: str = "") -> InlineKeyboardButton:
    return button(text, TeamButton(action=action, id=id_))


def _user_id(button: TeamButton) -> int:
    """Return the id in the button. Return 0, which is no user, if the data was not made by us."""
    return int(button.id) if button.id.isdecimal() and len(button.id) < 20 else 0
