"""The browser for the demo's page."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from bot.demo.run import Demo, open_demo
from tests.browsers import new_context
from tests.e2e.demo_page import OpenPage

OpenDemo = Callable[..., AbstractAsyncContextManager[Demo]]


@pytest.fixture
def on_this_server(mongodb_uri: str, database: Any) -> OpenDemo:
    """Give `open_demo` on a database that runs: its own server takes seconds to start and stop.

    It syncs by the clock after a day only, so that no message comes between.
    """
    return partial(
        open_demo,
        mongodb_uri=mongodb_uri,
        mongodb_database=database.name,
        sync_every_s=24 * 60 * 60,
    )


@pytest.fixture
async def demo(on_this_server: OpenDemo) -> AsyncIterator[Demo]:
    """Start a demo with one department."""
    async with on_this_server(departments=1) as demo:
        yield demo


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
