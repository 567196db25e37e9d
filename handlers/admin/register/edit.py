"""Dialog that edits one field of a registration at a time."""

from typing import Any, Final

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, ContentType, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import ManagedTextInput, MessageInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Cancel, Group, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format
from pydantic import SecretStr

from bot.domain.portal import PasswordRefusal, read_password
from bot.domain.registration import Kind, Registration, Status
from bot.wording.countries import country_name
from bot.wording.values import LABELS, Names, show_value, value_of
from bot.wording.words import KINDS, STATUSES
from handlers.admin.register import texts
from handlers.admin.register.country_window import country_window
from handlers.admin.register.reading import Wrong, read_field
from handlers.admin.register.save import Draft, save
from handlers.admin.register.services import (
    RegisterServices,
    say,
    services_of,
    take_notice,
    ticked,
)
from handlers.admin.register.states import EditDialog
from handlers.admin.screens import choices

_PASSWORD: Final = "portal.password_hash"  # noqa: S105 - the name of a field
# Order of the fields on the screen. The country is edited together with the tax id.
_FIELDS: Final = tuple(p for p in LABELS if p not in ("country", "erp_refs", "chat_phones"))
_CHOICES: Final = ("kinds", "tags", "priority_departments", "status", "alert_traits")
_TICKS: Final = ("kinds", "tags", "priority_departments")
_REQUIRED: Final = ("name", "tax_id", "kinds", "status", "alert_traits")
_HINTS: Final = {
    "tax_id": "Escreva o número certo, com ou sem pontuação.",
    "traits": "Escreva as características, separadas por vírgulas. Elas substituem as atuais.",
    "fixed_note": "Escreva a observação. Ela aparece no começo de cada atendimento.",
    "portal.username": "Escreva o usuário do portal do cliente.",
}
_PASSWORDS: Final = {
    PasswordRefusal.TOO_SHORT: "A senha precisa de pelo menos 8 caracteres.",
    PasswordRefusal.TOO_LONG: "A senha pode ter até 128 caracteres.",
    PasswordRefusal.CHARACTERS: "A senha não pode ter quebra de linha nem caracteres invisíveis.",
    PasswordRefusal.IS_USERNAME: "A senha não pode ser igual ao usuário.",
    PasswordRefusal.IS_TAX_ID: "A senha não pode ser o CPF ou CNPJ.",
}


def dialog() -> Dialog:
    """Return the dialog that edits the registration whose `id` is in `start_data`.

    A `draft` in `start_data` leads to the question about a conflict.
    """
    to_fields = SwitchTo(Const("⬅️ Voltar"), id="fields", state=EditDialog.fields)
    return Dialog(
        Window(
            Format("{text}"),
            Group(
                choices("field", "fields", _choose_field),
                width=2,
            ),
            Cancel(Const("⬅️ Voltar ao cadastro")),
            state=EditDialog.fields,
            getter=_fields,
        ),
        Window(
            Format("{text}"),
            SwitchTo(Format("{country}"), id="country", state=EditDialog.country, when="country"),
            Button(Const("🧹 Deixar vazio"), id="clear", on_click=_clear, when="can_clear"),
            to_fields,
            TextInput(id="value", on_success=_typed),
            state=EditDialog.text,
            getter=_text,
        ),
        Window(
            Format("{text}"),
            Group(
                choices("pick", "choices", _pick),
                width=2,
            ),
            Button(Const("✅ Gravar"), id="save", on_click=_save_ticks, when="ticks"),
            to_fields,
            state=EditDialog.choice,
            getter=_choices,
        ),
        country_window(EditDialog.country, back=EditDialog.text),
        Window(
            Format("{text}"),
            Button(Const("🧹 Tirar a senha"), id="clear", on_click=_clear, when="can_clear"),
            to_fields,
            # UNKNOWN: an update that comes again, with its text removed.
            MessageInput(_password, content_types=[ContentType.TEXT, ContentType.UNKNOWN]),
            state=EditDialog.password,
            getter=_text,
        ),
        Window(
            Format("{text}"),
            Button(Const("✅ Gravar a minha"), id="mine", on_click=_insist, when="is_there"),
            Button(Const("⬅️ Ficar como está"), id="theirs", on_click=_give_in),
            state=EditDialog.conflict,
            getter=_conflict,
        ),
        on_start=_start,
    )


