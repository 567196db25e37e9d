"""Axe in a page that a test has open. `axe/` holds it, with its licence."""

from pathlib import Path
from typing import Final

from playwright.async_api import Frame, Page

from bot.demo.bot_api.web_apps import THEMES

_AXE: Final = (Path(__file__).parent / "axe" / "axe-4.14.1.min.js").read_text("utf-8")
# All rules in the theme that the page has, and in the other one what depends on it.
_RUN: Final = """async ([place, themes]) => {
  const root = document.documentElement;
  const before = root.dataset.theme;
  const found = [];
  const run = async (theme, more) => {
    root.dataset.theme = theme;
    for (const [name, color] of Object.entries(themes[theme])) {
      root.style.setProperty(`--tg-theme-${name.replaceAll("_", "-")}`, color);
    }
    const { violations } = await axe.run(place, { resultTypes: ["violations"], ...more });
    for (const { id, nodes } of violations) {
      for (const one of nodes) found.push(`${theme}, ${id}: ${one.target}: ${one.failureSummary}`);
    }
  };
  await run(before === "dark" ? "light" : "dark", { runOnly: ["color-contrast"] });
  await run(before, {});
  return found;
}"""


async def assert_accessible(page: Page | Frame, place: str = "html") -> None:
    """Check that axe finds nothing in this part of the page, in Telegram's light and dark."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE)
    found = await page.evaluate(_RUN, [place, THEMES])
    assert not found, "\n".join(found)
