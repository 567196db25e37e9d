"""/clientes: search, filter and browse the register."""

import asyncio
import secrets
from typing import Any, Final

import structlog
from aiogram import Bot
from aiogram.types import CallbackQuery, Message, TelegramObject, User
from aiogram_dialog import Data, Dialog, DialogManager, ShowMode, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Column, Group, Row, Select, SwitchTo, WebApp
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.errors import AppError
from bot.domain.phone import read_phone
from bot.domain.registration import Kind, Status
from bot.domain.search import PAGE, Query, query_data, read_query
from bot.domain.tax_id import NotATaxId, Reason, read_tax_id
from bot.wording.words import KINDS, STATUSES
from handlers.admin.files.arriving import ask_for_file
from handlers.admin.files.states import ExportDialog
from handlers.admin.many.screens import ManyDialog
from handlers.admin.register import texts
from handlers.admin.register.services import (
    RegisterServices,
    offered,
    say,
    take_notice,
    ticked,
)
from handlers.admin.register.states import AuditDialog, RecordDialog, RegisterDialog, WizardDialog
from handlers.admin.screens import Shown, choices
from handlers.admin.sync import Verb, begin, sync_of
from handlers.admin.typed import document_of, sent_by_protocol
from handlers.answers import Handler

_LONGEST_SEARCH = 200
# A page waits this long for its total, and is shown without it then.
_COUNT_S = 0.3
_COUNTING = "counting"
# Typing errors in a tax id that are worth a message if nothing was found.
_TOLD = (Reason.CHECK_DIGITS, Reason.REPEATED)

# The filter that each row of buttons sets, and those that one button sets.
_FILTERS: Final = {
    "kind": "kinds",
    "status": "statuses",
    "tag": "tags",
    "department": "departments",
}
_FLAGS: Final = ("priority", "without_tag")

logger = structlog.get_logger()


def dialog() -> Dialog:
    """Return the dialog. `start_data` may hold `text`, which is searched at once."""
    return Dialog(
        _listing_window(), _filters_window(), on_start=_start, on_process_result=_recount
    )


async def total_follows(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    """Middleware: edit the total into a page that was shown before all results were counted."""
    done = await handler(event, data)
    manager: DialogManager | None = data.get("dialog_manager")
    counting: asyncio.Task[int] | None = data.pop(_COUNTING, None)
    if counting is None or manager is None:
        return done
    if not manager.has_context() or manager.current_context().state != RegisterDialog.listing:
        counting.cancel()
        return done
    try:
        _keep(manager, await counting)
    except AppError as error:
        logger.warning("results not counted", error=str(error))
    else:
        await manager.show(ShowMode.EDIT)
    return done


def _listing_window() -> Window:
    return Window(
        Format("{text}"),
        Column(choices("open", "results", _open)),
        Row(
            Button(Const("◀️ Anterior"), id="previous", on_click=_previous, when="has_previous"),
            Button(Const("Próxima ▶️"), id="next", on_click=_next, when="has_next"),
        ),
        Row(
            SwitchTo(Format("{filter_button}"), id="filters", state=RegisterDialog.filters),
            Button(Const("🧹 Mostrar todos"), id="clear", on_click=_clear, when="is_narrowed"),
            when="has_register",
        ),
        WebApp(Format("📊 {table_button}"), Format("{table_url}"), when="table_url"),
        Button(Format("🗂 {many_button}"), id="many", on_click=_many, when="has_results"),
        Button(Format("➕ {add_button}"), id="add", on_click=_add),
        Row(
            Button(Const("📥 Importar"), id="import", on_click=_import),
            Button(Const("📤 Exportar"), id="export", on_click=_export, when="has_register"),
        ),
        Row(
            Button(Const("🔄 Sincronização rápida"), id="quick", on_click=_sync),
            Button(Const("🔁 Sincronização completa"), id="full", on_click=_sync),
            when="has_erp",
        ),
        Row(
            Button(Const("📜 Auditoria"), id="audit", on_click=_audit),
            Cancel(Const("✖️ Fechar")),
        ),
        TextInput(id="search", on_success=_search),
        state=RegisterDialog.listing,
        getter=_listing,
    )


def _filters_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("kind", "kinds", _filter), width=2),
        Row(choices("status", "statuses", _filter)),
        Button(Format("{priority}"), id="priority", on_click=_filter_priority),
        Group(choices("department", "departments", _filter), width=2),
        Group(
            Button(Format("{untagged}"), id="untagged", on_click=_filter_untagged),
            choices("tag", "tags", _filter),
            width=2,
        ),
        Row(
            Button(Const("🧹 Limpar"), id="none", on_click=_clear_filters),
            Button(Const("📤 Exportar"), id="export", on_click=_export),
            SwitchTo(Const("✅ Mostrar"), id="show", state=RegisterDialog.listing),
        ),
        TextInput(id="search_filtered", on_success=_search),
        state=RegisterDialog.filters,
        getter=_filters,
    )


async def _start(start_data: Data, manager: DialogManager) -> None:
    text = start_data.get("text", "") if isinstance(start_data, dict) else ""
    manager.dialog_data["text"] = text[:_LONGEST_SEARCH]


