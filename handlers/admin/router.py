"""The admin's private chat: commands, screens, and an answer to everything else."""

import secrets

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject, ExceptionTypeFilter
from aiogram.types import ErrorEvent, Message
from aiogram_dialog import Dialog, DialogManager, ShowMode, setup_dialogs
from aiogram_dialog.api.entities import stack as stacks
from aiogram_dialog.api.exceptions import OutdatedIntent, UnknownIntent, UnknownState

from handlers.access import IsAdmin
from handlers.admin import sync, texts
from handlers.admin.audit import screens as audit
from handlers.admin.company import backup, data_subject, panel, queues, set_aside, status
from handlers.admin.duplicates import screens as duplicates
from handlers.admin.duplicates.states import DuplicatesDialog
from handlers.admin.files import exporting, importing, tasks
from handlers.admin.files.arriving import ask_for_file, receive
from handlers.admin.files.buttons import keyboard
from handlers.admin.files.services import FileServices
from handlers.admin.files.states import ExportDialog
from handlers.admin.labels import departments, ready_answers, tags
from handlers.admin.labels.states import DepartmentsDialog
from handlers.admin.many import screens as many
from handlers.admin.register import edit, listing, record, wizard
from handlers.admin.register.services import open_over
from handlers.admin.register.states import AuditDialog, RegisterDialog
from handlers.admin.sync import open_sync
from handlers.admin.typed import AsksNoText, search
from handlers.answers import answer_press
from handlers.attendant import calling
from handlers.menus import Menus


def _screen_id() -> str:
    """Return a unique id of eight characters."""
    return secrets.token_urlsafe(6)


# The library draws one of a hundred ids within a second. Two screens opened in quick succession
# could get the same id, and both would be lost. The library has no setting for this.
stacks.new_id = _screen_id


async def help_(message: Message) -> None:
    await message.answer(texts.HELP)


async def start(message: Message, menus: Menus) -> None:
    # An admin who had never written had no chat, and so no menu.
    await menus.give(message.chat.id)
    await message.answer(texts.HELP)


async def open_register(_: Message, dialog_manager: DialogManager, command: CommandObject) -> None:
    await open_over(dialog_manager, RegisterDialog.listing, {"text": command.args or ""})


async def open_import(message: Message, bot: Bot) -> None:
    await ask_for_file(bot, message.chat.id)


async def open_export(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, ExportDialog.main)


async def open_jobs(message: Message, files: FileServices) -> None:
    text, rows = await tasks.list_jobs(files)
    await message.answer(text, reply_markup=keyboard(rows))


async def open_audit(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, AuditDialog.listing)


async def open_duplicates(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, DuplicatesDialog.listing)


async def open_tags(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, tags.TagsDialog.list)


async def open_departments(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, DepartmentsDialog.list)


async def open_ready_answers(_: Message, dialog_manager: DialogManager) -> None:
    await open_over(dialog_manager, ready_answers.ReadyAnswersDialog.list)


async def only_text(message: Message) -> None:
    await message.answer(texts.ONLY_TEXT)


async def stale_screen(event: ErrorEvent, dialog_manager: DialogManager) -> None:
    """Answer a press on a screen that was closed, or that is below a newer one."""
    callback = event.update.callback_query
    if callback is None:
        return
    if not dialog_manager.has_context():
        await answer_press(callback, texts.SCREEN_CLOSED, alert=True)
        return
    await answer_press(callback, texts.SCREEN_IS_BELOW, alert=True)
    await dialog_manager.show(ShowMode.DELETE_AND_SEND)


def dialogs() -> list[Dialog]:
    return [
        listing.dialog(),
        record.dialog(),
        edit.dialog(),
        wizard.dialog(),
        audit.dialog(),
        duplicates.dialog(),
        panel.dialog(),
        tags.dialog(),
        departments.dialog(),
        ready_answers.dialog(),
        importing.dialog(),
        exporting.dialog(),
        many.dialog(),
    ]


def router() -> Router:
    """Return the router of admins.

    It goes before the customer's router, so that an admin is not asked for a CPF. There are two
    routers: the outer one filters for admins, so that no screen is looked up for other users.
    """
    gate = Router(name="admin")
    gate.message.filter(F.chat.type == "private", IsAdmin())
    gate.callback_query.filter(F.message.chat.type == "private", IsAdmin())
    screens = Router(name="screens")
    screens.message.register(start, Command("start"))
    screens.message.register(help_, Command("ajuda"))
    screens.message.register(open_register, Command("clientes"))
    screens.message.register(open_audit, Command("auditoria"))
    screens.message.register(open_duplicates, Command("duplicados"))
    screens.message.register(open_tags, Command("etiquetas"))
    screens.message.register(open_departments, Command("departamentos"))
    screens.message.register(open_ready_answers, Command("respostas"))
    screens.message.register(panel.open_panel, Command("painel"))
    # Before the command, because the command may be the caption of a file.
    screens.message.register(receive, F.document)
    screens.message.register(open_import, Command("importar"))
    screens.message.register(open_export, Command("exportar"))
    screens.message.register(open_jobs, Command("tarefas"))
    screens.message.register(open_sync, Command("sincronizar"))
    all_dialogs = dialogs()
    is_text = F.text & ~F.text.startswith("/")
    screens.message.register(search, is_text, AsksNoText(all_dialogs))
    screens.include_routers(tasks.router(), sync.router(), *all_dialogs)
    rest = Router(name="rest")
    rest.message.register(search, is_text)
    rest.message.register(only_text)
    screens.include_router(rest)
    setup_dialogs(screens)
    for observer in (screens.message, screens.callback_query):
        observer.middleware(listing.total_follows)
    screens.errors.register(
        stale_screen, ExceptionTypeFilter(UnknownIntent, OutdatedIntent, UnknownState)
    )
    gate.include_routers(
        status.router(),
        set_aside.router(),
        backup.router(),
        queues.router(),
        data_subject.router(),
        calling.router(),
        screens,
    )
    return gate
