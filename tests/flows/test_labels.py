"""/etiquetas and /departamentos in the admin's chat, used through their buttons."""

import pytest

from bot.domain.conversation import Department
from handlers.admin.labels import texts as texts
from tests.flows.conftest import ADMIN_ID, Start, Telegram
from tests.flows.label_screen import Screen

HOSTILE = "<b>&{x}\u202e'" + '"'


@pytest.fixture
def screen(people: Telegram) -> Screen:
    return Screen(people)


async def test_a_tag_is_made_by_name_and_colour(screen: Screen):
    await screen.says("/etiquetas")
    assert screen.buttons == [texts.TAGS.new, texts.CLOSE]
    assert await screen.press(texts.TAGS.new) == texts.TAGS.ask_name
    assert texts.ASK_EMOJI in await screen.says(f"  Cliente\n{HOSTILE} ")
    said = await screen.press("🟣")
    assert "🟣 Cliente <b>&{x}'\"" in said
    [tag] = await screen.tags.latest()
    assert (tag.name, tag.emoji) == ("Cliente <b>&{x}'\"", "🟣")
    await screen.press(texts.BACK)
    assert screen.buttons[0] == "🟣 Cliente <b>&{x}'\""


async def test_an_emoji_can_be_typed_or_left_out(screen: Screen):
    for name, answer, emoji in (("Um", "🌵", "🌵"), ("Dois", None, "")):
        await screen.says("/etiquetas")
        await screen.press(texts.TAGS.new)
        await screen.says(name)
        await (screen.says(answer) if answer else screen.press(texts.NO_EMOJI))
        tag = await screen.tags.by_name_or_id(name)
        assert tag
        assert tag.emoji == emoji


async def test_bad_answers_are_said_and_the_step_stays(screen: Screen):
    await screen.tag("São João")
    await screen.says("/etiquetas")
    await screen.press(texts.TAGS.new)
    assert "pelo menos uma letra" in await screen.says("!!!")
    assert "longo demais" in await screen.says("x" * 200)
    assert "Já existe" in await screen.says("SAO JOAO")
    assert texts.ONLY_TEXT in await screen.sends_sticker()
    await screen.says("Ouro")
    for answer in ("🔴🔴", "vermelho", "5"):
        assert "um só emoji" in await screen.says(answer)
    assert "um só emoji" in await screen.sends_sticker()
    await screen.press("🔴")
    assert [tag.shown for tag in await screen.tags.latest()] == ["🔴 Ouro", "São João"]


async def test_a_name_taken_between_the_steps_is_said(screen: Screen):
    await screen.says("/etiquetas")
    await screen.press(texts.TAGS.new)
    await screen.says("Ouro")
    await screen.tag("ouro")
    said = await screen.press("🔴")
    assert "Já existe" in said
    assert texts.TAGS.ask_name in said
    assert len(await screen.tags.latest()) == 1


async def test_a_tag_is_renamed_coloured_archived_and_restored(screen: Screen):
    tag = await screen.tag("Ouro")
    await screen.says("/etiquetas")
    await screen.press("Ouro")
    await screen.press(texts.RENAME)
    assert "Prata" in await screen.says("Prata")
    await screen.press(texts.EMOJI)
    assert "⚪ Prata" in await screen.press("⚪")
    assert texts.TAGS.archived_note in await screen.press(texts.ARCHIVE)
    await screen.press(texts.BACK)
    assert screen.buttons == [texts.TAGS.new, "🗄 Arquivadas (1)", texts.CLOSE]
    await screen.press("🗄 Arquivadas (1)")
    await screen.press("⚪ Prata")
    await screen.press(texts.RESTORE)
    stored = await screen.tags.get(tag.id)
    assert stored
    assert (stored.shown, stored.archived) == ("⚪ Prata", False)


async def test_an_archived_one_whose_name_is_taken_cannot_be_restored(screen: Screen):
    await screen.tags.archive(await screen.tag("Ouro"))
    await screen.tag("ouro")
    await screen.says("/etiquetas")
    await screen.press("🗄 Arquivadas (1)")
    await screen.press("Ouro")
    assert "Renomeie um dos dois" in await screen.press(texts.RESTORE)