async def _start(start_data: Any, manager: DialogManager) -> None:
    if draft := start_data.get("draft"):
        manager.dialog_data.update(draft=draft, came_for_it=True)


def _id(manager: DialogManager) -> str:
    start_data = manager.start_data
    return str(start_data["id"]) if isinstance(start_data, dict) else ""


async def _record(manager: DialogManager) -> Registration | None:
    return await services_of(manager).registrations.by_id(_id(manager))


async def _fields(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    registration = await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "fields": []}
    text = take_notice(dialog_manager) + texts.edit_menu(registration)
    return {"text": text, "fields": [(path, LABELS[path]) for path in _FIELDS]}


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
    if path in _CHOICES:
        value = registration.value(path)
        data["ticked"] = sorted(value) if path in _TICKS else None
        await manager.switch_to(EditDialog.choice)
    elif path == _PASSWORD:
        await manager.switch_to(EditDialog.password)
    else:
        await manager.switch_to(EditDialog.text)


async def _text(
    dialog_manager: DialogManager, services: RegisterServices, **_: Any
) -> dict[str, Any]:
    data = dialog_manager.dialog_data
    path, registration = data["path"], await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "country": "", "can_clear": False}
    current = value_of(registration, path, await services.names())
    hint = _HINTS.get(path, "Escreva o novo valor.")
    if path == _PASSWORD:
        hint = (
            "Escreva a senha nova, de 8 a 128 caracteres. Apago sua mensagem em seguida e guardo "
            "só um código que não volta a ser a senha."
        )
    country = f"🌎 País: {country_name(data['country'])}" if path == "tax_id" else ""
    return {
        "text": take_notice(dialog_manager) + texts.edit_field(path, current, hint),
        "country": country,
        "can_clear": path not in _REQUIRED and bool(registration.value(path)),
    }


async def _typed(_: Message, __: ManagedTextInput[str], manager: DialogManager, text: str) -> None:
    data = manager.dialog_data
    value = read_field(data["path"], text, country=data["country"])
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    await _save(manager, value)


async def _clear(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await _save(manager, [] if manager.dialog_data["path"] == "traits" else None)


async def _save(manager: DialogManager, value: Any, *, done: str = texts.SAVED) -> None:
    data = manager.dialog_data
    draft = Draft(_id(manager), data["version"], data["path"], value)
    if await save(manager, draft, done=done):
        await manager.switch_to(EditDialog.fields)


async def _choices(
    dialog_manager: DialogManager, services: RegisterServices, **_: Any
) -> dict[str, Any]:
    data = dialog_manager.dialog_data
    path, registration = data["path"], await _record(dialog_manager)
    if registration is None:
        return {"text": texts.GONE, "choices": [], "ticks": False}
    names = await services.names()
    ticks = path in _TICKS
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
    match path:
        case "kinds":
            return [(k.value, texts.choice(KINDS[k], k.value in chosen)) for k in Kind]
        case "tags":
            return [
                (tag.id, texts.choice(tag.shown, tag.id in chosen))
                for tag in await services.tags.all()
                if not tag.archived or tag.id in chosen
            ]
        case "priority_departments":
            return [
                (d.id, texts.choice(d.name, d.id in chosen))
                for d in await services.departments.all()
                if not d.archived or d.id in chosen
            ]
        case "status":
            return [(s.value, texts.choice(STATUSES[s], registration.status is s)) for s in Status]
    yes = registration.alert_traits
    return [("yes", texts.choice("Sim", yes)), ("no", texts.choice("Não", not yes))]


async def _pick(_: CallbackQuery, __: Select[str], manager: DialogManager, item: str) -> None:
    data = manager.dialog_data
    if data["path"] not in _TICKS:
        await _save(manager, item == "yes" if data["path"] == "alert_traits" else item)
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
        await say(manager, f"⚠️ {_PASSWORDS[password]}")
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
    dialog_manager: DialogManager, services: RegisterServices, **_: Any
) -> dict[str, Any]:
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
    mine = _mine(draft, names)
    return {"text": texts.conflict(entries, draft.path, mine, names), "is_there": True}


def _mine(draft: Draft, names: Names) -> str:
    return show_value(draft.path, draft.value, names)


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
