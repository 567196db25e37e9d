"""The chat page in a real browser, with a bot that echoes."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
)
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from bot.demo.bot_api import BotApiEmulator, Scene, Switch
from bot.demo.bot_api.messages import post
from bot.demo.people import DemoPerson
from tests.browsers import new_context
from tests.demo.conftest import BRUNO, CARLA, FORUM, GROUP

pytestmark = pytest.mark.browser

MARINA, JOAO, RENATA = 101, 102, 103
PEOPLE = (
    DemoPerson(
        user_id=MARINA,
        first_name="Marina",
        last_name="Alves",
        phone="+5511987654321",
        tax_id="390.533.447-05",
        shows="Cliente com prioridade.",
    ),
    DemoPerson(
        user_id=JOAO,
        first_name="João",
        phone="+5511987654322",
        tax_id="529.982.247-25",
        shows="Só existe no ERP.",
    ),
)


class Stage:
    """The emulator with a demo page, and the last setting of the page's ERP switch."""

    def __init__(self, emulator: BotApiEmulator) -> None:
        self.emulator = emulator
        self.erp = "normal"
        for person in PEOPLE:
            emulator.add_user(
                person.user_id, person.first_name, person.last_name, phone=person.phone
            )
        emulator.add_user(RENATA, "Renata", "Melo", started=True)
        emulator.serve_page(
            Scene(
                people=PEOPLE,
                groups=(FORUM, GROUP),
                attendants=(BRUNO, CARLA),
                admin_id=RENATA,
                switches=(
                    Switch(
                        key="erp",
                        label="ERP",
                        options=[("normal", "normal"), ("down", "fora do ar")],
                        get=lambda: self.erp,
                        set=self._set_erp,
                    ),
                ),
                note="Tudo aqui é inventado.",
            )
        )

    def _set_erp(self, value: str) -> None:
        self.erp = value


@pytest.fixture
def stage(emulator: BotApiEmulator) -> Stage:
    return Stage(emulator)


Opener = Callable[..., Awaitable[Page]]


@pytest.fixture
async def open_page(browser: Browser, stage: Stage) -> AsyncIterator[Opener]:
    """Give a function that opens the page.

    The test fails on any script error or refused resource.
    """
    troubles: list[str] = []
    contexts = []

    async def opened(**options: Any) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}, "locale": "pt-BR"}
        context = await new_context(browser, **{**settings, **options})
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda said: troubles.append(said.text) if said.type == "error" else None
        )
        await page.goto(stage.emulator.url)
        await page.wait_for_selector("body[data-ready]")
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert [said for said in troubles if "ERR_CONNECTION" not in said] == []


