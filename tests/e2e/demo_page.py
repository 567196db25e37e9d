"""Steps on the demo's page: its chats, its people and their actions."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import FilePayload, Locator, Page, expect

from bot.demo.people import DemoPerson
from handlers.customer import texts

PROTOCOL = re.compile(r"\d{8}-\d{6}")
CLAIM, CLOSE = "✋ Atender", "☑️ Encerrar"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

OpenPage = Callable[..., Awaitable[Page]]


def customer_pane(page: Page) -> Locator:
    return page.get_by_test_id("pane-customer")


def attendants_pane(page: Page) -> Locator:
    return page.get_by_test_id("pane-attendants")


def person(page: Page, whom: DemoPerson) -> Locator:
    return page.locator(f'[data-testid="person"][data-user-id="{whom.user_id}"]')


def latest(pane: Locator) -> Locator:
    return pane.get_by_test_id("message").last


def the_card(attendants: Locator, whom: DemoPerson) -> Locator:
    """Return the person's card, not the messages that quote it."""
    says_so = attendants.page.locator(".text", has_text=whom.tax_id)
    return attendants.get_by_test_id("message").filter(has=says_so)


async def be(page: Page, whom: DemoPerson) -> None:
    await person(page, whom).get_by_test_id("be-person").click()
    await expect(customer_pane(page).locator("h2")).to_have_text(
        f"{whom.first_name} {whom.last_name}"
    )


async def say(pane: Locator, text: str) -> None:
    await pane.get_by_test_id("input").fill(text)
    await pane.get_by_test_id("input").press("Enter")
    await expect(pane.get_by_test_id("messages")).to_contain_text(text)


async def share_phone(customer: Locator) -> None:
    await customer.get_by_role("button", name=texts.SHARE_PHONE).click()
    await expect(customer.get_by_test_id("reply-button")).to_have_count(0)


async def in_conversation(page: Page, whom: DemoPerson) -> Locator:
    """Lead a customer from the first message to the card, and return the card."""
    customer = customer_pane(page)
    await say(customer, f"oi, meu CPF é {whom.tax_id}")
    await share_phone(customer)
    await protocol_in(latest(customer))
    card = the_card(attendants_pane(page), whom)
    await expect(card).to_be_visible()
    return card


async def protocol_in(message: Locator) -> str:
    await expect(message).to_contain_text(PROTOCOL)
    found = PROTOCOL.search(await message.inner_text())
    assert found
    return found.group()


async def start_reply(message: Locator) -> None:
    # As a tap or the Tab key does: a finger cannot hover.
    await message.focus()
    await message.get_by_test_id("reply").click()


async def reply_to(message: Locator, attendants: Locator, text: str) -> None:
    await start_reply(message)
    await expect(attendants.locator(".composer-context")).to_contain_text("Respondendo a Balcão")
    await say(attendants, text)


async def on_the_phone_of(page: Page, attendant_id: int) -> Locator:
    """Return the attendants' group on the phone of this attendant."""
    await page.get_by_test_id("tab-attendants").tap()
    attendants = attendants_pane(page)
    await attendants.get_by_test_id("actor").select_option(str(attendant_id))
    return attendants


async def open_topic(attendants: Locator, name: str) -> None:
    await attendants.get_by_test_id("topic-list-toggle").click()
    await attendants.get_by_test_id("topic-row").filter(has_text=name).click()
    await expect(attendants.locator('.topic[aria-selected="true"]')).to_contain_text(name)


async def attach(pane: Locator, *files: FilePayload) -> None:
    async with pane.page.expect_file_chooser() as chooser:
        await pane.get_by_test_id("attach").click()
    await (await chooser.value).set_files(files)
    for file in files:
        await expect(pane.locator(".attachments")).to_contain_text(file["name"])


async def picture(page: Page, name: str) -> FilePayload:
    clip = {"x": 0, "y": 0, "width": 60, "height": 40}
    return {"name": name, "mimeType": "image/png", "buffer": await page.screenshot(clip=clip)}


def text_file(name: str, content: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": content.encode()}


async def shows_a_picture(message: Locator, *, width: int) -> None:
    await expect(message.locator("img")).to_have_js_property("naturalWidth", width)


async def downloaded(message: Locator) -> tuple[str, str]:
    """Return the name and the text of the file that the person downloads."""
    async with message.page.expect_download() as download:
        await message.get_by_test_id("document").click()
    file = await download.value
    return file.suggested_filename, (await file.path()).read_text("utf-8")


async def fits(page: Page) -> None:
    """Check that the page and those parts of it that must fit do not scroll sideways."""
    wide = await page.evaluate(
        """[...document.querySelectorAll("html, body, .messages, .composer, .pane-head")]
        .filter((part) => part.clientWidth && part.scrollWidth > part.clientWidth)
        .map((part) => part.className || part.tagName)"""
    )
    assert wide == []
