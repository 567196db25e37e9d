"""/duplicados: likely double entries, two side by side, and their union."""

from typing import assert_never

from aiogram import Bot
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Cancel, Column, Row, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.usecases.register.edit_registration import Gone
from bot.usecases.register.unite import DocumentNeeded, PairChanged, United
from bot.wording.duplicates import (
    BACK_IN_LIST,
    CHANGED,
    CHOOSE_DOCUMENT,
    DIFFERENT,
    NO_PAIR,
    SEARCHING,
    SEARCHING_ALREADY,
)
from handlers.admin.duplicates import texts
from handlers.admin.duplicates.separating import separate
from handlers.admin.duplicates.states import DuplicatesDialog
from handlers.admin.files.services import files_of, offer_cancel, show_progress
from handlers.admin.register.services import (
    RegisterServices,
    admin_of,
    say,
    services_of,
    take_notice,
)
from handlers.admin.register.states import RecordDialog
from handlers.admin.screens import Shown, choices


def dialog() -> Dialog:
    return Dialog(_list_window(), _pair_window(), _union_window(), _done_window())


def _list_window() -> Window:
    return Window(
        Format("{text}"),
        Column(choices("pair", "pairs", _open)),
        Row(
            Button(Const("◀️ Anterior"), id="previous", on_click=_previous, when="has_previous"),
            Button(Const("Próxima ▶️"), id="next", on_click=_next, when="has_next"),
        ),
        Button(Const("↩️ Desfazer: voltar o par"), id="unmark", on_click=_unmark, when="marked"),
        Row(
            Button(Const("🔎 Procurar"), id="search", on_click=_search),
            Cancel(Const("✖️ Fechar")),
        ),
        state=DuplicatesDialog.listing,
        getter=_listing,
    )


def _pair_window() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("🔗 Sim: unir…"), id="unite", on_click=_prepare, when="is_there"),
        Button(
            Const("👥 Não são a mesma pessoa"), id="other", on_click=_different, when="is_there"
        ),
        Row(
            Button(Const("📂 Abrir 1️⃣"), id="first", on_click=_open_first),
            Button(Const("📂 Abrir 2️⃣"), id="second", on_click=_open_second),
            when="is_there",
        ),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=DuplicatesDialog.listing),
        state=DuplicatesDialog.pair,
        getter=_pair,
    )


def _union_window() -> Window:
    return Window(
        Format("{text}"),
        Column(choices("document", "documents", _choose_document)),
        Column(choices("take", "choices", _take)),
        Button(Const("⇅ Trocar qual fica"), id="swap", on_click=_swap, when="is_there"),
        Button(Const("✅ Unir"), id="sure", on_click=_unite, when="is_there"),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=DuplicatesDialog.pair),
        state=DuplicatesDialog.union,
        getter=_union,
    )


def _done_window() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("📂 Abrir o cadastro"), id="record", on_click=_open_united, when="is_there"),
        Button(Const("✂️ Desfazer a união"), id="undo", on_click=_separate, when="is_there"),
        SwitchTo(Const("⬅️ Voltar à lista"), id="back", state=DuplicatesDialog.listing),
        state=DuplicatesDialog.done,
        getter=_done,
    )


