"""Dialog that edits one field of a registration at a time."""

from typing import Final

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, ContentType, Message
from aiogram_dialog import Data, Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import ManagedTextInput, MessageInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format
from pydantic import SecretStr

from bot.domain.fields import FIELDS, PASSWORD_HASH, Shape
from bot.domain.portal import PasswordRefusal, read_password
from bot.domain.registration import Kind, Registration, Status
from bot.wording.countries import country_name
from bot.wording.reading import PASSWORDS, Typed, Wrong, read_field
from bot.wording.values import show_value, value_of
from bot.wording.words import KINDS, STATUSES
from handlers.admin.register import texts
from handlers.admin.register.country_window import country_window
from handlers.admin.register.save import Draft, save
from handlers.admin.register.services import (
    RegisterServices,
    offered,
    registration_id,
    say,
    services_of,
    take_notice,
    ticked,
)
from handlers.admin.register.states import EditDialog
from handlers.admin.screens import Shown, choices

_FIELDS: Final = {field.path: field for field in FIELDS if field.is_edited}
_TICKS: Final = (Shape.KINDS, Shape.TAGS, Shape.DEPARTMENTS)
_CHOICES: Final = (*_TICKS, Shape.STATUS, Shape.YES_OR_NO)
_HINTS: Final = {
    "name": "Escreva o nome certo.",
    "trade_name": "Escreva o nome fantasia.",
    "email": "Escreva o e-mail, ex.: nome@empresa.com.br",
    "tax_id": "Escreva o número certo, com ou sem pontuação.",
    "traits": "Escreva as características, separadas por vírgulas. Elas substituem as atuais.",
    "fixed_note": "Escreva a observação. Ela aparece no começo de cada atendimento.",
    "portal.username": "Escreva o usuário do portal do cliente.",
}
_PHONE: Final = "Escreva com DDD, ex.: (49) 99999-8888"
_PHONE_ABROAD: Final = "Escreva com o código do país, ex.: +351 912 345 678"


def dialog() -> Dialog:
    """Return the dialog that edits the registration whose `id` is in `start_data`.

    A `draft` in `start_data` leads to the question about a conflict.
    """
    return Dialog(
        _fields_window(),
        _text_window(),
        _choice_window(),
        country_window(EditDialog.country, back=EditDialog.text, picked=_country_picked),
        _password_window(),
        _conflict_window(),
        on_start=_start,
    )


def _fields_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("field", "fields", _choose_field), width=2),
        Cancel(Const("⬅️ Voltar ao cadastro")),
        state=EditDialog.fields,
        getter=_fields,
    )


def _text_window() -> Window:
    return Window(
        Format("{text}"),
        SwitchTo(Format("{country}"), id="country", state=EditDialog.country, when="country"),
        Button(Const("🧹 Deixar vazio"), id="clear", on_click=_clear, when="can_clear"),
        _to_fields(),
        TextInput(id="value", on_success=_typed),
        state=EditDialog.text,
        getter=_text,
    )


def _choice_window() -> Window:
    return Window(
        Format("{text}"),
        Group(choices("pick", "choices", _pick), width=2),
        Button(Const("✅ Gravar"), id="save", on_click=_save_ticks, when="ticks"),
        _to_fields(),
        state=EditDialog.choice,
        getter=_choices,
    )


def _password_window() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("🧹 Tirar a senha"), id="clear", on_click=_clear, when="can_clear"),
        _to_fields(),
        # UNKNOWN: an update that comes again, with its text removed.
        MessageInput(_password, content_types=[ContentType.TEXT, ContentType.UNKNOWN]),
        state=EditDialog.password,
        getter=_text,
    )


def _conflict_window() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("✅ Gravar a minha"), id="mine", on_click=_insist, when="is_there"),
        Button(Const("⬅️ Ficar como está"), id="theirs", on_click=_give_in),
        state=EditDialog.conflict,
        getter=_conflict,
    )


