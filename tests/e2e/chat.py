"""Steps in a chat on the demo's page."""

from playwright.async_api import Locator, expect


def screen(pane: Locator) -> Locator:
    """Return the newest message that has buttons."""
    buttons = pane.page.get_by_test_id("inline-button")
    return pane.get_by_test_id("message").filter(has=buttons).last


async def press(pane: Locator, text: str) -> None:
    """Press a button of the newest screen, and return when another screen has replaced it."""
    before = await screen(pane).inner_text()
    await screen(pane).get_by_test_id("inline-button").filter(has_text=text).first.click()
    # Without use_inner_text the text compared has no line breaks, so it always differs.
    await expect(screen(pane)).not_to_have_text(before, use_inner_text=True)


async def say(pane: Locator, text: str) -> None:
    """Write a message, and return when its answer is below it."""
    count = await pane.get_by_test_id("message").count()
    await pane.get_by_test_id("input").fill(text)
    await pane.get_by_test_id("input").press("Enter")
    await expect(pane.get_by_test_id("message")).to_have_count(count + 2)
