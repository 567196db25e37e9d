"""Audit screens: changes of one registration or of all; deleted registrations can be restored."""

from datetime import date, timedelta
from typing import Final

from aiogram.types import BufferedInputFile, CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, ShowMode, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Column, Group, Row, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.audit import AuditEntry, AuditFilter, AuditPage, Event
from bot.wording.values import who
from bot.wording.words import EVENTS
from handlers.admin.audit import texts as audit_texts
from handlers.admin.audit.file import audit_file
from handlers.admin.duplicates.separating import separate
from handlers.admin.register import texts
from handlers.admin.register.restoring import restore
from handlers.admin.register.services import (
    RegisterServices,
    say,
    services_of,
    take_notice,
)
from handlers.admin.register.states import AuditDialog, RecordDialog
from handlers.admin.screens import Shown, choices

_PAGE: Final = 8
# Buttons for the most recent days; other periods are typed.
_PERIODS: Final = {"today": (0, "Hoje"), "week": (6, "7 dias"), "month": (29, "30 dias")}


def dialog() -> Dialog:
    """Return the dialog of one registration (`registration_id` in `start_data`) or of all."""
    return Dialog(
        _list_window(),
        _filter_window(),
        _person_window(),
        _period_window(),
        _entry_window(),
    )


def _list_window() -> Window:
    return Window(
        Format("{text}"),
        Column(choices("entry", "entries", _open_entry)),
        Row(
            Button(Const("◀️ Mais novas"), id="newer", on_click=_newer, when="has_newer"),
            Button(Const("Mais antigas ▶️"), id="older", on_click=_older, when="has_older"),
        ),
        Row(
            SwitchTo(
                Const("🔎 Filtros"), id="filters", state=AuditDialog.filters, when="is_overall"
            ),
            Button(Const("📄 Enviar como arquivo"), id="file", on_click=_file, when="entries"),
        ),
        Cancel(Const("⬅️ Voltar")),
        state=AuditDialog.listing,
        getter=_listing,
    )


def _filter_window() -> Window:
    return Window(
        Format("{text}"),
        Group(
            choices("event", "events", _pick_event),
            width=2,
        ),
        Row(
            SwitchTo(Format("{person}"), id="person", state=AuditDialog.person),
            SwitchTo(Format("{period}"), id="period", state=AuditDialog.period),
        ),
        Row(
            Button(Const("🧹 Sem filtros"), id="none", on_click=_clear),
            SwitchTo(Const("✅ Mostrar"), id="show", state=AuditDialog.listing),
        ),
        state=AuditDialog.filters,
        getter=_filters,
    )


def _person_window() -> Window:
    return Window(
        Const("👤 <b>Quem mudou</b>\n\nEscolha uma pessoa ou um ERP."),
        Column(choices("by", "people", _pick_person)),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=AuditDialog.filters),
        state=AuditDialog.person,
        getter=_people,
    )


def _period_window() -> Window:
    return Window(
        Format("{text}"),
        Row(
            *(Button(Const(name), id=key, on_click=_period) for key, (_, name) in _PERIODS.items())
        ),
        Button(Const("Sempre"), id="always", on_click=_period),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=AuditDialog.filters),
        TextInput(id="days", on_success=_typed_period),
        state=AuditDialog.period,
        getter=_period_text,
    )


def _entry_window() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("📂 Abrir o cadastro"), id="record", on_click=_open_record, when="is_there"),
        Button(
            Const("♻️ Restaurar o cadastro"), id="restore", on_click=_restore, when="can_restore"
        ),
        Button(
            Const("✂️ Desfazer a união"), id="separate", on_click=_separate, when="can_separate"
        ),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=AuditDialog.listing),
        state=AuditDialog.entry,
        getter=_entry,
    )


def _registration_id(manager: DialogManager) -> str | None:
    start_data = manager.start_data
    return str(start_data["registration_id"]) if isinstance(start_data, dict) else None


def _wanted(manager: DialogManager) -> AuditFilter:
    data = manager.dialog_data
    return AuditFilter(
        by=data.get("by"),
        event=Event(data["event"]) if data.get("event") else None,
        first_day=date.fromisoformat(data["first"]) if data.get("first") else None,
        last_day=date.fromisoformat(data["last"]) if data.get("last") else None,
    )


async def _page(manager: DialogManager, services: RegisterServices) -> AuditPage:
    data, registration_id = manager.dialog_data, _registration_id(manager)
    starts = data.get("starts", [])
    if registration_id is None:
        return await services.audit.page(
            _wanted(manager), timezone=services.timezone, start=starts[-1] if starts else None
        )
    entries = await services.audit.with_united(registration_id)
    first = int(starts[-1]) if starts else 0
    more = len(entries) > first + _PAGE
    return AuditPage(
        entries=tuple(entries[first : first + _PAGE]), older=str(first + _PAGE) if more else None
    )