def _to_fields() -> SwitchTo:
    return SwitchTo(Const("⬅️ Voltar"), id="fields", state=EditDialog.fields)


async def _start(start_data: Data, manager: DialogManager) -> None:
    if isinstance(start_data, dict) and (draft := start_data.get("draft")):
        manager.dialog_data.update(draft=draft, came_for_it=True)


async def _record(manager: DialogManager) -> Registration | None:
    return await services_of(manager).registrations.by_id(registration_id(manager))


async def _fields(dialog_manager: DialogManager, **_: object) -> Shown:
    registration = await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "fields": []}
    text = take_notice(dialog_manager) + texts.edit_menu(registration)
    names = await services_of(dialog_manager).names()
    values = {path: value_of(registration, path, names) for path in _FIELDS}
    return {
        "text": text,
        "fields": [
            (path, texts.field_button(field.label, values[path]))
            for path, field in _FIELDS.items()
        ],
    }


async def _choose_field(
    _: CallbackQuery, __: Select[str], manager: DialogManager, path: str
) -> None:
    registration = await _record(manager)
    if registration is None or path not in _FIELDS:
        await say(manager, texts.GONE_NOW)
        return
    data = manager.dialog_data
    # Any later change by a colleague counts as one that this admin has not seen.
    data.update(path=path, version=registration.version, country=registration.country)
    shape = _FIELDS[path].shape
    if shape is Shape.COUNTRY:
        # A document is of one country, so they are entered together.
        data["path"] = "tax_id"
        await manager.switch_to(EditDialog.country)
    elif shape in _CHOICES:
        value = registration.value(path)
        data["ticked"] = sorted(map(str, value)) if isinstance(value, frozenset) else None
        await manager.switch_to(EditDialog.choice)
    elif shape is Shape.PASSWORD_HASH:
        await manager.switch_to(EditDialog.password)
    else:
        await manager.switch_to(EditDialog.text)


async def _text(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    data = dialog_manager.dialog_data
    path, registration = data["path"], await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "country": "", "can_clear": False}
    current = value_of(registration, path, await services.names())
    abroad = registration.country != "BR"
    hint = _HINTS.get(path) or (_PHONE_ABROAD if abroad else _PHONE)
    if path == PASSWORD_HASH:
        hint = (
            "Escreva a senha nova, de 8 a 128 caracteres. Apago sua mensagem em seguida e guardo "
            "só um código que não volta a ser a senha."
        )
    country = f"🌎 País: {country_name(data['country'])}" if path == "tax_id" else ""
    return {
        "text": take_notice(dialog_manager) + texts.edit_field(path, current, hint),
        "country": country,
        "can_clear": not _FIELDS[path].is_required and bool(registration.value(path)),
    }


async def _country_picked(manager: DialogManager) -> bool:
    """Return True if the country is all that changes: there is no document."""
    data, registration = manager.dialog_data, await _record(manager)
    if registration is None or registration.tax_id is not None:
        return False
    data["path"] = "country"
    await _save(manager, data["country"])
    return True


async def _typed(_: Message, __: ManagedTextInput[str], manager: DialogManager, text: str) -> None:
    data = manager.dialog_data
    value = read_field(data["path"], text, country=data["country"])
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    await _save(manager, value)


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _save(manager, [] if manager.dialog_data["path"] == "traits" else None)


async def _save(
    manager: DialogManager, value: Typed | bool | None, *, done: str = texts.SAVED
) -> None:
    data = manager.dialog_data
    draft = Draft(registration_id(manager), data["version"], data["path"], value)
    if await save(manager, draft, done=done):
        await manager.switch_to(EditDialog.fields)


