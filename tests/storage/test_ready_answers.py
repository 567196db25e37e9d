"""Ready answers: unique words within a department, and no edit overwrites a colleague's."""

import asyncio
from typing import Any

import pytest

from bot.domain.ready_answer import ReadyAnswer
from bot.usecases.company.ready_answers import ManageReadyAnswers, Refusal
from storage.talk.ready_answers import ReadyAnswers


@pytest.fixture
def manage(database: Any) -> ManageReadyAnswers:
    return ManageReadyAnswers(answers=ReadyAnswers(database))


async def made(manage: ManageReadyAnswers, word: str, department: str | None = None) -> Any:
    answer = await manage.create(word, "Olá, {nome}!", department)
    assert isinstance(answer, ReadyAnswer)
    return answer


async def test_a_word_is_unique_within_a_department_in_any_race(manage: ManageReadyAnswers):
    both = await asyncio.gather(*(manage.create("Pix", "oi", "a") for _ in range(2)))
    assert sorted(isinstance(one, ReadyAnswer) for one in both) == [False, True]
    assert Refusal.TAKEN in both
    assert await manage.create("PÍX", "oi", "a") is Refusal.TAKEN
    assert await manage.check_word("!pix", "a") is Refusal.TAKEN
    assert await manage.check_word(" !pix ", "b") == "pix"
    everywhere, other = await made(manage, "pix"), await made(manage, "pix", "b")
    assert [one.department_id for one in await manage.all()] == [None, "a", "b"]
    assert await manage.set_department(everywhere, "b") is Refusal.TAKEN
    assert await manage.set_word(other, "p x") is Refusal.NO_WORD
    hours = await made(manage, "horário", "b")
    assert await manage.set_word(other, "HORARIO") is Refusal.TAKEN
    await manage.delete(hours)
    assert isinstance(await manage.set_word(other, "horario"), ReadyAnswer)


async def test_what_a_colleague_changed_is_neither_overwritten_nor_deleted(
    manage: ManageReadyAnswers,
):
    seen = await made(manage, "pix")
    changed = await manage.set_text(seen, "<b>Oi</b> ")
    assert isinstance(changed, ReadyAnswer)
    assert (changed.html, changed.version) == ("<b>Oi</b>", 2)
    assert await manage.set_text(seen, "<b>Oi</b>") == changed, "repeated after a crash"
    assert await manage.set_text(seen, "Outro") is Refusal.STALE
    assert await manage.set_word(seen, "outra") is Refusal.STALE
    assert await manage.delete(seen) is Refusal.STALE
    assert await manage.all() == (changed,)
    assert await manage.delete(changed) is None
    assert await manage.delete(changed) is None, "repeated after a crash"
    assert await manage.set_text(changed, "x") is Refusal.STALE
    assert await manage.get(changed.id) is None


@pytest.mark.parametrize(
    ("html", "refusal"),
    [
        ("Seu CPF é {cpf}", Refusal.UNKNOWN_PLACE),
        ("{nome}!", Refusal.NO_TEXT),
        ("{protocolo}", Refusal.NO_TEXT),
        ("👍", Refusal.NO_TEXT),
        ("x" * 3501, Refusal.TOO_LONG),
    ],
)
async def test_a_text_that_would_not_read_well_is_refused(
    manage: ManageReadyAnswers, html: str, refusal: Refusal
):
    assert await manage.create("pix", html, None) is refusal
    assert await manage.set_text(await made(manage, "pix"), html) is refusal
