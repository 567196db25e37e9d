"""Sentences for attendants who correct a registration or add to its fixed note."""

from typing import Final

from aiogram import html

from bot.domain.registration import NOTE_LENGTH
from bot.wording.values import LABELS
from bot.wording.words import number
from handlers.relay.correction_menu import show_field

YES: Final = "📌 Guardar no cadastro"
NO: Final = "Descartar"
LEAVE_EMPTY: Final = "🧹 Deixar vazio"
BACK: Final = "⬅️ Voltar"
NOTE_HINT: Final = "Observação fixa do cadastro"
CORRECTION_HINT: Final = "O valor certo"
NOTE_AS_TEXT: Final = "Escreva a observação em texto, respondendo à pergunta."
AS_TEXT: Final = "Escreva o valor certo em texto, respondendo à pergunta."
DROPPED: Final = "Descartado: nada mudou no cadastro."
SAME: Final = "O cadastro já está assim: não há o que guardar."
CHANGED_MEANWHILE: Final = "⚠️ O cadastro mudou enquanto você escrevia. Confira de novo."
_NOT_PROVEN: Final = (
    "\nEste número ainda não confirma a identidade de ninguém: só quando o ERP ou um "
    "administrador também o tiver."
)
_ASKED: Final = {
    "phones.mobile": "o <b>celular</b> certo de {}, com DDD, como (49) 99999-8888",
    "phones.home": "o <b>telefone residencial</b> certo de {}, com DDD, como (49) 3333-4444",
    "phones.commercial": "o <b>telefone comercial</b> certo de {}, com DDD, como (49) 3333-4444",
    "email": "o <b>e-mail</b> certo de {}, como nome@empresa.com.br",
    "fixed_note": (
        "a <b>observação fixa</b> de {} inteira, como deve ficar: ela substitui a de agora"
    ),
}
_LONGEST: Final = 300


def ask_note(name: str) -> str:
    return (
        f"<b>responda a esta mensagem</b> com o que acrescentar à <b>observação fixa</b> de "
        f"{html.quote(name)}. Ela aparece em todo atendimento, e o cliente não a vê."
    )


def ask_correction(path: str, name: str) -> str:
    return f"<b>responda a esta mensagem</b> com {_ASKED[path].format(html.quote(name))}."


def is_asked(path: str, name: str, value: str) -> str:
    now = html.quote(_cut(show_field(path, value)))
    return (
        f"✏️ <b>{LABELS[path]}</b> de <b>{html.quote(name)}</b>. Agora: {now}\n"
        "Falta o valor certo: responda à pergunta abaixo. Nada mudou ainda."
    )


def wrong(sentence: str) -> str:
    return f"⚠️ {html.quote(sentence)} Responda de novo à pergunta."


def confirm_note(name: str, before: str, added: str) -> str:
    there = f"{html.quote(before)}\n" if before else ""
    return (
        f"📌 Observação fixa de <b>{html.quote(name)}</b>:\n\n{there}"
        f"➕ <b>{html.quote(added)}</b>\n\nGuardar?"
    )


def confirm_correction(path: str, name: str, before: str, after: str) -> str:
    old, new = _cut(show_field(path, before)), show_field(path, after)
    return (
        f"✏️ <b>{LABELS[path]}</b> de <b>{html.quote(name)}</b>:\n"
        f"{html.quote(old)} → <b>{html.quote(new)}</b>\n\nGuardar?"
    )


def note_saved(name: str) -> str:
    return f"✅ Observação fixa guardada no cadastro de <b>{html.quote(name)}</b>."


def correction_saved(path: str, name: str, before: str, after: str, *, is_proof: bool) -> str:
    old, new = (html.quote(_cut(show_field(path, value))) for value in (before, after))
    return (
        f"✅ Guardado no cadastro de <b>{html.quote(name)}</b>.\n"
        f"{LABELS[path]}: {old} → <b>{new}</b>{'' if is_proof else _NOT_PROVEN}"
    )


def note_too_long(length: int) -> str:
    over = length - NOTE_LENGTH
    return (
        f"A observação ficaria com {number(length)} caracteres e pode ter até "
        f"{number(NOTE_LENGTH)}. Tire {number(over)} e responda de novo à pergunta."
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