async def _choices(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    data = dialog_manager.dialog_data
    path, registration = data["path"], await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "choices": [], "ticks": False}
    names = await services.names()
    ticks = _FIELDS[path].shape in _TICKS
    hint = "Toque para marcar e desmarcar; depois grave." if ticks else "Toque para escolher."
    choices = await _options(path, data.get("ticked") or [], registration, services)
    if ticks and not choices:
        hint = "Ainda não há nenhuma. Crie em /etiquetas ou /departamentos."
    current = value_of(registration, path, names)
    return {
        "text": take_notice(dialog_manager) + texts.edit_field(path, current, hint),
        "choices": choices,
        "ticks": ticks and bool(choices),
    }


async def _options(
    path: str, chosen: list[str], registration: Registration, services: RegisterServices
) -> list[tuple[str, str]]:
    match _FIELDS[path].shape:
        case Shape.KINDS:
            return [(k.value, texts.choice(KINDS[k], k.value in chosen)) for k in Kind]
        case Shape.TAGS:
            return [
                (tag.id, texts.choice(tag.shown, tag.id in chosen))
                for tag in offered(await services.tags.all(), chosen)
            ]
        case Shape.DEPARTMENTS:
            return [
                (d.id, texts.choice(d.name, d.id in chosen))
                for d in offered(await services.departments.all(), chosen)
            ]
        case Shape.STATUS:
            return [(s.value, texts.choice(STATUSES[s], registration.status is s)) for s in Status]
    yes = registration.alert_traits
    return [("yes", texts.choice("Sim", yes)), ("no", texts.choice("Não", not yes))]


async def _pick(_: CallbackQuery, __: Select[str], manager: DialogManager, item: str) -> None:
    data = manager.dialog_data
    shape = _FIELDS[data["path"]].shape
    if shape not in _TICKS:
        await _save(manager, item == "yes" if shape is Shape.YES_OR_NO else item)
        return
    data["ticked"] = ticked(data["ticked"], item)


async def _save_ticks(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    if data["path"] == "kinds" and not data["ticked"]:
        await say(manager, "Marque pelo menos um tipo de cadastro.")
        return
    await _save(manager, data["ticked"])


async def _password(message: Message, _: MessageInput, manager: DialogManager) -> None:
    # Before all else: if a later step fails, the update is handled again without the password.
    await services_of(manager).forget_content(manager.middleware_data["event_update"].update_id)
    deleted = await _delete(message)
    if not message.text:
        await say(manager, texts.PASSWORD_AGAIN)
        return
    registration = await _record(manager)
    if registration is None:
        await say(manager, texts.GONE_NOW)
        return
    password = read_password(
        SecretStr(message.text),
        username=registration.portal.username,
        tax_id=registration.tax_id,
    )
    if isinstance(password, PasswordRefusal):
        await say(manager, f"⚠️ {PASSWORDS[password]}")
        return
    hashed = await services_of(manager).hash_password(password)
    await _save(
        manager, hashed, done=texts.PASSWORD_SAVED if deleted else texts.PASSWORD_NOT_DELETED
    )


async def _delete(message: Message) -> bool:
    try:
        return await message.delete()
    except TelegramBadRequest:
        return False


async def _conflict(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    draft = Draft(**dialog_manager.dialog_data["draft"])
    registration = await services.registrations.by_id(draft.registration_id)
    if registration is None:
        return {"text": texts.GONE, "is_there": False}
    names = await services.names()
    # The decision refers to the version that is shown now.
    dialog_manager.dialog_data["seen_version"] = registration.version
    entries = [
        e for e in await services.audit.audit_of(registration.id) if e.version > draft.version
    ]
    mine = show_value(draft.path, draft.value, names)
    return {"text": texts.conflict(entries, draft.path, mine, names), "is_there": True}


async def _insist(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    draft = Draft(**(data["draft"] | {"version": data["seen_version"]}))
    if await save(manager, draft):
        await _leave_conflict(manager)


async def _give_in(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _leave_conflict(manager)


async def _leave_conflict(manager: DialogManager) -> None:
    if manager.dialog_data.get("came_for_it"):
        await manager.done()
    else:
        await manager.switch_to(EditDialog.fields)
