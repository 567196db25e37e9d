"""/respostas in private: admins create, change and delete the ready answers."""

from typing import Final, cast

from aiogram import F
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Cancel, ScrollingGroup, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.conversation import Department
from bot.domain.ready_answer import ReadyAnswer
from bot.usecases.company.departments import Departments
from bot.usecases.company.ready_answers import ManageReadyAnswers, Refusal
from handlers.admin.labels import ready_answer_texts as texts
from handlers.admin.labels import texts as label_texts
from handlers.admin.register.services import say, take_notice
from handlers.admin.screens import Shown, choices

_ON_A_PAGE: Final = 8
_EVERYWHERE: Final = "all"
_NO_COMMAND: Final = ~F.text.startswith("/")


class ReadyAnswersDialog(StatesGroup):
    list = State()
    department = State()
    word = State()
    text = State()
    answer = State()
    delete = State()


def dialog() -> Dialog:
    """Return the dialog, which starts with `ReadyAnswersDialog.list`.

    Needs `manage_ready_answers` and `departments` in the dispatcher's data. Its data hold the
    answer that is shown, as `seen`, or else the parts of a new one.
    """
    cancel = Button(Const(label_texts.CANCEL), id="cancel", on_click=_cancel)
    return Dialog(
        _list_window(),
        Window(
            Format("{notice}" + texts.ASK_DEPARTMENT),
            ScrollingGroup(
                choices("department", "departments", _choose_department),
                id="department_pages",
                width=1,
                height=_ON_A_PAGE,
                hide_on_single_page=True,
            ),
            cancel,
            getter=_departments,
            state=ReadyAnswersDialog.department,
        ),
        Window(
            Format("{notice}" + texts.ASK_WORD),
            MessageInput(_receive_word, filter=_NO_COMMAND),
            cancel,
            getter=_notice,
            state=ReadyAnswersDialog.word,
        ),
        Window(
            Format("{notice}{ask}"),
            MessageInput(_receive_text, filter=_NO_COMMAND),
            cancel,
            getter=_notice,
            state=ReadyAnswersDialog.text,
        ),
        _answer_window(),
        Window(
            Format("{text}"),
            Button(Const(texts.DELETE_YES), id="yes", on_click=_delete),
            cancel,
            getter=_ask_delete,
            state=ReadyAnswersDialog.delete,
        ),
    )


def _list_window() -> Window:
    return Window(
        Format("{text}"),
        ScrollingGroup(
            choices("one", "answers", _choose),
            id="pages",
            width=1,
            height=_ON_A_PAGE,
            hide_on_single_page=True,
        ),
        Button(Const(texts.NEW), id="new", on_click=_begin),
        Cancel(Const(label_texts.CLOSE)),
        getter=_list,
        state=ReadyAnswersDialog.list,
    )


def _answer_window() -> Window:
    return Window(
        Format("{text}"),
        *(
            SwitchTo(Const(text), id=f"to_{id_}", state=state, when="is_there")
            for id_, text, state in (
                ("text", texts.CHANGE_TEXT, ReadyAnswersDialog.text),
                ("word", texts.CHANGE_WORD, ReadyAnswersDialog.word),
                ("department", texts.CHANGE_DEPARTMENT, ReadyAnswersDialog.department),
                ("delete", texts.DELETE, ReadyAnswersDialog.delete),
            )
        ),
        SwitchTo(Const(label_texts.BACK), id="to_list", state=ReadyAnswersDialog.list),
        Cancel(Const(label_texts.CLOSE)),
        getter=_answer,
        state=ReadyAnswersDialog.answer,
    )


# Getters


async def _list(dialog_manager: DialogManager, **_: object) -> Shown:
    answers, departments = await _manage(dialog_manager).all(), await _by_id(dialog_manager)
    hint = texts.HINT if answers else texts.EMPTY
    return {
        "text": f"{take_notice(dialog_manager)}{texts.TITLE}\n{hint}",
        "answers": [
            (one.id, f"{one.shown} · {texts.department_of(one, departments)}") for one in answers
        ],
    }


async def _departments(dialog_manager: DialogManager, **_: object) -> Shown:
    active = [one for one in (await _by_id(dialog_manager)).values() if not one.archived]
    return {
        "notice": take_notice(dialog_manager),
        "departments": [(_EVERYWHERE, texts.EVERYWHERE), *((one.id, one.shown) for one in active)],
    }


async def _notice(dialog_manager: DialogManager, **_: object) -> Shown:
    return {"notice": take_notice(dialog_manager), "ask": texts.ASK_TEXT}


