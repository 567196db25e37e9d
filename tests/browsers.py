"""Chromium for the tests of pages, which waits as long as only a hang takes."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.patience import HANG_MS

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser; skip the test where there is none, but fail in CI."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on PATH, and CI must run the browser tests")
        pytest.skip("no Chromium on PATH")
    expect.set_options(timeout=HANG_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=ARGS, timeout=HANG_MS
        )
        yield browser
        await browser.close()


async def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Return a new context; options as Playwright's own `new_context` takes them."""
    context = await browser.new_context(**options)
    context.set_default_timeout(HANG_MS)
    return context
