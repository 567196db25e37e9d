"""What an admin types where no screen asks for a text: a document, a protocol, or a search."""

import re
from collections.abc import Iterable
from typing import Any, Final

from aiogram.filters import Filter
from aiogram.fsm.state import State
from aiogram.types import Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.api.internal import CONTEXT_KEY

from bot.domain.protocol import read_protocol
from bot.domain.tax_id import TaxId, read_tax_id
from handlers.admin.company.queues import send_conversation
from handlers.admin.files.states import ImportDialog
from handlers.admin.register.services import open_over, services_of
from handlers.admin.register.states import RecordDialog, RegisterDialog

_PUNCTUATION: Final = re.compile(r"[\s./-]+")
# A file that was read and assigned is not lost for a name that is looked up meanwhile.
_KEPT: Final = (ImportDialog,)
_PROTOCOL: Final = re.compile(r"\s*\d{8}\s*-?\s*\d{6}\s*", re.ASCII)


class AsksNoText(Filter):
    """Lets a message pass if the open screen has no input for it.

    The dialog would take it otherwise, and only show its menu again.
    """

    def __init__(self, dialogs: Iterable[Dialog]) -> None:
        self.asking: Final[frozenset[State]] = frozenset(
            state
            for dialog in dialogs
            for state, window in dialog.windows.items()
            if isinstance(window, Window) and window.on_message is not None
        )

    async def __call__(self, _: Message, **data: Any) -> bool:
        context = data.get(CONTEXT_KEY)
        return context is not None and context.state not in self.asking


async def search(message: Message, dialog_manager: DialogManager) -> None:
    """Open what the text names, or search the register for it: it is most likely a name."""
    text = message.text or ""
    if found := await document_of(dialog_manager, text):
        await open_over(dialog_manager, RecordDialog.card, {"id": found}, keeping=_KEPT)
    elif not await sent_by_protocol(message, dialog_manager):
        await open_over(dialog_manager, RegisterDialog.listing, {"text": text}, keeping=_KEPT)


async def document_of(manager: DialogManager, text: str) -> str | None:
    """Return the id of the registration whose document is the whole text, or None."""
    tax_id = read_tax_id(text)
    if not isinstance(tax_id, TaxId) or _PUNCTUATION.sub("", text).upper() != tax_id.number:
        return None
    found = await services_of(manager).registrations.by_tax_ids([tax_id])
    return found[tax_id.key].id if tax_id.key in found else None


async def sent_by_protocol(message: Message, manager: DialogManager) -> bool:
    """Return True if the whole text is the protocol of a conversation, which is sent."""
    text, data = message.text or "", manager.middleware_data
    protocol = read_protocol(text) if _PROTOCOL.fullmatch(text) else None
    return protocol is not None and await send_conversation(
        message,
        protocol,
        data["find_conversation"],
        services_of(manager),
        data["read_transcript"],
        services_of(manager).timezone,
    )