async def _listing(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    data = dialog_manager.dialog_data
    query, starts = _query(dialog_manager), data.get("starts", [])
    # The total stays with the screen: pages of the same results are not counted again.
    kept = data.get("counted", {})
    count = kept["count"] if kept.get("of") == query_data(query) else None
    page = await services.search(query, start=starts[-1] if starts else None)
    if starts and not page.registrations:
        # The registrations of this page were deleted in the meantime.
        data["starts"] = []
        page = await services.search(query, start=None)
    names = await services.names()
    if count is None:
        counting = asyncio.create_task(services.search.count(query))
        await asyncio.wait({counting}, timeout=_COUNT_S)
        if counting.done():
            count = _keep(dialog_manager, counting.result())
        else:
            dialog_manager.middleware_data[_COUNTING] = counting
    data.update(next=page.next, is_in_vain=not page.registrations)
    narrowed = query != Query()
    is_empty = not narrowed and not page.registrations
    return {
        "text": take_notice(dialog_manager)
        + texts.listing(query, page, count, names, page_number=len(data.get("starts", [])) + 1),
        "results": [(r.id, texts.result_button(r)) for r in page.registrations[:PAGE]],
        "has_previous": bool(data.get("starts")),
        "has_next": page.next is not None,
        "filter_button": texts.filter_button(query),
        "is_narrowed": narrowed,
        "has_register": not is_empty,
        "table_button": "Ver na tabela" if narrowed else "Tabela",
        "table_url": await _table_url(dialog_manager, services, query),
        "has_results": bool(page.registrations),
        "many_button": texts.many_button(count),
        "has_erp": services.has_erp,
        "add_button": "Adicionar novo cliente" if is_empty else "Adicionar novo cadastro",
    }


async def _table_url(
    manager: DialogManager, services: RegisterServices, query: Query
) -> str | None:
    if services.show_in_table is None:
        return None
    user: User = manager.middleware_data["event_from_user"]
    key = manager.dialog_data.setdefault("table_key", secrets.token_urlsafe(12))
    return await services.show_in_table(query, user_id=user.id, key=key)


def _keep(manager: DialogManager, count: int) -> int:
    manager.dialog_data["counted"] = {"of": query_data(_query(manager)), "count": count}
    return count


async def _recount(_: Data, __: Any, manager: DialogManager) -> None:
    # A screen above this one may have added or deleted a registration.
    manager.dialog_data.pop("counted", None)


async def _filters(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    query = _query(dialog_manager)
    tags = offered(await services.tags.all(), query.tags)
    departments = offered(await services.departments.all(), query.departments)
    return {
        "text": texts.filters(query, await services.names()),
        "kinds": [(k.value, texts.choice(KINDS[k], k in query.kinds)) for k in Kind],
        "statuses": [(s.value, texts.choice(STATUSES[s], s in query.statuses)) for s in Status],
        "priority": texts.choice("Com prioridade", query.priority),
        "departments": [
            (one.id, texts.choice(f"🔴 {one.name}", one.id in query.departments))
            for one in departments
        ],
        "untagged": texts.choice("Sem etiqueta", query.without_tag),
        "tags": [(tag.id, texts.choice(tag.shown, tag.id in query.tags)) for tag in tags],
    }


def _query(manager: DialogManager) -> Query:
    data = manager.dialog_data
    # A screen that is open since an earlier version has one value a filter, or None.
    known = {name: data[name] for name in (*_FILTERS, *_FILTERS.values(), *_FLAGS) if name in data}
    return read_query({"text": data.get("text", ""), **known})


async def _search(
    message: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    if found := await document_of(manager, text):
        await manager.start(RecordDialog.card, data={"id": found})
        return
    if await sent_by_protocol(message, manager):
        return
    if manager.current_context().state != RegisterDialog.listing:
        await manager.switch_to(RegisterDialog.listing)
    manager.dialog_data.update(text=text.strip()[:_LONGEST_SEARCH], starts=[])
    read = read_tax_id(text)
    if isinstance(read, NotATaxId) and read.reason in _TOLD and not read_phone(text):
        await say(manager, texts.SUSPICIOUS_TAX_ID)


async def _open(
    _: CallbackQuery, __: Select[str], manager: DialogManager, registration_id: str
) -> None:
    await manager.start(RecordDialog.card, data={"id": registration_id})


async def _previous(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    # Safe to press twice: there is nothing before the first page.
    manager.dialog_data["starts"] = manager.dialog_data.get("starts", [])[:-1]


async def _next(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    if data.get("next"):
        data["starts"] = [*data.get("starts", []), data["next"]]


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data.clear()


async def _clear_filters(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    text = manager.dialog_data.get("text", "")
    manager.dialog_data.clear()
    manager.dialog_data["text"] = text


async def _filter(
    _: CallbackQuery, select: Select[str], manager: DialogManager, value: str
) -> None:
    data, name = manager.dialog_data, _FILTERS[str(select.widget_id)]
    earlier = data.pop(select.widget_id, None)
    data[name] = ticked(data.get(name, [earlier] if earlier else []), value)
    data["starts"] = []


async def _filter_priority(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    data.update(priority=not data.get("priority", False), starts=[])


async def _filter_untagged(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    data.update(without_tag=not data.get("without_tag", False), starts=[])


async def _add(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    # Who searches in vain, and then adds, means the one that was not found.
    typed = data.get("text", "") if data.get("is_in_vain") else ""
    await manager.start(WizardDialog.main, data={"typed": typed})


async def _import(callback: CallbackQuery, __: Button, manager: DialogManager) -> None:
    bot: Bot = manager.middleware_data["bot"]
    await ask_for_file(bot, callback.from_user.id)


async def _export(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    """Open the export with the current search and filters."""
    data = {"query": query_data(_query(manager))}
    await manager.start(ExportDialog.main, data=data)


async def _many(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    """Act on all results of the current search and filters."""
    await manager.start(ManyDialog.action, data={"query": query_data(_query(manager))})


async def _audit(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.start(AuditDialog.listing)


async def _sync(callback: CallbackQuery, button: Button, manager: DialogManager) -> None:
    bot: Bot = manager.middleware_data["bot"]
    admin = callback.from_user
    await begin(bot, admin.id, admin.id, sync_of(manager), Verb(button.widget_id or ""))
