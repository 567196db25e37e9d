"""The question before all who are not in the ERP any more become inactive."""

from collections.abc import Callable

from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Row, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.registration import Registration, Status
from bot.domain.search import Query
from bot.usecases.register.edit_registration import Edited
from handlers.admin.register import texts
from handlers.admin.register.services import RegisterServices, admin_of, say, services_of
from handlers.admin.register.states import RegisterDialog
from handlers.admin.screens import Shown

_AT_ONCE = 200
"""More would take longer than anybody waits after a press."""


def inactivating_window(query_of: Callable[[DialogManager], Query]) -> Window:
    """Return the window; `query_of` returns what is listed."""

    async def shown(
        dialog_manager: DialogManager, services: RegisterServices, **_: object
    ) -> Shown:
        count = await services.search.count(query_of(dialog_manager))
        return {"text": texts.ask_to_inactivate(count), "are_there": count > 0}

    async def inactivate(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
        services, query = services_of(manager), query_of(manager)
        done = 0
        # Read again: what is inactive by now, or in the ERP again, is not in this list.
        for registration in await _listed(services, query):
            done += await _inactivated(services, registration, by=admin_of(manager))
        left = await services.search.count(query)
        await say(manager, texts.inactivated(done, left))
        manager.dialog_data["starts"] = []
        manager.dialog_data.pop("counted", None)
        await manager.switch_to(RegisterDialog.listing)

    return Window(
        Format("{text}"),
        Row(
            Button(Const("🚫 Sim, inativar"), id="sure", on_click=inactivate, when="are_there"),
            SwitchTo(Const("⬅️ Não"), id="keep", state=RegisterDialog.listing),
        ),
        state=RegisterDialog.inactivating,
        getter=shown,
    )


async def _listed(services: RegisterServices, query: Query) -> list[Registration]:
    """Return the first of the registrations that match; none if the filter is not set."""
    found: list[Registration] = []
    start: str | None = None
    while query.left_erp and len(found) < _AT_ONCE:
        page = await services.search(query, start=start)
        found += page.registrations
        start = page.next
        if start is None:
            break
    return found[:_AT_ONCE]


async def _inactivated(services: RegisterServices, registration: Registration, *, by: str) -> bool:
    outcome = await services.edit(
        registration.id,
        read_version=registration.version,
        values={"status": Status.INACTIVE},
        by=by,
    )
    # Changed meanwhile: it stays in the list, and the admin sees how it is now.
    return isinstance(outcome, Edited)
