"""/titular: sends a file of everything about one person, with a button that anonymises."""

import structlog
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command, CommandObject
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardMarkup,
    MaybeInaccessibleMessageUnion,
    Message,
)

from bot.domain.conversation import Conversation
from bot.domain.data_subject import Traces
from bot.usecases.ports import DataSubjects
from bot.usecases.register.data_subject import Anonymise
from bot.wording.data_file import file_for_admin
from bot.wording.reading import Wrong, read_document
from bot.wording.values import when
from handlers.admin.company import data_subject_texts as texts
from handlers.admin.register.services import RegisterServices
from handlers.answers import answer_press
from handlers.keyboards import button, column

logger = structlog.get_logger()


class DataSubjectButton(CallbackData, prefix="titular"):
    """Action and person of a button. The tax id itself is in no button."""

    action: str
    """`ask`, `yes` or `no`."""
    handle: str
    version: int


async def tell(
    message: Message,
    command: CommandObject,
    data_subjects: DataSubjects,
    services: RegisterServices,
) -> None:
    if not command.args:
        await message.answer(texts.HOW)
        return
    tax_id = read_document(command.args)
    if isinstance(tax_id, Wrong):
        await message.answer(texts.wrong(tax_id.sentence))
        return
    traces = await data_subjects.of_tax_id(tax_id)
    if traces.is_empty:
        await message.answer(texts.not_found(tax_id))
        return
    names, now = await services.names(), services.clock()
    content = file_for_admin(traces, names, made=when(now, names))
    await message.answer_document(
        BufferedInputFile(
            content, filename=f"titular-{now.astimezone(services.timezone):%Y%m%d}.txt"
        ),
        caption=texts.caption(traces),
        reply_markup=_buttons((texts.ANONYMISE, "ask"), handle=traces.handle, of=traces),
    )
    logger.info("data of a person sent", admin=message.chat.id)


async def ask(
    callback: CallbackQuery,
    callback_data: DataSubjectButton,
    bot: Bot,
    data_subjects: DataSubjects,
    services: RegisterServices,
) -> None:
    traces = await data_subjects.of_handle(callback_data.handle)
    if traces is None or traces.is_anonymised or traces.is_empty:
        await answer_press(callback, texts.NOTHING_THERE, alert=True)
    elif traces.version != callback_data.version:
        await answer_press(callback, texts.CHANGED, alert=True)
    elif traces.open_conversation:
        await answer_press(callback, texts.still_served(traces.open_conversation), alert=True)
    else:
        await answer_press(callback)
        buttons = _buttons(
            (texts.YES, "yes"), (texts.NO, "no"), handle=callback_data.handle, of=traces
        )
        await bot.send_message(
            callback.from_user.id,
            texts.ask(traces, has_erp=services.has_erp),
            reply_markup=buttons,
        )


async def anonymise(
    callback: CallbackQuery,
    callback_data: DataSubjectButton,
    message: MaybeInaccessibleMessageUnion,
    bot: Bot,
    anonymise: Anonymise,
) -> None:
    admin_id = callback.from_user.id
    outcome = await anonymise(
        callback_data.handle,
        read_version=callback_data.version,
        admin_id=admin_id,
        operation=f"{message.chat.id}:{message.message_id}",
    )
    if isinstance(outcome, Conversation):
        # The question stays: the admin can answer it again once the conversation is closed.
        await answer_press(callback, texts.still_served(outcome), alert=True)
        return
    await answer_press(callback)
    # This replaces the question, which contains the person's name.
    await _replace(bot, message, texts.OUTCOMES[outcome])


async def leave(callback: CallbackQuery, message: MaybeInaccessibleMessageUnion, bot: Bot) -> None:
    await answer_press(callback)
    await _replace(bot, message, texts.NOTHING_CHANGED)


def router() -> Router:
    """Return the router; the including router must filter for admins and private chats.

    Needs `data_subjects`, `anonymise` and `services` in the dispatcher's data.
    """
    router = Router(name="data_subject")
    router.message.register(tell, Command("titular"))
    press = router.callback_query.register
    press(ask, DataSubjectButton.filter(F.action == "ask"))
    press(anonymise, DataSubjectButton.filter(F.action == "yes"), F.message.as_("message"))
    press(leave, DataSubjectButton.filter(F.action == "no"), F.message.as_("message"))
    return router


async def _replace(bot: Bot, message: MaybeInaccessibleMessageUnion, text: str) -> None:
    try:
        await bot.edit_message_text(text, chat_id=message.chat.id, message_id=message.message_id)
    except TelegramBadRequest as error:
        if "not modified" not in error.message:
            await bot.send_message(message.chat.id, text)


def _buttons(*choices: tuple[str, str], handle: str, of: Traces) -> InlineKeyboardMarkup:
    return column(
        *(
            button(text, DataSubjectButton(action=action, handle=handle, version=of.version))
            for text, action in choices
        )
    )