async def _answer(dialog_manager: DialogManager, **_: object) -> Shown:
    answer = await _manage(dialog_manager).get(dialog_manager.dialog_data["id"])
    if answer is None:
        return {"text": texts.GONE, "is_there": False}
    # A press on this screen refers to this version: it cannot overwrite a colleague's change.
    dialog_manager.dialog_data["seen"] = answer.model_dump()
    department = texts.department_of(answer, await _by_id(dialog_manager))
    notice = take_notice(dialog_manager)
    return {"text": notice + texts.described(answer, department), "is_there": True}


async def _ask_delete(dialog_manager: DialogManager, **_: object) -> Shown:
    seen = _seen(dialog_manager)
    return {"text": texts.ask_delete(seen) if seen else texts.GONE}


# Actions


async def _choose(_: CallbackQuery, __: object, manager: DialogManager, answer_id: str) -> None:
    manager.dialog_data["id"] = answer_id
    await manager.switch_to(ReadyAnswersDialog.answer)


async def _begin(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    """Begin a new answer; a company with one department is not asked for it."""
    manager.dialog_data.clear()
    active = [one for one in (await _by_id(manager)).values() if not one.archived]
    several = len(active) > 1
    await manager.switch_to(ReadyAnswersDialog.department if several else ReadyAnswersDialog.word)


async def _cancel(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    is_new = _seen(manager) is None
    await manager.switch_to(ReadyAnswersDialog.list if is_new else ReadyAnswersDialog.answer)


async def _choose_department(
    _: CallbackQuery, __: object, manager: DialogManager, chosen: str
) -> None:
    department_id = None if chosen == _EVERYWHERE else chosen
    department = (await _by_id(manager)).get(chosen)
    if department_id and (department is None or department.archived):
        await say(manager, label_texts.ARCHIVED_DEPARTMENT)
        return
    if seen := _seen(manager):
        await _changed(manager, await _manage(manager).set_department(seen, department_id))
        return
    manager.dialog_data["department"] = department_id
    await manager.switch_to(ReadyAnswersDialog.word)


async def _receive_word(message: Message, _: object, manager: DialogManager) -> None:
    if message.text is None:
        await say(manager, label_texts.ONLY_TEXT)
        return
    if seen := _seen(manager):
        await _changed(manager, await _manage(manager).set_word(seen, message.text))
        return
    word = await _manage(manager).check_word(message.text, manager.dialog_data.get("department"))
    if isinstance(word, Refusal):
        await say(manager, texts.refusal(word))
        return
    manager.dialog_data["word"] = word
    await manager.switch_to(ReadyAnswersDialog.text)


async def _receive_text(message: Message, _: object, manager: DialogManager) -> None:
    if message.text is None:
        await say(manager, label_texts.ONLY_TEXT)
        return
    text, data = message.html_text, manager.dialog_data
    if seen := _seen(manager):
        await _changed(manager, await _manage(manager).set_text(seen, text), text=text)
        return
    made = await _manage(manager).create(data["word"], text, data.get("department"))
    if made is Refusal.TAKEN:
        # By a colleague, meanwhile. The text is in the chat, to be sent once more.
        await manager.switch_to(ReadyAnswersDialog.word)
    await _changed(manager, made, text=text)


async def _delete(_: CallbackQuery, __: object, manager: DialogManager) -> None:
    seen = _seen(manager)
    refused = await _manage(manager).delete(seen) if seen else None
    if refused:
        await _changed(manager, refused)
        return
    await say(manager, texts.DELETED)
    manager.dialog_data.clear()
    await manager.switch_to(ReadyAnswersDialog.list)


async def _changed(
    manager: DialogManager, outcome: ReadyAnswer | Refusal, *, text: str = ""
) -> None:
    """Show the answer, or the refusal: where another input helps, the question stays open."""
    if isinstance(outcome, Refusal):
        await say(manager, texts.refusal(outcome, text))
        if outcome is Refusal.STALE:
            await manager.switch_to(ReadyAnswersDialog.answer)
        return
    manager.dialog_data["id"] = outcome.id
    await say(manager, texts.SAVED)
    await manager.switch_to(ReadyAnswersDialog.answer)


def _manage(manager: DialogManager) -> ManageReadyAnswers:
    return cast(ManageReadyAnswers, manager.middleware_data["manage_ready_answers"])


def _seen(manager: DialogManager) -> ReadyAnswer | None:
    """Return the answer in the version that the admin saw, or None while a new one is made."""
    seen = manager.dialog_data.get("seen")
    return ReadyAnswer.model_validate(seen) if seen else None


async def _by_id(manager: DialogManager) -> dict[str, Department]:
    departments: Departments = manager.middleware_data["departments"]
    return {one.id: one for one in await departments.all()}
