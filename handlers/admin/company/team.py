"""/equipe: lists admins, invitations and attendants, and makes the links that invite admins."""

from collections.abc import Iterable
from enum import StrEnum
from zoneinfo import ZoneInfo

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    CallbackQuery,
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


async def team(
    message: Message,
    event_from_user: User,
    bot: Bot,
    manage_team: ManageTeam,
    membership: Membership,
    timezone: ZoneInfo,
) -> None:
    text, keyboard = await _screen(event_from_user, bot, manage_team, membership, timezone)
    await message.answer(text, reply_markup=keyboard)


async def show(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    manage_team: ManageTeam,
    membership: Membership,
    timezone: ZoneInfo,
) -> None:
    await answer_press(callback)
    screen = await _screen(callback.from_user, bot, manage_team, membership, timezone)
    await _edit(bot, message, *screen)


async def invite(
    callback: CallbackQuery,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    manage_team: ManageTeam,
    membership: Membership,
    timezone: ZoneInfo,
) -> None:
    made = await manage_team.invite(callback.from_user.id)
    if isinstance(made, Refusal):
        await answer_press(callback, texts.refusal(made), alert=True)
        return
    invitation, token = made
    url = f"https://t.me/{(await bot.me()).username}?start={INVITATION_PREFIX}{token}"
    await answer_press(callback)
    await bot.send_message(message.chat.id, texts.link(url, invitation.expires_at, timezone))
    screen = await _screen(callback.from_user, bot, manage_team, membership, timezone)
    await _edit(bot, message, *screen)


async def revoke(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    manage_team: ManageTeam,
    membership: Membership,
    timezone: ZoneInfo,
) -> None:
    revoked = await manage_team.revoke(callback_data.id, by=callback.from_user.id)
    await answer_press(callback, texts.REVOKED_NOW if revoked else texts.ALREADY_REVOKED)
    screen = await _screen(callback.from_user, bot, manage_team, membership, timezone)
    await _edit(bot, message, *screen)


async def ask_remove(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    manage_team: ManageTeam,
) -> None:
    user_id = _user_id(callback_data)
    admin = await manage_team.admins.get(user_id)
    if admin is None:
        await answer_press(callback, texts.refusal(Refusal.NO_ADMIN), alert=True)
        return
    await answer_press(callback)
    keyboard = column(
        button(texts.YES_REMOVE, TeamButton(action=Action.REMOVE, id=str(user_id))),
        button(texts.BACK, TeamButton(action=Action.SHOW)),
    )
    await _edit(bot, message, texts.sure(admin.name), keyboard)


async def remove(
    callback: CallbackQuery,
    callback_data: TeamButton,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    manage_team: ManageTeam,
    membership: Membership,
    menus: Menus,
    timezone: ZoneInfo,
) -> None:
    me, user_id = callback.from_user, _user_id(callback_data)
    removed = await manage_team.remove(user_id, by=me.id)
    if isinstance(removed, Refusal):
        await answer_press(callback, texts.refusal(removed), alert=True)
    else:
        await answer_press(callback)
        await menus.take(user_id)
        others = set(await manage_team.role_of.admin_ids()) - {me.id}
        await _notify(bot, others, texts.removed(removed.name, me.full_name))
        await _notify(bot, [user_id], texts.NO_LONGER_ADMIN)
        if user_id == me.id:
            await _edit(bot, message, texts.NO_LONGER_ADMIN, None)
            return
    await _edit(bot, message, *await _screen(me, bot, manage_team, membership, timezone))


async def accept(
    message: Message,
    command: CommandObject,
    event_from_user: User,
    bot: Bot,
    manage_team: ManageTeam,
    menus: Menus,
) -> None:
    token = (command.args or "").removeprefix(INVITATION_PREFIX)
    admin = await manage_team.accept(token, event_from_user.id, event_from_user.full_name)
    if isinstance(admin, Refusal):
        await message.answer(texts.refusal(admin))
        return
    # The keyboard of the customer's steps may still be visible.
    await message.answer(texts.WELCOME, reply_markup=ReplyKeyboardRemove())
    await menus.give(admin.id)
    await _notify(bot, [admin.invited_by], texts.accepted(admin.name))
    others = set(await manage_team.role_of.admin_ids()) - {admin.id, admin.invited_by}
    by = await _name(bot, manage_team, admin.invited_by)
    await _notify(bot, others, texts.added(admin.name, by))