async def _listing(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    data = dialog_manager.dialog_data
    starts = data.get("starts", [])
    page = await services.duplicates.page(start=starts[-1] if starts else None)
    if starts and not page.pairs:
        # The pairs of this page have left the list.
        starts = data["starts"] = []
        page = await services.duplicates.page()
    data["next"] = page.next
    text = texts.listing(page, await services.duplicates.count())
    return {
        "text": take_notice(dialog_manager) + text,
        "pairs": [(one.pair.id, texts.button(one)) for one in page.pairs],
        "has_previous": bool(starts),
        "has_next": page.next is not None,
        "marked": data.get("marked"),
    }


async def _pair(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    data = dialog_manager.dialog_data
    notice = take_notice(dialog_manager)
    compared = await services.compare(data["pair"])
    if compared is None:
        return {"text": notice + NO_PAIR, "is_there": False}
    # A press refers to the two as they are on the screen.
    data["both"] = [compared.listed.stays.id, compared.listed.goes.id]
    return {"text": notice + texts.compared(compared, await services.names()), "is_there": True}


async def _union(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    data = dialog_manager.dialog_data
    notice, (stays, goes) = take_notice(dialog_manager), _both(dialog_manager)
    taken, document = frozenset(data.get("taken", [])), data.get("document")
    plan = await services.unite.plan(stays, goes, taken=taken, document=document)
    if isinstance(plan, Gone):
        shown: Shown = {"documents": [], "choices": [], "is_there": False}
        return {"text": notice + NO_PAIR, **shown}
    data["versions"] = [plan.stays.version, plan.goes.version]
    names = await services.names()
    return {
        "text": notice + texts.union(plan, names, document=document),
        "documents": texts.documents(plan, document),
        "choices": texts.choices(plan, names),
        "is_there": True,
    }


async def _done(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    notice = take_notice(dialog_manager)
    registration = await services.registrations.by_id(_both(dialog_manager)[0])
    if registration is None:
        return {"text": notice + NO_PAIR, "is_there": False}
    return {"text": notice + texts.united(registration), "is_there": True}


def _both(manager: DialogManager) -> list[str]:
    """Return the ids of the one that stays and of the one that goes."""
    # Empty after a press on a button of a pair that had gone already.
    return [*manager.dialog_data.get("both", ("", ""))]


async def _open(_: CallbackQuery, __: Select[str], manager: DialogManager, pair_id: str) -> None:
    manager.dialog_data.update(pair=pair_id, marked=None)
    await manager.switch_to(DuplicatesDialog.pair)


async def _previous(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["starts"] = manager.dialog_data.get("starts", [])[:-1]


async def _next(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    if data.get("next"):
        data["starts"] = [*data.get("starts", []), data["next"]]


async def _search(callback: CallbackQuery, _: Button, manager: DialogManager) -> None:
    bot: Bot = manager.middleware_data["bot"]
    if await files_of(manager).manage.running_search() is not None:
        await say(manager, SEARCHING_ALREADY)
        return
    progress = await show_progress(bot, callback.from_user.id, SEARCHING)
    job = await files_of(manager).manage.begin_search(by=admin_of(manager), progress=progress)
    await offer_cancel(bot, job, SEARCHING)
    await manager.done()


async def _different(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    pair_id = manager.dialog_data["pair"]
    await services_of(manager).duplicates.mark_different(pair_id, by=admin_of(manager))
    manager.dialog_data["marked"] = pair_id
    await say(manager, DIFFERENT)
    await manager.switch_to(DuplicatesDialog.listing)


async def _unmark(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if pair_id := manager.dialog_data.pop("marked", None):
        await services_of(manager).duplicates.unmark(pair_id)
        await say(manager, BACK_IN_LIST)


async def _open_first(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.start(RecordDialog.card, data={"id": _both(manager)[0]})


async def _open_second(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.start(RecordDialog.card, data={"id": _both(manager)[1]})


async def _prepare(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data.update(taken=[], document=None)
    await manager.switch_to(DuplicatesDialog.union)


async def _swap(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    # What was chosen says "of the other one", which is now the first.
    manager.dialog_data.update(both=_both(manager)[::-1], taken=[])


async def _take(_: CallbackQuery, __: Select[str], manager: DialogManager, path: str) -> None:
    taken = manager.dialog_data.get("taken", [])
    manager.dialog_data["taken"] = (
        [one for one in taken if one != path] if path in taken else [*taken, path]
    )


async def _choose_document(
    _: CallbackQuery, __: Select[str], manager: DialogManager, key: str
) -> None:
    manager.dialog_data["document"] = key


async def _unite(callback: CallbackQuery, _: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    (stays, goes), (version, other_version) = _both(manager), data.get("versions", (0, 0))
    outcome = await services_of(manager).unite(
        stays,
        goes,
        read_versions=(version, other_version),
        admin_id=callback.from_user.id,
        taken=frozenset(data.get("taken", [])),
        document=data.get("document"),
    )
    match outcome:
        case United():
            await manager.switch_to(DuplicatesDialog.done)
        case DocumentNeeded():
            await say(manager, CHOOSE_DOCUMENT)
        case PairChanged():
            await say(manager, CHANGED)
            await manager.switch_to(DuplicatesDialog.pair)
        case Gone():
            await say(manager, NO_PAIR)
            await manager.switch_to(DuplicatesDialog.listing)
        case _:
            assert_never(outcome)


async def _open_united(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.start(RecordDialog.card, data={"id": _both(manager)[0]})


async def _separate(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if await separate(manager, _both(manager)[1]):
        await manager.switch_to(DuplicatesDialog.pair)
