"""/etiquetas: the list of tags."""

from aiogram.fsm.state import State, StatesGroup
from aiogram_dialog import Dialog, DialogManager

from bot.domain.label import Label
from handlers.admin.labels import texts as texts
from handlers.admin.labels.windows import LabelWindows


class TagsDialog(StatesGroup):
    list = State()
    archived = State()
    name = State()
    emoji = State()
    label = State()
    rename = State()
    new_emoji = State()


async def _details(_: Label, __: DialogManager) -> str:
    return ""


def dialog() -> Dialog:
    """Return the dialog, which starts with `TagsDialog.list`.

    Needs `tags` in the dispatcher's data.
    """
    windows = LabelWindows(states=TagsDialog, key="tags", words=texts.TAGS, details=_details)
    return Dialog(*windows.all())
