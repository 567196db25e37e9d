"""Dialog that adds a registration in three steps. Nothing is saved before Enviar."""

from dataclasses import asdict
from typing import Final, assert_never

from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Data, Dialog, DialogManager, ShowMode, Window
from aiogram_dialog.widgets.input import ManagedTextInput, TextInput
from aiogram_dialog.widgets.kbd import Button, Group, Row, Select, SwitchTo
from aiogram_dialog.widgets.text import Const, Format

from bot.domain.phone import show_phone
from bot.domain.registration import Kind
from bot.domain.tax_id import TaxId
from bot.usecases.register.add_registration import Added, Exists, NotAdded
from bot.wording.countries import country_name
from bot.wording.new_registration import entered, searched_for
from bot.wording.reading import Wrong, not_added, read_field
from bot.wording.words import KINDS
from handlers.admin.register import texts, wizard_texts
from handlers.admin.register.country_window import country_window
from handlers.admin.register.services import (
    RegisterServices,
    admin_of,
    say,
    services_of,
    take_notice,
    ticked,
)
from handlers.admin.register.states import RecordDialog, WizardDialog
from handlers.admin.screens import Shown, choices

# Where the values are in a registration, if the wizard has another name for them.
_PATHS: Final = {"phone": "phones.mobile"}
_CANCEL: Final = "✖️ Cancelar"


def dialog() -> Dialog:
    """Return the dialog. It ends with the record that was added, or with nothing changed."""
    return Dialog(
        _step_1(),
        country_window(WizardDialog.country, back=WizardDialog.main),
        _step_2(),
        _step_3(),
        _cancelling(),
        on_start=_start,
    )


def _step_1() -> Window:
    return Window(
        Format("{text}"),
        Row(
            Button(Format("✏️ {name}"), id="name", on_click=_ask_for),
            Button(Format("✏️ {document}"), id="tax_id", on_click=_ask_for),
        ),
        Row(
            Button(Format("📞 {phone}"), id="phone", on_click=_ask_for),
            Button(Format("✉️ {email}"), id="email", on_click=_ask_for),
        ),
        Row(
            SwitchTo(Format("🌎 {country}"), id="country", state=WizardDialog.country),
            Button(Format("{company}"), id="company", on_click=_switch_company),
        ),
        Group(choices("kinds", "kinds", _tick), width=2),
        Button(
            Const("📂 Abrir o cadastro que já existe"), id="open", on_click=_open, when="known"
        ),
        Button(Const("Continuar ▶️"), id="on", on_click=_continue_1),
        Button(Const(_CANCEL), id="cancel", on_click=_cancel),
        TextInput(id="main_text", on_success=_typed_1),
        state=WizardDialog.main,
        getter=_main,
    )


def _step_2() -> Window:
    return Window(
        Format("{text}"),
        Button(Format("{alert}"), id="alert", on_click=_switch),
        Group(
            choices("traits", "traits", _drop_trait, text="❌ {item[1]}", when="has_alert"),
            width=2,
        ),
        Button(Format("{priority}"), id="priority", on_click=_switch),
        Button(
            Const("🏢 Passa na frente em:"),
            id="departments_heading",
            on_click=_say_tick,
            when="has_priority",
        ),
        Group(choices("departments", "departments", _tick, when="has_priority"), width=2),
        Button(Const("🏷 Etiquetas:"), id="tags_heading", on_click=_say_tick, when="tags"),
        Group(choices("tags", "tags", _tick), width=2),
        Row(
            SwitchTo(Const("◀️ Voltar"), id="back", state=WizardDialog.main),
            Button(Const("Continuar ▶️"), id="on", on_click=_continue_2),
        ),
        Button(Const(_CANCEL), id="cancel", on_click=_cancel),
        TextInput(id="traits_text", on_success=_typed_2),
        state=WizardDialog.priority,
        getter=_priority,
    )