async def test_back_and_cancel_change_nothing(screen: Screen):
    await screen.tag("Ouro", "🟡")
    await screen.says("/etiquetas")
    await screen.press(texts.TAGS.new)
    await screen.says("Prata")
    assert texts.TAGS.ask_name in await screen.press(texts.BACK)
    await screen.press(texts.CANCEL)
    await screen.press("🟡 Ouro")
    await screen.press(texts.RENAME)
    await screen.press(texts.CANCEL)
    await screen.press(texts.EMOJI)
    await screen.press(texts.CANCEL)
    await screen.press(texts.CLOSE)
    assert [tag.shown for tag in await screen.tags.latest()] == ["🟡 Ouro"]


@pytest.mark.parametrize("button", [texts.ARCHIVE, texts.RENAME, texts.EMOJI])
async def test_what_a_colleague_changed_meanwhile_is_said_and_shown(screen: Screen, button: str):
    tag = await screen.tag("Ouro")
    await screen.says("/etiquetas")
    await screen.press("Ouro")
    await screen.tags.rename(tag, "Ouro velho")
    said = await screen.press(button)
    if button == texts.RENAME:
        said = await screen.says("Prata")
    if button == texts.EMOJI:
        said = await screen.press("🔴")
    assert "Um colega mudou isto" in said
    assert "Ouro velho" in said
    stored = await screen.tags.get(tag.id)
    assert stored
    assert (stored.shown, stored.archived) == ("Ouro velho", False)


async def test_many_tags_come_in_pages(screen: Screen):
    for number in range(20):
        await screen.tag(f"Etiqueta {number:02}")
    await screen.says("/etiquetas")
    assert "Etiqueta 07" in screen.buttons
    assert "Etiqueta 08" not in screen.buttons
    await screen.press(">")
    assert "Etiqueta 08" in screen.buttons


async def test_a_dialog_goes_on_after_a_restart(start: Start):
    async with start() as people:
        screen = Screen(people)
        await screen.says("/etiquetas")
        await screen.press(texts.TAGS.new)
        await screen.says("Ouro")
    async with start() as people:
        screen = Screen(people)
        await screen.press("🟡")
        assert [tag.shown for tag in await screen.tags.latest()] == ["🟡 Ouro"]


async def test_a_department_says_its_group_and_what_the_bot_lacks_there(
    people: Telegram, screen: Screen
):
    await screen.departments.create("Vendas")
    await screen.says("/departamentos")
    assert "Grupo: Atendimento" in await screen.press("Atendimento")
    people.emulator.set_admin(-1001000000001, people.emulator.bot.id, False, by=ADMIN_ID)
    await screen.press(texts.BACK)
    assert "Não é administrador" in await screen.press("Atendimento")
    people.emulator.remove_member(-1001000000001, people.emulator.bot.id, by=ADMIN_ID)
    await screen.press(texts.BACK)
    assert "não alcança o grupo" in await screen.press("Atendimento")
    await screen.press(texts.BACK)
    assert "Sem grupo" in await screen.press("Vendas")


async def test_the_last_department_is_not_archived(screen: Screen):
    await screen.says("/departamentos")
    await screen.press("Atendimento")
    assert "único departamento" in await screen.press(texts.ARCHIVE)
    await screen.departments.create("Vendas")
    assert "único departamento com grupo" in await screen.press(texts.ARCHIVE)
    [default, _] = await screen.departments.latest()
    assert isinstance(default, Department)
    assert not default.archived


async def test_a_department_is_renamed_and_customers_see_the_new_name(screen: Screen):
    await screen.says("/departamentos")
    await screen.press("Atendimento")
    await screen.press(texts.RENAME)
    assert "Suporte" in await screen.says("Suporte")
    assert [d.name for d in await screen.departments.offered()] == ["Suporte"]