@pytest.fixture
async def echo(bot: Bot) -> AsyncIterator[None]:
    """Run a bot that repeats each message, offers buttons and answers presses."""

    async def run() -> None:
        offset = 0
        while True:
            for update in await bot.get_updates(offset=offset, timeout=30):
                offset = update.update_id + 1
                if update.callback_query:
                    loud = update.callback_query.data == "alert"
                    await bot.answer_callback_query(
                        update.callback_query.id, "Anotado!", show_alert=loud
                    )
                elif update.message and update.message.text:
                    await answer(update.message.chat.id, update.message.text)
                elif update.message and update.message.contact:
                    await bot.send_message(
                        update.message.chat.id, f"fone {update.message.contact.phone_number}"
                    )

    async def answer(chat_id: int, text: str) -> None:
        markup: Any = None
        if text == "botões":
            row = [
                InlineKeyboardButton(text="Atender", callback_data="take"),
                InlineKeyboardButton(text="Avisar", callback_data="alert"),
            ]
            markup = InlineKeyboardMarkup(inline_keyboard=[row])
        elif text == "telefone":
            share = KeyboardButton(text="Compartilhar telefone", request_contact=True)
            markup = ReplyKeyboardMarkup(keyboard=[[share]], one_time_keyboard=True)
        await bot.send_message(
            chat_id, f"<b>eco</b> {text}", parse_mode="HTML", reply_markup=markup
        )

    task = asyncio.create_task(run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def say(pane: Locator, text: str) -> None:
    await pane.get_by_test_id("input").fill(text)
    await pane.get_by_test_id("input").press("Enter")


async def test_a_customer_chats_and_formatting_is_never_markup(
    open_page: Opener, echo: None
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    await pane.get_by_test_id("start").click()
    await expect(pane.get_by_test_id("message")).to_have_count(2)
    await expect(pane.get_by_test_id("message").nth(1).locator("strong")).to_have_text("eco")
    await say(pane, "linha um\n<img src=x onerror=alert(1)>")
    await expect(pane.get_by_test_id("message").nth(2)).to_contain_text("<img src=x")
    await expect(pane.locator(".text img")).to_have_count(0)


async def test_buttons_tell_the_bot_and_show_its_answer(open_page: Opener, echo: None) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    await say(pane, "botões")
    await pane.get_by_test_id("inline-button").first.click()
    await expect(pane.get_by_test_id("toast")).to_have_text("Anotado!")
    await expect(pane.locator(".inline-button.busy")).to_have_count(0)
    await pane.get_by_test_id("inline-button").nth(1).click()
    await expect(page.get_by_test_id("alert")).to_contain_text("Anotado!")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("alert")).to_be_hidden()


async def test_the_phone_is_shared_by_its_button(open_page: Opener, echo: None) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    await say(pane, "telefone")
    await pane.get_by_test_id("reply-button").click()
    await expect(pane.get_by_test_id("messages")).to_contain_text("fone +5511987654321")
    await expect(pane.get_by_test_id("reply-button")).to_have_count(0)


async def test_another_person_has_a_chat_of_their_own(
    open_page: Opener, echo: None, stage: Stage
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    await say(pane, "sou a Marina")
    await expect(pane.get_by_test_id("message")).to_have_count(2)
    person = page.locator(f'[data-testid="person"][data-user-id="{JOAO}"]')
    await person.get_by_test_id("be-person").click()
    await expect(pane.get_by_test_id("message")).to_have_count(0)
    await expect(pane.locator("h2")).to_have_text("João")
    await person.get_by_test_id("copy-tax-id").click()
    await expect(pane.get_by_test_id("input")).to_have_value("529.982.247-25")
    await pane.get_by_test_id("send").click()
    await expect(pane.get_by_test_id("message")).to_have_count(2)
    first = page.locator(f'[data-testid="person"][data-user-id="{MARINA}"]')
    await first.get_by_test_id("be-person").click()
    await expect(pane.get_by_test_id("message").first).to_contain_text("sou a Marina")
    senders = {message["from"]["id"] for message in stage.emulator.messages(JOAO)}
    assert senders == {JOAO, stage.emulator.bot.id}


async def test_replies_edits_and_deletions_by_keyboard(
    open_page: Opener, echo: None, stage: Stage
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    await say(pane, "um")
    await expect(pane.get_by_test_id("message")).to_have_count(2)
    await pane.get_by_test_id("messages").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(pane.locator(".composer-context")).to_contain_text("Respondendo a Balcão")
    await page.keyboard.press("Escape")
    await expect(pane.locator(".composer-context")).to_be_hidden()
    await pane.get_by_test_id("message").nth(1).hover()
    await pane.get_by_test_id("message").nth(1).get_by_test_id("reply").click()
    await page.keyboard.type("dois")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("três")
    await page.keyboard.press("Enter")
    await expect(pane.get_by_test_id("message").nth(2).locator(".quote")).to_contain_text("eco um")
    await expect(pane.get_by_test_id("message")).to_have_count(4)
    await page.keyboard.press("ArrowUp")
    await expect(pane.get_by_test_id("input")).to_have_value("dois\ntrês")
    await pane.get_by_test_id("input").fill("quatro")
    await page.keyboard.press("Enter")
    await expect(pane.get_by_test_id("message").nth(2).locator(".edited")).to_be_visible()
    assert stage.emulator.messages(MARINA)[2]["text"] == "quatro"
    await pane.get_by_test_id("message").nth(2).hover()
    await pane.get_by_test_id("message").nth(2).get_by_test_id("delete").click()
    await expect(pane.get_by_test_id("message")).to_have_count(3)


async def test_attendants_write_in_topics(open_page: Opener, stage: Stage, bot: Bot) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-attendants")
    await expect(pane.get_by_test_id("topic")).to_have_count(1)
    topic = await bot.create_forum_topic(FORUM, "Marina · 2026-000001")
    await bot.send_message(FORUM, "ficha", message_thread_id=topic.message_thread_id)
    await expect(pane.get_by_test_id("topic")).to_have_count(2)
    await expect(pane.get_by_test_id("message").nth(1)).to_contain_text("ficha")
    await expect(pane.locator(".quote")).to_have_count(0)
    await pane.get_by_test_id("actor").select_option(str(CARLA))
    await pane.get_by_test_id("topic").nth(1).click()
    await say(pane, "bom dia")
    await expect(pane.get_by_test_id("message")).to_have_count(3)
    written = stage.emulator.messages(FORUM)[-1]
    assert written["from"]["id"] == CARLA
    assert written["message_thread_id"] == topic.message_thread_id
    second = await bot.create_forum_topic(FORUM, "João · 2026-000002")
    await bot.send_message(FORUM, "outra", message_thread_id=second.message_thread_id)
    await expect(pane.locator(".topic .badge")).to_have_text("1")
    await bot.close_forum_topic(FORUM, topic.message_thread_id)
    await expect(pane.locator(".closed")).to_have_text("Este tópico foi fechado.")
    await bot.delete_forum_topic(FORUM, topic.message_thread_id)
    await expect(pane.get_by_test_id("topic")).to_have_count(2)
    await expect(pane.get_by_test_id("input")).to_be_visible()


async def test_groups_and_topics_are_listed_with_what_is_unread_and_pinned(
    open_page: Opener, stage: Stage, bot: Bot
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-attendants")
    plain, forum = GROUP, FORUM
    await pane.locator(f'[data-group-id="{plain}"]').click()
    await expect(pane.locator(".topic-bar")).to_be_hidden()
    topics = {
        name: (await bot.create_forum_topic(forum, name)).message_thread_id
        for name in ("🔴 Marina", "João", "Davi")
    }
    for name, thread_id in topics.items():
        said = await bot.send_message(forum, f"ficha de {name}", message_thread_id=thread_id)
        if name == "🔴 Marina":
            await bot.pin_chat_message(forum, said.message_id)
    await bot.close_forum_topic(forum, topics["João"])
    tab = pane.locator(f'[data-group-id="{forum}"]')
    await expect(tab.locator(".badge")).to_have_text("3")
    await tab.click()
    await expect(tab.locator(".badge")).to_have_count(0)

    await pane.get_by_test_id("topic-list-toggle").click()
    rows = pane.get_by_test_id("topic-row")
    await expect(rows.locator("strong")).to_have_text(["Geral", "Davi", "🔴 Marina", "João"])
    await expect(rows.nth(3)).to_contain_text("Fechado · ficha de João")
    await expect(rows.nth(2).locator(".badge")).to_have_text("1")
    await rows.nth(2).click()
    await expect(pane.get_by_test_id("topic-list")).to_be_hidden()
    pinned = pane.get_by_test_id("pinned")
    await expect(pinned).to_contain_text("ficha de 🔴 Marina")
    await pinned.click()
    await expect(pane.locator(".message.found")).to_contain_text("ficha de 🔴 Marina")
    await say(pane, "bom dia")
    await expect(pane.get_by_test_id("message").last).to_contain_text("bom dia")
    assert stage.emulator.messages(forum)[-1]["message_thread_id"] == topics["🔴 Marina"]
    await pane.locator(f'[data-thread-id="{topics["Davi"]}"]').click()
    await expect(pinned).to_be_hidden()


async def test_topics_are_closed_and_deleted_by_hand_and_groups_change(
    open_page: Opener, stage: Stage, bot: Bot
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-attendants")
    topic = await bot.create_forum_topic(FORUM, "Marina")
    await expect(pane.get_by_test_id("message")).to_contain_text("Tópico “Marina” criado")
    await pane.get_by_test_id("close-topic").click()
    await expect(pane.get_by_test_id("message").last).to_have_text("Bruno fechou o tópico")
    await pane.get_by_role("button", name="Reabrir o tópico").click()
    await expect(pane.get_by_test_id("message").last).to_have_text("Bruno reabriu o tópico")
    page.on("dialog", lambda dialog: dialog.accept())
    await pane.get_by_test_id("delete-topic").click()
    await expect(pane.get_by_test_id("toast")).to_have_text("O tópico foi apagado.")
    assert stage.emulator.chat(FORUM).topics == {}
    assert topic.name == "Marina"
    await bot.send_message(FORUM, "aviso")
    stage.emulator.set_forum(FORUM, False)
    await expect(pane.locator(".topic-bar")).to_be_hidden()
    await expect(pane.get_by_test_id("message")).to_have_text(re.compile("aviso"))


async def test_albums_and_other_kinds_are_sent_and_shown(
    open_page: Opener, stage: Stage, bot: Bot
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    picture = await page.screenshot(clip={"x": 0, "y": 0, "width": 60, "height": 40})
    files: list[FilePayload] = [
        {"name": f"foto-{number}.png", "mimeType": "image/png", "buffer": picture}
        for number in range(11)
    ]
    async with page.expect_file_chooser() as chooser:
        await pane.get_by_test_id("attach").click()
    await (await chooser.value).set_files(files)
    await pane.get_by_test_id("input").fill("o roteador")
    await pane.get_by_test_id("send").click()
    await expect(pane.get_by_test_id("message")).to_have_count(11)
    sent = stage.emulator.messages(MARINA)
    names = [stage.emulator.files.by_id(m["photo"][0]["file_id"]) for m in sent]
    assert [file.name for file in names if file] == [file["name"] for file in files]
    albums = [message["media_group_id"] for message in sent]
    assert [len(set(albums[:10])), len(set(albums))] == [1, 2]
    assert [message.get("caption") for message in sent[:2]] == ["o roteador", None]
    await expect(pane.locator(".in-album")).to_have_count(9)

    await pane.get_by_test_id("message").last.hover()
    await pane.get_by_test_id("message").last.get_by_test_id("reply").click()
    await pane.get_by_test_id("samples").click()
    await pane.get_by_test_id("sample-list").get_by_text("Enquete").click()
    poll = pane.get_by_test_id("message").last
    await expect(poll).to_contain_text("Qual horário?")
    await expect(poll.locator(".quote")).to_be_visible()
    number = int(await poll.get_attribute("data-message-id") or 0)
    await bot.set_message_reaction(MARINA, number, [ReactionTypeEmoji(emoji="👍")])
    await expect(poll.locator(".reactions")).to_have_text("👍")
    stage.emulator.send_text(BRUNO, GROUP, "o técnico vai às 9h")
    stage.emulator.forward(MARINA, MARINA, GROUP, 1, hidden=True)
    await expect(pane.locator(".forwarded")).to_have_text("Encaminhada de Bruno")
    for kind in ("venue", "dice", "checklist", "story", "game", "paid_media", "live_location"):
        stage.emulator.send_sample(MARINA, MARINA, kind)
    for shown in ("Rua das Flores", "🎲 4", "☐ Modem", "História", "Uma partida", "5 ★"):
        await expect(pane.get_by_test_id("messages")).to_contain_text(shown)
    await expect(pane.get_by_test_id("message").last).to_contain_text("em tempo real")


async def test_files_go_both_ways(open_page: Opener, stage: Stage, bot: Bot) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-admin")
    async with page.expect_file_chooser() as chooser:
        await pane.get_by_test_id("attach").click()
    await (await chooser.value).set_files(
        {"name": "clientes.csv", "mimeType": "text/csv", "buffer": b"Nome;cpfCnpj\n"}
    )
    await pane.get_by_test_id("input").fill("segue a lista")
    await pane.get_by_test_id("send").click()
    document = pane.get_by_test_id("document")
    await expect(document).to_contain_text("clientes.csv")
    await expect(document).to_contain_text("13 B")
    [message] = stage.emulator.messages(RENATA)
    assert message["caption"] == "segue a lista"
    await bot.copy_message(RENATA, RENATA, message["message_id"])
    async with page.expect_download() as download:
        await document.nth(1).click()
    assert (await download.value).suggested_filename == "clientes.csv"


async def test_commands_are_offered_behind_the_slash(
    open_page: Opener, stage: Stage, bot: Bot
) -> None:
    await bot.set_my_commands(
        [
            # Listed before the command that its name begins with.
            BotCommand(command="clientes_novos", description="Os de hoje"),
            BotCommand(command="clientes", description="O cadastro"),
            BotCommand(command="tarefas", description="O que está em andamento"),
        ]
    )
    page = await open_page()
    pane = page.get_by_test_id("pane-admin")
    await pane.get_by_test_id("input").press_sequentially("/")
    await expect(pane.get_by_role("option")).to_have_count(3)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(pane.get_by_test_id("message")).to_contain_text("/tarefas")
    # A command is a reply too, when one was begun: typed, chosen from the list, or in a text.
    await bot.send_message(RENATA, "aviso: /clientes mostra todos")
    notice = pane.get_by_test_id("message").nth(1)
    chosen, in_text = pane.get_by_role("option").nth(1), notice.get_by_text("/clientes")
    for count, command in enumerate((None, chosen, in_text), 1):
        await notice.hover()
        await notice.get_by_test_id("reply").click()
        await pane.get_by_test_id("input").fill("/" if command else "/clientes")
        await (command.click() if command else page.keyboard.press("Enter"))
        await expect(pane.locator(".quote")).to_have_count(count)
        await expect(pane.get_by_test_id("message").last.locator(".text")).to_have_text(
            "/clientes"
        )
        await expect(pane.locator(".composer-context")).to_be_hidden()


async def test_typing_and_blocking_are_shown(open_page: Opener, stage: Stage, bot: Bot) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    stage.emulator.send_text(MARINA, MARINA, "oi")
    await bot.send_chat_action(MARINA, "typing")
    await expect(pane.get_by_test_id("subtitle")).to_have_text("digitando…")
    await bot.send_message(MARINA, "olá")
    await expect(pane.get_by_test_id("subtitle")).to_contain_text("Cliente")
    await pane.get_by_test_id("block").click()
    await pane.get_by_test_id("unblock").click()
    await expect(pane.get_by_test_id("input")).to_be_visible()
    assert not stage.emulator.users[MARINA].blocked


async def test_a_switch_is_shown_and_set(open_page: Opener, stage: Stage) -> None:
    page = await open_page()
    switch = page.get_by_test_id("switch-erp")
    await switch.get_by_text("fora do ar").click()
    await stage.emulator.until(lambda: stage.erp == "down")
    await page.reload()
    await expect(switch.get_by_role("radio", name="fora do ar")).to_be_checked()


async def test_a_lost_server_is_said_and_what_was_missed_arrives(
    open_page: Opener, stage: Stage
) -> None:
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    port = int(stage.emulator.url.rpartition(":")[2])
    await stage.emulator.stop()
    await expect(page.get_by_test_id("offline")).to_be_visible()
    await say(pane, "chegou?")
    await expect(pane.get_by_test_id("pending")).to_contain_text("Não enviada.")
    stage.emulator.send_text(MARINA, MARINA, "enquanto isso")
    await stage.emulator.start(port=port)
    await expect(page.get_by_test_id("offline")).to_be_hidden()
    await expect(pane.get_by_test_id("message")).to_contain_text("enquanto isso")
    await pane.get_by_test_id("retry").click()
    await expect(pane.get_by_test_id("message")).to_have_count(2)


async def test_the_reader_is_left_alone_when_messages_arrive(
    open_page: Opener, stage: Stage
) -> None:
    for number in range(60):
        stage.emulator.send_text(MARINA, MARINA, f"mensagem {number}")
    page = await open_page()
    pane = page.get_by_test_id("pane-customer")
    messages = pane.get_by_test_id("messages")
    await messages.evaluate("list => { list.scrollTop = 0 }")
    await expect(pane.locator(".jump")).to_be_visible()
    stage.emulator.send_text(JOAO, JOAO, "não é aqui")
    await stage.emulator.until(lambda: stage.emulator.messages(JOAO))
    bot = stage.emulator.bot
    chat = stage.emulator.chat(MARINA)
    post(stage.emulator, chat, bot, {"text": "nova"})
    await expect(pane.locator(".jump .badge")).to_have_text("1")
    assert await messages.evaluate("list => list.scrollTop") == 0
    await pane.locator(".jump").click()
    await expect(pane.locator(".jump")).to_be_hidden()


async def test_a_phone_shows_one_chat_at_a_time_without_sideways_scroll(
    open_page: Opener, stage: Stage, bot: Bot
) -> None:
    page = await open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    await expect(page.get_by_test_id("pane-customer")).to_be_visible()
    await expect(page.get_by_test_id("pane-admin")).to_be_hidden()
    await bot.send_message(RENATA, "tarefa pronta")
    await expect(page.get_by_test_id("tab-admin").locator(".badge")).to_have_text("1")
    await page.get_by_test_id("tab-admin").click()
    await expect(page.get_by_test_id("pane-admin")).to_contain_text("tarefa pronta")
    await expect(page.get_by_test_id("tab-admin").locator(".badge")).to_be_hidden()
    await page.get_by_test_id("people-toggle").click()
    await page.get_by_test_id("be-person").nth(1).click()
    await expect(page.get_by_test_id("people")).to_be_hidden()
    await expect(page.get_by_test_id("pane-customer")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_the_theme_follows_the_system_and_the_button_is_remembered(
    open_page: Opener,
) -> None:
    page = await open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(background)
    await page.get_by_test_id("theme").click()
    light = await page.evaluate(background)
    assert light != dark
    await page.reload()
    await page.wait_for_selector("body[data-ready]")
    assert await page.evaluate(background) == light


async def test_a_newcomer_is_led_by_three_steps_until_they_are_done(
    open_page: Opener, stage: Stage, echo: None
) -> None:
    page = await open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    pane, steps = page.get_by_test_id("pane-customer"), page.get_by_test_id("steps")
    current = steps.locator('[aria-current="step"]')
    await expect(current).to_contain_text("1Em Pessoas, escolha quem você vai ser.")
    await steps.get_by_role("button", name="Pessoas").tap()
    await page.get_by_test_id("be-person").nth(1).tap()
    await expect(steps).to_contain_text("Agora é João.")
    await expect(current).to_contain_text("2Toque em Iniciar")
    await pane.get_by_test_id("start").tap()
    await expect(steps.get_by_text("Feito: ")).to_have_count(2)
    # What is written already is kept.
    await pane.get_by_test_id("input").fill("meu CPF:")
    await steps.get_by_role("button", name="Pôr na mensagem o CPF 529.982.247-25").tap()
    await expect(pane.get_by_test_id("input")).to_have_value("meu CPF: 529.982.247-25")
    await pane.get_by_test_id("send").tap()
    await expect(steps).to_be_hidden()
    await page.reload()
    await expect(pane.get_by_test_id("message")).not_to_have_count(0)
    await expect(steps).to_be_hidden()
    await page.get_by_test_id("people-toggle").tap()
    await page.get_by_role("button", name="Ver os três passos").tap()
    await expect(steps).to_be_visible()
    await steps.get_by_role("button", name="Fechar os passos").tap()
    await expect(steps).to_be_hidden()
    await expect(pane.get_by_test_id("input")).to_be_focused()


async def test_the_keyboard_skips_to_the_people_and_to_every_message_box(
    open_page: Opener, stage: Stage
) -> None:
    page = await open_page()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip:focus")).to_be_in_viewport(ratio=1)
    await page.keyboard.press("Enter")
    customer = page.get_by_test_id("pane-customer")
    await expect(customer.get_by_test_id("input")).to_be_focused()
    await page.get_by_role("link", name="Ir para a mensagem: Admin").press("Enter")
    await expect(page.get_by_test_id("pane-admin").get_by_test_id("input")).to_be_focused()
    # People that cover the chats make way; a chat that is closed gives its messages.
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.get_by_role("link", name="Ir para as pessoas").press("Enter")
    await expect(page.get_by_test_id("people")).to_be_visible()
    stage.emulator.block_bot(MARINA)
    await expect(page.get_by_test_id("unblock")).to_be_attached()
    await page.get_by_role("link", name="Ir para a mensagem: Cliente").press("Enter")
    await expect(page.get_by_test_id("people")).to_be_hidden()
    await expect(customer.get_by_test_id("messages")).to_be_focused()


async def test_at_400_percent_zoom_messages_are_readable_and_nothing_covers_them(
    open_page: Opener, echo: None
) -> None:
    """1280 px by 1024 px at 400 % zoom."""
    page = await open_page(viewport={"width": 320, "height": 256})
    pane = page.get_by_test_id("pane-customer")
    messages, input_ = pane.get_by_test_id("messages"), pane.get_by_test_id("input")
    await page.get_by_test_id("close-steps").click()
    await say(pane, "telefone")
    share = pane.get_by_test_id("reply-button")
    for part in (input_, messages, share, page.get_by_test_id("tab-admin")):
        await part.scroll_into_view_if_needed()
        await expect(part).to_be_in_viewport(ratio=0.95)
        await part.click(trial=True)
    shown = await messages.bounding_box()
    assert shown
    # Six lines, and the last message is among them.
    assert shown["height"] >= 128
    await messages.scroll_into_view_if_needed()
    last = pane.get_by_test_id("message").last.locator(".bubble")
    await expect(last).to_be_in_viewport(ratio=0.95)
    # Not a letter at a time, even beside the buttons of a reply keyboard.
    await input_.fill("o modem está com a luz vermelha")
    written = await input_.bounding_box()
    assert written
    assert written["width"] >= 160
    await page.get_by_test_id("people-toggle").click()
    close = page.get_by_role("button", name="Fechar", exact=True)
    await expect(close).to_be_in_viewport(ratio=1)
    await expect(page.get_by_test_id("be-person").first).to_be_visible()
    await close.click()
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
