"""The total of a list follows its page, and is counted once for the same results."""

import asyncio
import dataclasses
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.errors import TryLaterError
from bot.domain.search import PAGE, Query
from handlers.admin.register.texts import COUNTING
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, Telegram
from tests.storage.records import registration


class SlowCount:
    """The search, whose counts wait until they are let through."""

    def __init__(self, search: Any) -> None:
        self._search = search
        self.counted: list[Query] = []
        self.may_count = asyncio.Event()
        self.trouble: Exception | None = None

    async def __call__(self, query: Query, **more: Any) -> Any:
        return await self._search(query, **more)

    async def count(self, query: Query) -> int:
        self.counted.append(query)
        await self.may_count.wait()
        if self.trouble:
            raise self.trouble
        count: int = await self._search.count(query)
        return count


@pytest.fixture
async def search(people: Telegram) -> SlowCount:
    assert people.balcao
    for number in range(PAGE + 2):
        one = registration(
            id=f"{number:032x}", name=f"Ana {number:02}", tax_id=make_cpf(10_000_000 + number)
        )
        assert await people.balcao.registrations.create(one)
    data = people.balcao.dispatcher.workflow_data
    search = SlowCount(data["services"].search)
    data["services"] = dataclasses.replace(data["services"], search=search)
    return search


async def shown_before_its_total(people: Telegram, *, text: str) -> None:
    people.emulator.send_text(ADMIN_ID, ADMIN_ID, text)
    await people.emulator.until(lambda: COUNTING in people.texts(ADMIN_ID)[-1])


async def test_the_page_is_shown_before_the_total_which_is_edited_into_it(
    people: Telegram, search: SlowCount
):
    admin = Admin(people, ADMIN_ID)
    await shown_before_its_total(people, text="/clientes")
    shown, buttons = len(people.messages(ADMIN_ID)), admin.buttons
    assert any("Ana 00" in button for button in buttons)
    search.may_count.set()
    await people.settled()
    assert f"{PAGE + 2} cadastros · página 1 de 2" in admin.screen
    assert len(people.messages(ADMIN_ID)) == shown
    with_total = f"🗂 Agir em todos ({PAGE + 2})"
    assert admin.buttons == [with_total if "Agir" in one else one for one in buttons]


async def test_pages_of_the_same_results_are_not_counted_again(
    people: Telegram, search: SlowCount
):
    admin = Admin(people, ADMIN_ID)
    search.may_count.set()
    await admin.says("/clientes")
    assert "página 2 de 2" in await admin.presses("Próxima")
    assert "página 1 de 2" in await admin.presses("Anterior")
    assert len(search.counted) == 1
    await admin.says("Ana 01")
    assert len(search.counted) == 2


async def test_a_total_that_cannot_be_counted_leaves_the_page(people: Telegram, search: SlowCount):
    admin = Admin(people, ADMIN_ID)
    search.trouble = TryLaterError("away")
    await shown_before_its_total(people, text="/clientes")
    search.may_count.set()
    await people.settled()
    assert COUNTING in admin.screen
    search.trouble = None
    assert "página 2 de 2" in await admin.presses("Próxima")
