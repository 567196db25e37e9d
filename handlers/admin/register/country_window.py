"""Window for the choice of a country. Its dialog keeps the search in `dialog_data`."""

from collections.abc import Awaitable, Callable

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Column, Select, SwitchTo
from aiogram_dialog.widgets.text import Const

from bot.wording.countries import country_name, find_countries, flag
from handlers.admin.screens import Shown, choices


def country_window(
    state: State,
    *,
    back: State,
    picked: Callable[[DialogManager], Awaitable[bool]] | None = None,
) -> Window:
    """Return the window. A choice stores `country` in `dialog_data` and goes back.

    If the country changed, a typed tax id is removed.

    picked: called after the choice; True if it went on to another window itself.
    """

    async def pick(_: CallbackQuery, __: Select[str], manager: DialogManager, code: str) -> None:
        data = manager.dialog_data
        if code != data["country"]:
            data.update(country=code, tax_id=None, known=None)
        data["country_search"] = ""
        if picked is None or not await picked(manager):
            await manager.switch_to(back)

    return Window(
        Const("🌎 <b>País</b>\n\nEscolha, ou escreva o começo do nome do país."),
        Column(choices("land", "countries", pick)),
        SwitchTo(Const("⬅️ Voltar"), id="back", state=back),
        TextInput(id="country_text", on_success=_search),
        state=state,
        getter=_countries,
    )


async def _countries(dialog_manager: DialogManager, **_: object) -> Shown:
    found = find_countries(dialog_manager.dialog_data.get("country_search", ""))
    return {"countries": [(code, f"{flag(code)} {country_name(code)}") for code in found]}


async def _search(
    _: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    manager.dialog_data["country_search"] = text[:60]
