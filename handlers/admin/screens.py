"""What the windows of all admin screens have in common."""

from aiogram_dialog.widgets.common import WhenCondition
from aiogram_dialog.widgets.kbd import Select
from aiogram_dialog.widgets.kbd.select import OnItemClick
from aiogram_dialog.widgets.text import Format

Shown = dict[str, object]
"""The values of a window, which only its texts, buttons and conditions read."""


def choices(
    id_: str,
    items: str,
    on_click: OnItemClick[Select[str], str],
    *,
    text: str = "{item[1]}",
    when: WhenCondition = None,
) -> Select[str]:
    """Return a button for each of the items in the window's values, pairs of id and text."""
    return Select(
        Format(text),
        id=id_,
        item_id_getter=lambda item: item[0],
        items=items,
        on_click=on_click,
        when=when,
    )