def _step_3() -> Window:
    return Window(
        Format("{text}"),
        Button(Const("🧹 Apagar a observação"), id="erase", on_click=_erase_note, when="has_note"),
        Row(
            SwitchTo(Const("◀️ Voltar"), id="back", state=WizardDialog.priority),
            Button(Const("✅ Enviar"), id="send", on_click=_send),
        ),
        Button(
            Const("📂 Abrir o cadastro que já existe"), id="open", on_click=_open, when="known"
        ),
        Button(Const(_CANCEL), id="cancel", on_click=_cancel),
        TextInput(id="note_text", on_success=_typed_3),
        state=WizardDialog.note,
        getter=_note,
    )


def _cancelling() -> Window:
    return Window(
        Const(texts.CANCEL_WIZARD),
        Row(
            Button(Const("🗑 Sim, descartar"), id="sure", on_click=_discard),
            Button(Const("⬅️ Não"), id="keep", on_click=_keep),
        ),
        state=WizardDialog.cancelling,
    )


async def _start(start_data: Data, manager: DialogManager) -> None:
    typed = start_data.get("typed", "") if isinstance(start_data, dict) else ""
    new = searched_for(str(typed))
    # The id is drawn at the start: if a crash makes Enviar run twice, it finds its own
    # registration.
    manager.dialog_data.update(asdict(new), id=services_of(manager).new_id())
    if new.document:
        await _look_for(manager, new.document)


async def _main(dialog_manager: DialogManager, **_: object) -> Shown:
    new = entered(dialog_manager.dialog_data)
    return {
        "text": take_notice(dialog_manager) + wizard_texts.step_1(new),
        "name": texts.field_button("Nome", new.name),
        "document": texts.field_button(
            new.document_label, new.document.masked if new.document else None
        ),
        "phone": texts.field_button("Telefone", show_phone(new.phone) if new.phone else None),
        "email": texts.field_button("E-mail", new.email),
        "country": country_name(new.country),
        "company": f"🏢 Pessoa jurídica: {'Sim' if new.company else 'Não'}",
        "kinds": [(k.value, texts.choice(KINDS[k], k.value in new.kinds)) for k in Kind],
        "known": bool(new.known),
    }


async def _priority(
    dialog_manager: DialogManager, services: RegisterServices, **_: object
) -> Shown:
    new = entered(dialog_manager.dialog_data)
    departments = [d for d in await services.departments.all() if not d.archived]
    tags = [tag for tag in await services.tags.all() if not tag.archived]
    return {
        "text": take_notice(dialog_manager) + wizard_texts.step_2(new),
        "alert": f"❗ Avisar atendente: {'Sim' if new.alert else 'Não'}",
        "has_alert": new.alert,
        "traits": list(enumerate(new.traits)),
        "priority": f"🔴 Tem prioridade: {'Sim' if new.priority else 'Não'}",
        "has_priority": new.priority,
        "departments": [
            (d.id, texts.choice(d.name, d.id in new.departments)) for d in departments
        ],
        "tags": [(tag.id, texts.choice(tag.shown, tag.id in new.tags)) for tag in tags],
    }


async def _note(dialog_manager: DialogManager, services: RegisterServices, **_: object) -> Shown:
    new = entered(dialog_manager.dialog_data)
    return {
        "text": take_notice(dialog_manager) + wizard_texts.step_3(new, await services.names()),
        "has_note": bool(new.note),
        "known": bool(new.known),
    }


async def _ask_for(_: CallbackQuery, button: Button, manager: DialogManager) -> None:
    manager.dialog_data["asked"] = button.widget_id


