"""Windows of /departamentos: opening hours and holidays of a department."""

from typing import Final

from aiogram import F
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, ScrollingGroup, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.conversation import Department
from bot.domain.hours_text import read_holidays, read_week
from bot.domain.hours_tokens import NotUnderstood
from bot.domain.opening_hours import Holiday, OpeningHours
from bot.usecases.attending.office_hours import OfficeHours
from bot.usecases.company.departments import Departments
from bot.usecases.register.labels import Refusal
from bot.wording import hours as wording
from handlers.admin.labels import hours_texts, texts
from handlers.admin.labels.states import DepartmentsDialog
from handlers.admin.labels.windows import notice, say
from handlers.admin.screens import Shown, choices

_ON_A_PAGE: Final = 10
_HOLIDAYS_AT_MOST: Final = 150
_NO_COMMAND: Final = ~F.text.startswith("/")


def windows() -> tuple[Window, ...]:
    """Return the windows; `DepartmentsDialog.hours` is the first."""
    states = DepartmentsDialog
    return (
        _hours_window(),
        Window(
            Format("{notice}" + hours_texts.ASK_HOURS),
            MessageInput(_on_hours, filter=_NO_COMMAND),
            SwitchTo(Const(texts.CANCEL), id="to_hours", state=states.hours),
            getter=_get_notice,
            state=states.hours_text,
        ),
        _holidays_window(),
        Window(
            Format("{notice}" + hours_texts.ASK_DATES),
            MessageInput(_on_dates, filter=_NO_COMMAND),
            SwitchTo(Const(texts.CANCEL), id="to_days", state=states.holidays),
            getter=_get_notice,
            state=states.holidays_text,
        ),
        Window(
            Format("{text}"),
            MessageInput(_on_text_again, filter=_NO_COMMAND),
            Button(Const(hours_texts.SAVE), id="save", on_click=_on_save),
            Button(Const(hours_texts.AGAIN), id="again", on_click=_on_again),
            SwitchTo(Const(texts.CANCEL), id="drop", state=states.hours),
            getter=_get_check,
            state=states.hours_check,
        ),
    )


def _hours_window() -> Window:
    states = DepartmentsDialog
    return Window(
        Format("{text}"),
        SwitchTo(
            Const(hours_texts.WRITE_HOURS), id="write", state=states.hours_text, when="is_there"
        ),
        SwitchTo(Const(hours_texts.HOLIDAYS), id="days", state=states.holidays, when="is_there"),
        Button(Const(hours_texts.ALWAYS), id="always", on_click=_on_always, when="has_hours"),
        SwitchTo(Const(texts.BACK), id="to_label", state=states.label),
        getter=_get_hours,
        state=states.hours,
    )


def _holidays_window() -> Window:
    states = DepartmentsDialog
    return Window(
        Format("{text}"),
        ScrollingGroup(
            choices("one_day", "dates", _on_holiday),
            id="pages_days",
            width=1,
            height=_ON_A_PAGE,
            hide_on_single_page=True,
        ),
        Button(Const(hours_texts.NATIONAL), id="national", on_click=_on_national, when="lacks"),
        SwitchTo(
            Const(hours_texts.WRITE_DATES),
            id="write_days",
            state=states.holidays_text,
            when="is_there",
        ),
        SwitchTo(Const(texts.BACK), id="back_to_hours", state=states.hours),
        getter=_get_holidays,
        state=states.holidays,
    )


# Getters


async def _get_hours(dialog_manager: DialogManager, **_: object) -> Shown:
    department = await _read(dialog_manager)
    if department is None:
        return {"text": texts.GONE, "is_there": False, "has_hours": False}
    closed = _office(dialog_manager).closed(department)
    return {
        "text": notice(dialog_manager) + hours_texts.hours(department, closed),
        "is_there": True,
        "has_hours": not department.hours.is_always,
    }


async def _get_holidays(dialog_manager: DialogManager, **_: object) -> Shown:
    department = await _read(dialog_manager)
    if department is None:
        return {"text": texts.GONE, "is_there": False, "lacks": False, "dates": []}
    return {
        "text": notice(dialog_manager) + hours_texts.holidays(department),
        "is_there": True,
        "lacks": bool(_national_lacking(department.hours)),
        "dates": [
            (_button_id(one), f"✖️ {wording.holiday(one)}") for one in department.hours.holidays
        ],
    }


async def _get_notice(dialog_manager: DialogManager, **_: object) -> Shown:
    return {"notice": notice(dialog_manager)}


