"""Windows that the dialogs of tags and departments share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from aiogram import F, html
from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import (
    Button,
    Cancel,
    Group,
    Keyboard,
    ScrollingGroup,
    Select,
    SwitchTo,
)
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.label import PALETTE, Label
from bot.usecases.register.labels import Labels, Refusal
from handlers.admin.labels import texts as texts
from handlers.admin.labels.texts import Words
from handlers.admin.screens import Shown

_ON_A_PAGE: Final = 8
_NO_COMMAND: Final = ~F.text.startswith("/")

Details = Callable[[Label, DialogManager], Awaitable[str]]


class LabelStates(Protocol):
    """The states of a dialog of labels; its group declares them."""

    list: State
    archived: State
    name: State
    emoji: State
    label: State
    rename: State
    new_emoji: State


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelWindows:
    """Handlers and windows. `key` names the use cases in the dispatcher's data."""

    states: type[LabelStates]
    key: str
    words: Words
    details: Details
    """Returns more about a label, as HTML; may be empty."""
    more: tuple[Keyboard, ...] = ()
    """Further buttons of a label's window."""

    def all(self) -> tuple[Window, ...]:
        """Return all windows. The list comes first, because the dialog starts there."""
        return (
            self._list(),
            self._archived(),
            self._name(),
            self._emoji(),
            self._label(),
            self._rename(),
            self._new_emoji(),
        )

    # Windows

    def _list(self) -> Window:
        return Window(
            Format("{text}"),
            self._choose("active"),
            SwitchTo(Const(self.words.new), id="new", state=self.states.name),
            SwitchTo(
                Format("{archived_button}"),
                id="archived",
                state=self.states.archived,
                when="archived",
            ),
            Cancel(Const(texts.CLOSE)),
            getter=self._get_list,
            state=self.states.list,
        )

    def _archived(self) -> Window:
        return Window(
            Format("{text}"),
            self._choose("archived"),
            self._to(self.states.list, texts.BACK),
            getter=self._get_list,
            state=self.states.archived,
        )

    def _name(self) -> Window:
        return Window(
            Format("{notice}" + self.words.ask_name),
            MessageInput(self._on_name, filter=_NO_COMMAND),
            self._to(self.states.list, texts.CANCEL),
            getter=self._get_notice,
            state=self.states.name,
        )

    def _emoji(self) -> Window:
        return Window(
            Format("{notice}<b>{name}</b>\n" + texts.ASK_EMOJI),
            *self._emojis(self._create),
            self._to(self.states.name, texts.BACK),
            self._to(self.states.list, texts.CANCEL),
            getter=self._get_notice,
            state=self.states.emoji,
        )

    def _label(self) -> Window:
        archive = Button(
            Const(texts.ARCHIVE), id="archive", on_click=self._on_archive, when=~F["is_archived"]
        )
        restore = Button(
            Const(texts.RESTORE), id="restore", on_click=self._on_restore, when="is_archived"
        )
        return Window(
            Format("{text}"),
            SwitchTo(Const(texts.RENAME), id="rename", state=self.states.rename, when="is_there"),
            SwitchTo(
                Const(texts.EMOJI), id="new_emoji", state=self.states.new_emoji, when="is_there"
            ),
            Group(*self.more, archive, restore, when="is_there"),
            self._to(self.states.list, texts.BACK),
            Cancel(Const(texts.CLOSE)),
            getter=self._get_label,
            state=self.states.label,
        )

    def _rename(self) -> Window:
        return Window(
            Format("{notice}Qual é o novo nome de <b>{shown}</b>?"),
            MessageInput(self._on_rename, filter=_NO_COMMAND),
            self._to(self.states.label, texts.CANCEL),
            getter=self._get_seen,
            state=self.states.rename,
        )

    def _new_emoji(self) -> Window:
        return Window(
            Format("{notice}<b>{shown}</b>\n" + texts.ASK_EMOJI),
            *self._emojis(self._set_emoji),
            self._to(self.states.label, texts.CANCEL),
            getter=self._get_seen,
            state=self.states.new_emoji,
        )

    def _choose(self, items: str) -> Keyboard:
        return ScrollingGroup(
            Select(
                Format("{item.shown}"),
                id=f"one_{items}",
                item_id_getter=lambda label: label.id,
                items=items,
                on_click=self._on_chosen,
            ),
            id=f"pages_{items}",
            width=1,
            height=_ON_A_PAGE,
            hide_on_single_page=True,
        )

    def _emojis(
        self, take: Callable[[DialogManager, str], Awaitable[None]]
    ) -> tuple[MessageInput, Keyboard, Keyboard]:
        """Return the ways to choose an emoji, or none; `take` gets it."""

        async def on_text(message: Message, _: object, manager: DialogManager) -> None:
            # Not empty, because a sticker is to be refused as no emoji.
            await take(manager, message.text or "?")

        async def on_colour(
            _: CallbackQuery, __: object, manager: DialogManager, number: str
        ) -> None:
            await take(manager, PALETTE[int(number)])

        async def on_none(_: CallbackQuery, __: object, manager: DialogManager) -> None:
            await take(manager, "")

        colours = Select(
            Format("{item}"),
            id="colour",
            # By index, because clients differ in the characters of an emoji in callback data.
            item_id_getter=PALETTE.index,
            items=lambda _: PALETTE,
            on_click=on_colour,
        )
        return (
            MessageInput(on_text, filter=_NO_COMMAND),
            Group(colours, width=5),
            Button(Const(texts.NO_EMOJI), id="none", on_click=on_none),
        )

    def _to(self, state: State, text: str) -> Keyboard:
        return SwitchTo(Const(text), id=f"to_{(state.state or '').partition(':')[2]}", state=state)

    # Getters

    async def _get_list(self, dialog_manager: DialogManager, **_: object) -> Shown:
        labels = await self._labels(dialog_manager).all()
        active = [label for label in labels if not label.archived]
        archived = [label for label in labels if label.archived]
        is_archive = dialog_manager.current_context().state == self.states.archived
        lines = [f"{notice(dialog_manager)}{self.words.title}"]
        lines.append(self.words.archived_ones if is_archive else self.words.hint)
        return {
            "text": "\n".join(lines),
            "active": active,
            "archived": archived,
            "archived_button": f"{self.words.archived_ones} ({len(archived)})",
        }

    async def _get_notice(self, dialog_manager: DialogManager, **_: object) -> Shown:
        name = dialog_manager.dialog_data.get("name", "")
        return {"notice": notice(dialog_manager), "name": html.quote(name)}

    async def _get_label(self, dialog_manager: DialogManager, **_: object) -> Shown:
        label = await self._labels(dialog_manager).get(dialog_manager.dialog_data["id"])
        if label is None:
            return {"text": texts.GONE, "is_there": False, "is_archived": False}
        # A press on this screen refers to this version, so that it cannot overwrite a colleague's
        # change.
        dialog_manager.dialog_data["seen"] = label.model_dump()
        lines = [f"{notice(dialog_manager)}<b>{html.quote(label.shown)}</b>"]
        if label.archived:
            lines.append(self.words.archived_note)
        if details := await self.details(label, dialog_manager):
            lines.append(details)
        return {"text": "\n\n".join(lines), "is_there": True, "is_archived": label.archived}

    async def _get_seen(self, dialog_manager: DialogManager, **_: object) -> Shown:
        seen = self._seen(dialog_manager)
        return {"notice": notice(dialog_manager), "shown": html.quote(seen.shown)}

    # Actions

    async def _on_chosen(
        self, _: CallbackQuery, __: object, manager: DialogManager, label_id: str
    ) -> None:
        manager.dialog_data["id"] = label_id
        await manager.switch_to(self.states.label)

    async def _on_name(self, message: Message, _: object, manager: DialogManager) -> None:
        if message.text is None:
            say(manager, texts.ONLY_TEXT)
            return
        name = await self._labels(manager).check_name(message.text)
        if isinstance(name, Refusal):
            say(manager, texts.refusal(name, self.words))
            return
        manager.dialog_data["name"] = name
        await manager.switch_to(self.states.emoji)

    async def _create(self, manager: DialogManager, emoji: str) -> None:
        label = await self._labels(manager).create(manager.dialog_data["name"], emoji)
        if isinstance(label, Refusal):
            say(manager, texts.refusal(label, self.words))
            if label is not Refusal.NO_EMOJI:
                await manager.switch_to(self.states.name)
            return
        say(manager, texts.created(label.shown, self.words))
        manager.dialog_data["id"] = label.id
        await manager.switch_to(self.states.label)

    async def _on_rename(self, message: Message, _: object, manager: DialogManager) -> None:
        if message.text is None:
            say(manager, texts.ONLY_TEXT)
            return
        outcome = await self._labels(manager).rename(self._seen(manager), message.text)
        await self._back_to_label(manager, outcome, stay_for=(Refusal.NO_NAME, Refusal.TOO_LONG))

    async def _set_emoji(self, manager: DialogManager, emoji: str) -> None:
        outcome = await self._labels(manager).set_emoji(self._seen(manager), emoji)
        await self._back_to_label(manager, outcome, stay_for=(Refusal.NO_EMOJI,))

    async def _on_archive(self, _: CallbackQuery, __: object, manager: DialogManager) -> None:
        outcome = await self._labels(manager).archive(self._seen(manager))
        await self._back_to_label(manager, outcome)

    async def _on_restore(self, _: CallbackQuery, __: object, manager: DialogManager) -> None:
        outcome = await self._labels(manager).restore(self._seen(manager))
        if outcome is Refusal.TAKEN:
            say(manager, texts.restored_taken(self.words))
            return
        await self._back_to_label(manager, outcome)

    async def _back_to_label(
        self,
        manager: DialogManager,
        outcome: Label | Refusal,
        *,
        stay_for: tuple[Refusal, ...] = (),
    ) -> None:
        if isinstance(outcome, Refusal):
            say(manager, texts.refusal(outcome, self.words))
        if outcome not in (*stay_for, Refusal.TAKEN):
            await manager.switch_to(self.states.label)

    def _labels(self, manager: DialogManager) -> Labels[Label]:
        labels: Labels[Label] = manager.middleware_data[self.key]
        return labels

    def _seen(self, manager: DialogManager) -> Label:
        """Return the label in the version that the admin saw."""
        seen: Label = self._labels(manager).model.model_validate(manager.dialog_data["seen"])
        return seen


def say(manager: DialogManager, sentence: str) -> None:
    """Show a sentence at the top of the next window."""
    manager.dialog_data["notice"] = sentence


def notice(manager: DialogManager) -> str:
    """Return the sentence for the top of this window, once."""
    sentence = manager.dialog_data.pop("notice", "")
    return f"{sentence}\n\n" if sentence else ""
