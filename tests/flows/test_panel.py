"""/painel: an admin asks for a period, and gets one album and its numbers in words."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.demo import people as demo
from bot.demo.people import DemoPerson
from bot.domain.chart import Chart
from bot.runtime.charts.drawing import DrawCharts
from handlers.admin.company import panel_texts as texts
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start, Telegram

BLUE, ORANGE, WHITE = (0, 114, 178), (230, 159, 0), (255, 255, 255)


@pytest.fixture
async def people(start: Start, clock: Clock) -> AsyncIterator[Telegram]:
    """Start the bot at noon in São Paulo, so that no test crosses midnight."""
    clock.now = clock.now.replace(hour=15, minute=0, second=0, microsecond=0)
    async with start() as telegram:
        yield telegram


@pytest.fixture
def admin(people: Telegram) -> Admin:
    return Admin(people, ADMIN_ID)


def album(people: Telegram) -> list[dict[str, Any]]:
    """Return the pictures that the admin received, oldest first."""
    return [m for m in people.messages(ADMIN_ID) if "media_group_id" in m]


def pictures(people: Telegram) -> list[Image.Image]:
    found = []
    for message in album(people):
        file = people.emulator.files.by_id(message["photo"][-1]["file_id"])
        assert file is not None
        with Image.open(BytesIO(file.content)) as image:
            assert image.format == "PNG"
            found.append(image.convert("RGB"))
    return found


def pixels(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return sum(n for n, c in image.getcolors(1 << 24) if c == colour)


async def three_conversations(people: Telegram, clock: Clock) -> None:
    """Ana's is claimed after 5 minutes and closed, the stranger's after 25, José's never."""
    await people.customer(demo.ANA).is_in_conversation()
    clock.advance(timedelta(minutes=5))
    await people.press(BIA, "✋ Atender")
    await people.press(BIA, "☑️ Encerrar")
    await converses(people, demo.STRANGER, "Bruno Tavares")
    clock.advance(timedelta(minutes=25))
    await people.press(BIA, "✋ Atender")
    await converses(people, demo.JOSE, "Outro", phone="+5511977770000")
    clock.advance(timedelta(minutes=15))


async def converses(
    people: Telegram, person: DemoPerson, name: str, *, phone: str | None = None
) -> None:
    customer = people.customer(person, phone=phone)
    await customer.says("oi")
    await customer.says(person.tax_id)
    await customer.shares_phone()
    await customer.says(name)


async def test_a_period_is_one_album_with_its_numbers_in_words(
    people: Telegram, admin: Admin, clock: Clock
):
    await three_conversations(people, clock)
    assert "De que período?" in await admin.says("/painel")
    assert admin.buttons == [
        "Hoje",
        "7 dias",
        "30 dias",
        "90 dias",
        "📅 Escolher datas",
        "✖️ Fechar",
    ]
    menu = await admin.presses("Hoje")
    assert admin.told == texts.DRAWING
    assert people.emulator.calls_of("sendChatAction")[-1].params["action"] == "upload_photo"
    today = f"{clock.now:%d/%m/%Y}"
    assert f"Acima: {today}. Outro período?" in menu
    assert "30 dias" in admin.buttons
    [caption] = [m["caption"] for m in album(people) if "caption" in m]
    assert caption.splitlines() == [
        f"📊 {today}",
        "3 atendimentos: 2 abertos, 1 encerrado, 0 com prioridade.",
        # José has waited for 15 minutes now.
        "Espera: metade esperou até 15 min, e 90% até 25 min.",
        "1 não foi assumido por ninguém: conta a espera até encerrar, ou até agora.",
        "Por departamento: Atendimento 3.",
        "Identificação: verificado 1, não verificado 1, novo prospect 1.",
        "Cadastro agora: 3 ativos e 0 inativos (cliente 2, prospect 1).",
    ]
    waits, departments, register, outcomes = pictures(people)
    for image in (waits, departments, register, outcomes):
        assert image.width == 1080
        assert 400 < image.height < 1_800
        # The margin is empty, and the picture has text.
        assert image.crop((0, 0, 40, image.height)).getcolors() == [(40 * image.height, WHITE)]
        assert pixels(image, (26, 26, 26)) > 3_000
    # Two are open and one is closed.
    open_, closed = pixels(departments, ORANGE), pixels(departments, BLUE)
    assert open_ == pytest.approx(2 * closed, rel=0.05)
    # Only one menu is left, below the album.
    assert len([m for m in people.messages(ADMIN_ID) if "Painel" in m.get("text", "")]) == 1


async def test_typed_dates_are_a_period_or_refused_with_the_reason(
    people: Telegram, admin: Admin, clock: Clock
):
    await people.customer(demo.ANA).is_in_conversation()
    now = clock.now
    before, after = (f"{now + timedelta(days=n):%d/%m/%Y}" for n in (-1, 1))
    await admin.says("/painel")
    assert "primeiro e o último dia" in await admin.presses("Escolher datas")
    assert "não existe no calendário" in await admin.says("31/02/2026 a 01/03/2026")
    assert "Não entendi as datas" in await admin.says("a semana passada")
    assert "vem antes do primeiro" in await admin.says(f"{now:%d/%m/%Y} a {before}")
    assert "pode ser hoje" in await admin.says(f"{before} a {after}")
    assert "passa de 366 dias" in await admin.says(f"01/01/2020 a {before}")
    assert album(people) == []
    # A failed chat action must not stop the answer.
    people.emulator.fail_next("sendChatAction", 500)
    assert f"Acima: {before} a {now:%d/%m/%Y}." in await admin.says(f"{before} a {now:%d/%m/%Y}")
    assert len(album(people)) == 4


async def test_a_period_without_conversations_says_so_in_a_sentence(
    people: Telegram, admin: Admin
):
    await admin.says("/painel")
    await admin.presses("7 dias")
    assert album(people) == []
    [said] = [text for text in people.texts(ADMIN_ID) if "Nenhum atendimento" in text]
    assert "O cadastro está vazio." in said
    assert "Outro período?" in admin.screen
    assert "30 dias" in admin.buttons


async def test_pictures_that_are_not_drawn_are_a_sentence_and_the_numbers_come_all_the_same(
    people: Telegram, admin: Admin, monkeypatch: pytest.MonkeyPatch
):
    await people.customer(demo.ANA).is_in_conversation()
    await admin.says("/painel")
    assert people.balcao is not None
    panel = people.balcao.dispatcher["panel"]

    async def fails(charts: Sequence[Chart]) -> list[bytes]:
        return await DrawCharts()([replace(charts[0], legend=(("no tone", ""),))])

    for draw in (DrawCharts(longest_s=0.0), fails):
        object.__setattr__(panel, "draw", draw)
        await admin.presses("Hoje")
        told = people.texts(ADMIN_ID)[-2]
        assert told.startswith(texts.NOT_DRAWN)
        assert "1 atendimento: 1 aberto, 0 encerrados" in told
    assert album(people) == []


async def test_nobody_else_is_shown_anything(people: Telegram):
    ana = people.customer(demo.ANA)
    await ana.says("/start")
    assert await ana.says("/painel") == await ana.says("/naoexiste")
    before = len(people.texts(BIA))
    people.emulator.send_text(BIA, BIA, "/painel")
    await people.settled()
    assert "Painel" not in str(people.texts(BIA)[before:])
    assert people.emulator.calls_of("sendMediaGroup") == []