async def _get_check(dialog_manager: DialogManager, **_: object) -> Shown:
    seen, draft = _seen(dialog_manager), _draft(dialog_manager)
    closed = _office(dialog_manager).closed(seen.model_copy(update={"hours": draft}))
    dates = [Holiday.model_validate(one) for one in dialog_manager.dialog_data["dates"]]
    lost = len(seen.hours.holidays) if draft.is_always else 0
    said = notice(dialog_manager)
    return {"text": said + hours_texts.understood(draft, dates, closed, lost)}


# Actions


async def _on_hours(message: Message, _: object, manager: DialogManager) -> None:
    week = read_week(message.text) if message.text is not None else None
    if week is None:
        say(manager, texts.ONLY_TEXT)
    elif isinstance(week, NotUnderstood):
        say(manager, hours_texts.not_understood(week, is_date=False))
    elif not week:
        await _check(manager, OpeningHours())
    else:
        await _check(manager, _seen(manager).hours.model_copy(update={"week": week}))


async def _on_dates(message: Message, _: object, manager: DialogManager) -> None:
    today = _office(manager).today
    found = read_holidays(message.text, today=today) if message.text is not None else None
    if found is None:
        say(manager, texts.ONLY_TEXT)
    elif isinstance(found, NotUnderstood):
        say(manager, hours_texts.not_understood(found, is_date=True))
    else:
        draft = _seen(manager).hours.without_past(today).with_holidays(found)
        if len(draft.holidays) > _HOLIDAYS_AT_MOST:
            say(manager, hours_texts.TOO_MANY)
        else:
            await _check(manager, draft, found)


async def _on_text_again(message: Message, widget: object, manager: DialogManager) -> None:
    """Take another text in place of the one that is shown as understood."""
    await (_on_dates if manager.dialog_data["dates"] else _on_hours)(message, widget, manager)


async def _on_again(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    is_dates = bool(manager.dialog_data["dates"])
    states = DepartmentsDialog
    await manager.switch_to(states.holidays_text if is_dates else states.hours_text)


async def _on_always(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    await _check(manager, OpeningHours())


async def _on_save(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    is_dates = bool(manager.dialog_data["dates"])
    await _save(manager, _draft(manager), hours_texts.SAVED)
    await manager.switch_to(DepartmentsDialog.holidays if is_dates else DepartmentsDialog.hours)


async def _on_national(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    hours = _seen(manager).hours
    await _save(manager, hours.with_holidays(_national_lacking(hours)), hours_texts.SAVED)


async def _on_holiday(_: CallbackQuery, __: object, manager: DialogManager, pressed: str) -> None:
    hours = _seen(manager).hours
    for one in hours.holidays:
        if _button_id(one) == pressed:
            left = hours.without_holiday(one.date_key)
            await _save(manager, left, hours_texts.removed(one))


async def _check(
    manager: DialogManager, draft: OpeningHours, dates: tuple[Holiday, ...] = ()
) -> None:
    """Show what was understood. dates: those that were written; none if the week was."""
    manager.dialog_data["draft"] = draft.model_dump(mode="json")
    manager.dialog_data["dates"] = [one.model_dump(mode="json") for one in dates]
    await manager.switch_to(DepartmentsDialog.hours_check)


async def _save(manager: DialogManager, hours: OpeningHours, done: str) -> None:
    departments: Departments = manager.middleware_data["departments"]
    hours = hours.without_past(_office(manager).today)
    outcome = await departments.set_hours(_seen(manager), hours)
    if isinstance(outcome, Refusal):
        done = texts.refusal(outcome, texts.DEPARTMENTS)
    say(manager, done)


async def _read(manager: DialogManager) -> Department | None:
    """Return the department as it is now; a press on the screen refers to this version."""
    departments: Departments = manager.middleware_data["departments"]
    department = await departments.get(manager.dialog_data["id"])
    if department:
        manager.dialog_data["seen"] = department.model_dump(mode="json")
    return department


def _seen(manager: DialogManager) -> Department:
    return Department.model_validate(manager.dialog_data["seen"])


def _draft(manager: DialogManager) -> OpeningHours:
    return OpeningHours.model_validate(manager.dialog_data["draft"])


def _office(manager: DialogManager) -> OfficeHours:
    office: OfficeHours = manager.middleware_data["office_hours"]
    return office


def _national_lacking(hours: OpeningHours) -> list[Holiday]:
    there = {(one.day, one.month) for one in hours.holidays if one.year is None}
    return [Holiday(day=d, month=m) for d, m in wording.NATIONAL if (d, m) not in there]


def _button_id(one: Holiday) -> str:
    return f"{one.day:02}{one.month:02}{one.year or ''}"