def router() -> Router:
    """Return the router, to be included before the routers of admins and customers.

    Anybody may accept an invitation.
    """
    router = Router(name="team")
    router.message.filter(F.chat.type == "private")
    with_invitation = CommandStart(deep_link=True, magic=F.args.startswith(INVITATION_PREFIX))
    router.message.register(accept, with_invitation)
    router.message.register(team, Command("equipe"), IsAdmin())
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


async def _screen(
    me: User, bot: Bot, manage_team: ManageTeam, membership: Membership, timezone: ZoneInfo
) -> tuple[str, InlineKeyboardMarkup]:
    """Return text and buttons of the current team."""
    of_settings = sorted(manage_team.role_of.settings_admins)
    invited = [a for a in await manage_team.admins.all() if a.id not in of_settings]
    invitations = await manage_team.open_invitations()
    names = {me.id: me.full_name} | {admin.id: admin.name for admin in invited}
    for user_id in {*of_settings, *(i.invited_by for i in invitations)} - names.keys():
        names[user_id] = await _name(bot, manage_team, user_id)
    text = texts.screen(
        [texts.of_settings(names[i], is_me=i == me.id) for i in of_settings]
        + [texts.invited(a.name, a.since, timezone, is_me=a.id == me.id) for a in invited],
        [texts.invitation(names[i.invited_by], i.expires_at, timezone) for i in invitations],
        [
            texts.attendants(d.name, await _attendants(bot, membership, d.group_id))
            for d in await membership.departments()
            if d.group_id
        ],
    )
    keyboard = column(
        *(
            button(texts.remove(a.name), TeamButton(action=Action.ASK_REMOVE, id=str(a.id)))
            for a in invited
        ),
        *(
            button(texts.revoke(i.expires_at, timezone), TeamButton(action=Action.REVOKE, id=i.id))
            for i in invitations
        ),
        button(texts.INVITE, TeamButton(action=Action.INVITE)),
        button(texts.REFRESH, TeamButton(action=Action.SHOW)),
    )
    return text, keyboard


async def _attendants(bot: Bot, membership: Membership, group_id: int) -> list[str] | None:
    """Return names of administrators and known members; None if the group cannot be reached."""
    try:
        names = dict(await TelegramGroups(bot).administrators(group_id))
    except (RefusedError, TryLaterError):
        return None
    for member in await membership.members.of_group(group_id):
        if member.is_member and member.user_id != bot.id:
            names.setdefault(member.user_id, member.name)
    return sorted(names.values(), key=str.casefold)


async def _name(bot: Bot, manage_team: ManageTeam, user_id: int) -> str:
    """Return the name of an admin, or the id if Telegram does not give a name."""
    if admin := await manage_team.admins.get(user_id):
        return admin.name
    try:
        return (await bot.get_chat(user_id)).full_name
    except (TelegramAPIError, TryLaterError):
        return str(user_id)


async def _notify(bot: Bot, user_ids: Iterable[int], text: str) -> None:
    """Send a text to these admins; log and skip each one who cannot be reached."""
    for user_id in user_ids:
        try:
            await bot.send_message(user_id, text)
        except (TelegramAPIError, TryLaterError) as error:
            logger.warning("admin not notified", chat=user_id, error=type(error).__name__)


async def _edit(
    bot: Bot,
    message: MaybeInaccessibleMessageUnion,
    text: str,
    keyboard: InlineKeyboardMarkup | None,
) -> None:
    await edit(bot, message.chat.id, message.message_id, text, keyboard)


def _user_id(button: TeamButton) -> int:
    """Return the id in the button. Return 0, which is no user, if the data was not made by us."""
    return int(button.id) if button.id.isdecimal() and len(button.id) < 20 else 0
