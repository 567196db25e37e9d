"""Dialog that acts on all registrations of a search: the action, then its value.

The preview and all that follows are messages about a job: `handlers.admin.files.tasks`.
"""

from aiogram import Bot
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.bulk_change import PATHS, BulkAction, BulkOptions
from bot.domain.fields import SHAPES, Shape
from bot.domain.job import Job
from bot.domain.registration import Kind, Status
from bot.domain.search import Query, query_data, read_query
from bot.usecases.jobs.begin_change import BadValue
from bot.wording.reading import Wrong, read_field
from bot.wording.words import KINDS
from handlers.admin.files.services import (
    FileServices,
    edit,
    files_of,
    offer_cancel,
    show_progress,
)
from handlers.admin.files.states import ExportDialog
from handlers.admin.many import texts
from handlers.admin.register.services import (
    RegisterServices,
    admin_of,
    open_over,
    say,
    take_notice,
)
from handlers.admin.screens import Shown, choices

_STATUSES = {"active": Status.ACTIVE, "inactive": Status.INACTIVE}
_TEXTS = (Shape.TRAITS, Shape.NOTE)


class ManyDialog(StatesGroup):
    action = State()
    value = State()
    text = State()


def dialog() -> Dialog:
    """Return the dialog. `start_data` holds the `query` of the registrations, as JSON."""
    return Dialog(
        Window(
            Format("{text}"),
            Group(choices("act", "actions", _act), width=2),
            Cancel(Const("⬅️ Voltar")),
            state=ManyDialog.action,
            getter=_actions,
        ),
        Window(
            Format("{text}"),
            Group(choices("value", "values", _choose), width=2),
            _to_actions(),
            state=ManyDialog.value,
            getter=_values,
        ),
        Window(
            Format("{text}"),
            Button(Const("🧹 Deixar vazia"), id="clear", on_click=_clear, when="can_clear"),
            _to_actions(),
            TextInput(id="typed", on_success=_typed),
            state=ManyDialog.text,
            getter=_text,
        ),
    )


async def open_again(manager: DialogManager, files: FileServices, job: Job) -> str | None:
    """Drop the preview and open the screen again; return a sentence where it has none."""
    await files.manage.forget(job.id)
    options = job.bulk_options
    if options is None or options.query is None:
        return texts.NOT_FROM_HERE
    await open_over(manager, ManyDialog.action, {"query": query_data(options.query)})
    return None


def _to_actions() -> SwitchTo:
    return SwitchTo(Const("⬅️ Voltar"), id="actions", state=ManyDialog.action)


def _query(manager: DialogManager) -> object:
    data = manager.start_data
    return data.get("query", {}) if isinstance(data, dict) else {}


async def _actions(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    query = read_query(_query(dialog_manager))
    count = await services.search.count(query)
    return {
        "text": take_notice(dialog_manager) + texts.actions(query, count, await services.names()),
        "actions": list(texts.BUTTONS.items()),
    }


async def _act(_: CallbackQuery, __: Select[str], manager: DialogManager, item: str) -> None:
    if item == "export":
        await manager.start(ExportDialog.main, data={"query": _query(manager)})
        return
    if item in _STATUSES:
        await _begin(manager, BulkAction.STATUS, _STATUSES[item].value)
        return
    action = BulkAction(item)
    manager.dialog_data["action"] = action.value
    if action is BulkAction.DELETE:
        await _begin(manager, action, "")
    else:
        is_text = SHAPES[PATHS[action]] in _TEXTS
        await manager.switch_to(ManyDialog.text if is_text else ManyDialog.value)


async def _values(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    action = _action(dialog_manager)
    match action:
        case BulkAction.ADD_KIND | BulkAction.REMOVE_KIND:
            values = [(kind.value, KINDS[kind]) for kind in Kind]
        case BulkAction.ADD_TAG | BulkAction.REMOVE_TAG:
            adds = action is BulkAction.ADD_TAG
            tags = await services.tags.all()
            values = [(tag.id, tag.shown) for tag in tags if not (adds and tag.archived)]
        case _:
            adds = action is BulkAction.ADD_PRIORITY
            departments = await services.departments.all()
            values = [(d.id, d.shown) for d in departments if not (adds and d.archived)]
    hint = "" if values else texts.NO_LABEL
    return {
        "text": take_notice(dialog_manager) + texts.value(action) + hint,
        "values": values,
    }


async def _text(dialog_manager: DialogManager, **_: object) -> Shown:
    action = _action(dialog_manager)
    return {
        "text": take_notice(dialog_manager) + texts.value(action),
        "can_clear": action is BulkAction.SET_NOTE,
    }


async def _choose(_: CallbackQuery, __: Select[str], manager: DialogManager, value: str) -> None:
    await _begin(manager, _action(manager), value)


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _begin(manager, _action(manager), "")


async def _typed(_: Message, __: ManagedTextInput[str], manager: DialogManager, text: str) -> None:
    action = _action(manager)
    value = read_field(PATHS[action], text)
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    await _begin(manager, action, value if isinstance(value, str) else ", ".join(value))


def _action(manager: DialogManager) -> BulkAction:
    return BulkAction(manager.dialog_data["action"])


async def inactivate_all(manager: DialogManager, query: Query) -> None:
    """Start the preview of making all of the query inactive; it comes as a message."""
    status = Status.INACTIVE.value
    await _preview(manager, BulkOptions(action=BulkAction.STATUS, value=status, query=query))


async def _begin(manager: DialogManager, action: BulkAction, value: str) -> None:
    """Close the screen and start the preview.

    In this order: after a typed text the list below is sent anew, which must not come under the
    preview.
    """
    options = BulkOptions(action=action, value=value, query=read_query(_query(manager)))
    await manager.done()
    await _preview(manager, options)


async def _preview(manager: DialogManager, options: BulkOptions) -> None:
    """Start the preview, which comes as a message."""
    bot: Bot = manager.middleware_data["bot"]
    chat_id = manager.middleware_data["event_from_user"].id
    progress = await show_progress(bot, chat_id, texts.CHECKING)
    job = await files_of(manager).begin_change(options, by=admin_of(manager), progress=progress)
    if isinstance(job, BadValue):
        await edit(bot, progress, f"⚠️ {texts.BAD_VALUE}")
        return
    await offer_cancel(bot, job, texts.CHECKING)