async def _typed_1(
    _: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    data = manager.dialog_data
    path = entered(manager.dialog_data).asked_for or _optional(text)
    value = read_field(_PATHS.get(path, path), text, country=data["country"])
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    if path == "tax_id":
        tax_id = TaxId.of_key(str(value))
        if tax_id.country == "BR" and tax_id.is_company is not data["company"]:
            # The typed document counts more than the button, which is easily forgotten.
            data["company"] = tax_id.is_company
            await say(manager, wizard_texts.company_switched(tax_id))
        await _look_for(manager, tax_id)
    data.update({path: value, "asked": None})


def _optional(text: str) -> str:
    """Return the field that a text is for when all that is needed is there."""
    return "email" if "@" in text else "phone"


async def _say_tick(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await say(manager, "Toque nos nomes abaixo para marcar.")


async def _look_for(manager: DialogManager, tax_id: TaxId) -> None:
    known = await services_of(manager).registrations.by_tax_ids([tax_id])
    there = known.get(tax_id.key)
    manager.dialog_data["known"] = there.id if there else None
    if there:
        await say(manager, texts.exists(there))


async def _typed_2(
    _: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    data = manager.dialog_data
    value = read_field("traits", ",".join([*data["traits"], text]))
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    # An admin who writes traits wants the attendant to be notified of them.
    data.update(traits=value, alert=True)


async def _typed_3(
    _: Message, __: ManagedTextInput[str], manager: DialogManager, text: str
) -> None:
    value = read_field("fixed_note", text)
    if isinstance(value, Wrong):
        await say(manager, f"⚠️ {value.sentence}")
        return
    manager.dialog_data["note"] = value


async def _switch_company(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data = manager.dialog_data
    data["company"] = not data["company"]
    if data["country"] == "BR" and data["tax_id"]:
        # A CPF cannot be used as a CNPJ.
        data.update(tax_id=None, known=None)


async def _tick(_: CallbackQuery, select: Select[str], manager: DialogManager, item: str) -> None:
    data, name = manager.dialog_data, str(select.widget_id)
    data[name] = ticked(data[name], item)


async def _switch(_: CallbackQuery, button: Button, manager: DialogManager) -> None:
    name = str(button.widget_id)
    manager.dialog_data[name] = not manager.dialog_data[name]


async def _drop_trait(
    _: CallbackQuery, __: Select[str], manager: DialogManager, index: str
) -> None:
    traits = manager.dialog_data["traits"]
    manager.dialog_data["traits"] = [t for i, t in enumerate(traits) if str(i) != index]


async def _continue_1(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    new = entered(manager.dialog_data)
    if new.missing:
        await say(manager, f"Falta: {new.missing}.")
    elif new.known:
        await say(manager, "Este documento já está cadastrado. Abra o cadastro pelo botão.")
    else:
        await manager.switch_to(WizardDialog.priority)


async def _continue_2(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    new = entered(manager.dialog_data)
    if new.alert and not new.traits:
        await say(manager, "Escreva as características, ou mude “Avisar atendente” para Não.")
    elif new.priority and not new.departments:
        await say(manager, "Marque os departamentos, ou mude “Tem prioridade” para Não.")
    else:
        await manager.switch_to(WizardDialog.note)


async def _erase_note(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    manager.dialog_data["note"] = None


async def _send(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    data, new = manager.dialog_data, entered(manager.dialog_data)
    if new.missing:
        await manager.switch_to(WizardDialog.main)
        return
    outcome = await services_of(manager).add(
        new.candidate(), registration_id=data["id"], by=admin_of(manager)
    )
    match outcome:
        case Added(registration):
            start_data = {"id": registration.id, "notice": texts.CREATED}
            await manager.done(show_mode=ShowMode.NO_UPDATE)
            await manager.start(RecordDialog.card, data=start_data, show_mode=ShowMode.EDIT)
        case Exists(registration):
            data["known"] = registration.id
            await say(manager, texts.exists(registration))
        case NotAdded(reasons):
            await say(manager, not_added(reasons))
        case _:
            assert_never(outcome)


async def _open(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if known := entered(manager.dialog_data).known:
        await manager.start(RecordDialog.card, data={"id": known})


async def _cancel(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    if entered(manager.dialog_data).is_blank:
        await manager.done()
        return
    manager.dialog_data["came_from"] = manager.current_context().state.state
    await manager.switch_to(WizardDialog.cancelling)


async def _discard(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    await manager.done()


async def _keep(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    came_from = manager.dialog_data.get("came_from")
    steps = (WizardDialog.main, WizardDialog.priority, WizardDialog.note)
    await manager.switch_to(next((s for s in steps if s.state == came_from), WizardDialog.main))