async def _listing(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    data, registration_id = dialog_manager.dialog_data, _registration_id(dialog_manager)
    page, names = await _page(dialog_manager, services), await services.names()
    data["older"] = page.older
    of_one = registration_id is not None
    registration = (
        await services.registrations.by_id(registration_id)
        if registration_id is not None
        else None
    )
    wanted = _wanted(dialog_manager)
    text = audit_texts.listing(page, wanted, names, registration=registration, of_one=of_one)
    return {
        "text": take_notice(dialog_manager) + text,
        "entries": [(e.id, audit_texts.button(e, names, of_one=of_one)) for e in page.entries],
        "has_newer": bool(data.get("starts")),
        "has_older": page.older is not None,
        "is_overall": not of_one,
    }


async def _filters(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    wanted, names = _wanted(dialog_manager), await services.names()
    return {
        "text": audit_texts.filters(wanted, names),
        "events": [
            (event.value, texts.choice(name, wanted.event is event))
            for event, name in EVENTS.items()
        ],
        "person": f"👤 {who(wanted.by, names) if wanted.by else 'Todos'}",
        "period": f"📅 {audit_texts.period(wanted) or 'Sempre'}",
    }


async def _people(services: RegisterServices, **_: object) -> Shown:
    names = await services.names()
    people = [(by, f"👤 {who(by, names)}") for by in await services.audit.people()]
    return {"people": [("*", "Todos"), *sorted(people, key=lambda p: p[1])]}


async def _period_text(dialog_manager: DialogManager, **_: object) -> Shown:
    return {"text": take_notice(dialog_manager) + audit_texts.ASK_PERIOD}


async def _entry(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    entry = await services.audit.entry(dialog_manager.dialog_data["entry"])
    notice = take_notice(dialog_manager)
    if entry is None:
        return {
            "text": notice + audit_texts.NO_ENTRY,
            "is_there": False,
            "can_restore": False,
            "can_separate": False,
        }
    registration = await services.registrations.by_id(entry.registration_id)
    return {
        "text": notice + audit_texts.entry(entry, await services.names()),
        "is_there": registration is not None,
        "can_restore": registration is None
        and entry.deleted is not None
        and entry.event is Event.DELETED,
        "can_separate": entry.gone_id is not None,
    }


async def _open_entry(
    _: CallbackQuery, __: Select[str], manager: DialogManager, entry_id: str
) -> None:
    manager.dialog_data["entry"] = entry_id
    await manager.switch_to(AuditDialog.entry)


async def _newer(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["starts"] = manager.dialog_data.get("starts", [])[:-1]


async def _older(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    if data.get("older"):
        data["starts"] = [*data.get("starts", []), data["older"]]


async def _pick_event(
    _: CallbackQuery, __: Select[str], manager: DialogManager, event: str
) -> None:
    data = manager.dialog_data
    data.update(event=None if data.get("event") == event else event, starts=[])


async def _pick_person(_: CallbackQuery, __: Select[str], manager: DialogManager, by: str) -> None:
    manager.dialog_data.update(by=None if by == "*" else by, starts=[])
    await manager.switch_to(AuditDialog.filters)


async def _period(_: CallbackQuery, button: Button, manager: DialogManager) -> None:
    today = _today(services_of(manager))
    days = _PERIODS.get(str(button.widget_id))
    first = (today - timedelta(days=days[0])).isoformat() if days else None
    manager.dialog_data.update(first=first, last=None, starts=[])
    await manager.switch_to(AuditDialog.filters)


def _today(services: RegisterServices) -> date:
    return services.clock().astimezone(services.timezone).date()


async def _typed_period(
    _: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    read = audit_texts.read_period(text, today=_today(services_of(manager)))
    if read is None:
        await say(manager, "⚠️ Não entendi as datas.")
        return
    first, last = read
    manager.dialog_data.update(first=first.isoformat(), last=last.isoformat(), starts=[])
    await manager.switch_to(AuditDialog.filters)


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data.clear()


async def _open_record(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    entry = await services_of(manager).audit.entry(manager.dialog_data["entry"])
    if entry is not None:
        await manager.start(RecordDialog.card, data={"id": entry.registration_id})


async def _restore(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if restored := await restore(manager, manager.dialog_data["entry"]):
        data = {"id": restored.id, "notice": texts.RESTORED}
        await manager.start(RecordDialog.card, data=data)


async def _separate(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    entry = await services_of(manager).audit.entry(manager.dialog_data["entry"])
    if entry is not None and entry.gone_id is not None:
        await separate(manager, entry.gone_id)


async def _file(callback: CallbackQuery, __: Button, manager: DialogManager) -> None:
    """Send a file with the whole list, and not only with this page."""
    services, registration_id = services_of(manager), _registration_id(manager)
    if registration_id is not None:
        entries: list[AuditEntry] = await services.audit.with_united(registration_id)
        content, complete = await audit_file(entries, await services.names())
    else:
        each = services.audit.each(_wanted(manager), timezone=services.timezone)
        content, complete = await audit_file(each, await services.names())
    if callback.message is None or callback.bot is None:
        return
    name = f"auditoria-{services.clock().astimezone(services.timezone):%Y-%m-%d-%H%M}.csv"
    await callback.bot.send_document(
        callback.message.chat.id,
        BufferedInputFile(content, filename=name),
        caption=audit_texts.FILE if complete else audit_texts.FILE_CUT,
    )
    # The screen moves below the file, where it can be seen.
    manager.show_mode = ShowMode.DELETE_AND_SEND
