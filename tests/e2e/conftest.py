"""The browser for the demo's page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from bot.demo.run import Demo
from tests.browsers import new_context
from tests.e2e.demo_page import OpenPage


@pytest.fixture
async def open_page(browser: Browser, demo: Demo) -> AsyncIterator[OpenPage]:
    """Give a function that opens the page.

    The test fails on any script error or refused resource.
    """
    troubles: list[str] = []
    contexts = []

    async def opened(*, url: str = demo.url, **options: Any) -> Page:
        settings = {"viewport": {"width": 1440, "height": 900}, "locale": "pt-BR"}
        context = await new_context(browser, **{**settings, **options})
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda said: troubles.append(said.text) if said.type == "error" else None
        )
        await page.goto(url)
        await page.wait_for_selector("body[data-ready]")
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert troubles == []


@pytest.fixture
async def page(open_page: OpenPage) -> Page:
    return await open_page()
