"""/departamentos: in private the list, in a group the choice of its department."""

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, MaybeInaccessibleMessageUnion, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.kbd import SwitchTo
from aiogram_dialog.widgets.text import Const

from bot.domain.conversation import Department
from bot.domain.errors import AppError
from bot.domain.group import GroupAccess
from bot.domain.label import LABEL_LENGTH, Label
from bot.domain.registration import read_name
from bot.usecases.company.departments import Departments
from bot.usecases.ports import AccessToGroup
from bot.usecases.register.labels import Refusal
from handlers.access import IsAdmin
from handlers.admin.labels import hours, hours_texts
from handlers.admin.labels import texts as texts
from handlers.admin.labels.states import DepartmentsDialog
from handlers.admin.labels.windows import LabelWindows
from handlers.answers import answer_press
from handlers.keyboards import button, column

NEW_NAMED_LIKE_GROUP = "➕ Novo departamento com o nome deste grupo"

logger = structlog.get_logger()


class LinkGroup(CallbackData, prefix="link"):
    """Links this group to a department; without an id, to a new one."""

    id: str | None = None


async def _details(label: Label, manager: DialogManager) -> str:
    if not isinstance(label, Department):
        return ""
    group = texts.NO_GROUP
    if label.group_id is not None:
        access = await _access(manager.middleware_data["access_to_group"], label.group_id)
        group = texts.linked_group(access) if access else texts.GROUP_NOT_REACHED
    return f"{group}\n\n{hours_texts.in_short(label.hours)}"


def dialog() -> Dialog:
    """Return the dialog, which starts with `DepartmentsDialog.list`.

    Needs `departments`, `office_hours` and `access_to_group` in the dispatcher's data.
    """
    windows = LabelWindows(
        states=DepartmentsDialog,
        key="departments",
        words=texts.DEPARTMENTS,
        details=_details,
        more=(SwitchTo(Const(hours_texts.HOURS), id="hours", state=DepartmentsDialog.hours),),
    )
    return Dialog(*windows.all(), *hours.windows())


async def whose_group(
    message: Message, departments: Departments, access_to_group: AccessToGroup
) -> None:
    """Say which department this group has, and offer the others."""
    current = await departments.of_group(message.chat.id)
    keyboard = column(
        *(
            button(one.shown, LinkGroup(id=one.id))
            for one in await departments.linkable(message.chat.id)
        ),
        button(NEW_NAMED_LIKE_GROUP, LinkGroup()),
    )
    access = await _access(access_to_group, message.chat.id)
    await message.answer(texts.this_group(current, access), reply_markup=keyboard)


async def link(
    callback: CallbackQuery,
    callback_data: LinkGroup,
    message: MaybeInaccessibleMessageUnion,
    departments: Departments,
    access_to_group: AccessToGroup,
    bot: Bot,
) -> None:
    before = await departments.of_group(message.chat.id)
    department_id = callback_data.id
    if department_id is None:
        name = read_name(message.chat.title or "")[:LABEL_LENGTH].rstrip()
        created = await departments.create(name)
        if isinstance(created, Refusal):
            await answer_press(callback, _plain(created), alert=True)
            return
        department_id = created.id
    outcome = await departments.link(department_id, message.chat.id)
    if isinstance(outcome, Refusal):
        sentence = texts.LINKED_ELSEWHERE if outcome is Refusal.TAKEN else _plain(outcome)
        await answer_press(callback, sentence, alert=True)
        return
    await answer_press(callback)
    access = await _access(access_to_group, message.chat.id)
    text = texts.linked(outcome, before, access)
    try:
        await bot.edit_message_text(text, chat_id=message.chat.id, message_id=message.message_id)
    except TelegramBadRequest:
        # The button was pressed twice, or the message was deleted.
        await bot.send_message(message.chat.id, text)


async def follow(message: Message, new_group_id: int, departments: Departments) -> None:
    """Update the group's id: a basic group became a supergroup, which has another id."""
    department = await departments.follow(message.chat.id, new_group_id)
    if department:
        logger.info("group follows", department=department.id, group=new_group_id)


def group_router() -> Router:
    """Return the router for groups. It goes before the attendants'; access is checked earlier."""
    router = Router(name="department groups")
    router.message.filter(F.chat.type.in_({"group", "supergroup"}))
    router.message.register(whose_group, Command("departamentos"), IsAdmin())
    router.message.register(follow, F.migrate_to_chat_id.as_("new_group_id"))
    router.callback_query.register(link, LinkGroup.filter(), F.message.as_("message"), IsAdmin())
    return router


async def _access(access_to_group: AccessToGroup, group_id: int) -> GroupAccess | None:
    try:
        return await access_to_group(group_id)
    except AppError as error:
        logger.info("group not checked", group=group_id, error=str(error))
        return None


def _plain(refusal: Refusal) -> str:
    """Return the refusal for an alert window, which shows no HTML."""
    return texts.refusal(refusal, texts.DEPARTMENTS)
