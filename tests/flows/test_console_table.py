"""The table of the console: what it shows of which registrations, and what it does to many."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.registration import Kind, Phones, Registration, Status
from bot.domain.search import fold
from bot.domain.team import Admin
from storage.people.team import Admins
from storage.register.documents import registration_document
from tests.flows.admin import Admin as AdminChat
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start, Telegram
from tests.flows.console import ORIGIN, Page, opened, signed
from tests.storage.records import after, provenance, registration

HOSTILE = ("<b>Ana</b> & \"<script>alert(1)</script>'", "Ana \u202egpj.exe", "A" + "x" * 199)
FIRST = ("Ana", "Bruno", "Érica", "João", "Íris")
LAST = ("Souza", "Conceição", "Müller")
GONE = "já passou de um dia"
COLUMNS = [("column", one) for one in ("document", "kinds", "tags")]


@dataclass
class Shown(HTMLParser):
    """What a person reads in the HTML, and the form's hidden fields."""

    html: str
    names: list[str] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    text: str = ""
    _in_name: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if tag == "button" and values.get("class") == "open":
            self._in_name = True
            self.names.append("")
        if values.get("type") == "hidden":
            self.hidden.append((values["name"], values["value"]))
        if "data-tick" in values:
            self.ids.append(values["value"])

    def handle_endtag(self, tag: str) -> None:
        self._in_name = self._in_name and tag != "button"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_name:
            self.names[-1] += data.strip()


@pytest.fixture
async def register(database: Any) -> list[Registration]:
    """130 registrations, some with names that try to be markup."""
    random = Random(7)  # noqa: S311
    await database["tags"].insert_one(
        {"_id": "vip", "name": "VIP", "emoji": "", "archived": False, "version": 1}
        | {"name_key": "vip"}
    )
    names = [f"{random.choice(FIRST)} {random.choice(LAST)}" for _ in range(130)]
    made = [
        registration(
            id=f"r{number:03}",
            tax_id=make_cpf(100_000_000 + number * 7919),
            name=(*HOSTILE, *names)[number],
            kinds=frozenset(random.sample(list(Kind), random.randint(1, 2))),
            status=random.choice(list(Status)),
            tags=frozenset(["vip"] if random.random() < 0.3 else []),
            phones=Phones(mobile=f"+5549{999_000_000 + number * 31}"),
            updated=provenance(at=after(minutes=random.randint(1, 9_000))),
        )
        for number in range(130)
    ]
    await database["registrations"].insert_many([registration_document(one) for one in made])
    return made


async def all_pages(page: Page, form: list[tuple[str, str]]) -> list[str]:
    """Return the ids of all pages, turned as a person turns them."""
    shown = Shown(await page.post("/list", [*form, *COLUMNS]))
    ids = list(shown.ids)
    while any(name == "next" for name, _ in shown.hidden):
        turn = [*form, *COLUMNS, *shown.hidden, ("do", "next")]
        shown = Shown(await page.post("/list", turn))
        ids += shown.ids
    return ids


async def test_sorts_filters_and_pages_are_those_of_a_list_in_memory(
    start: Start, clock: Clock, register: list[Registration]
):
    def document(one: Registration) -> str:
        assert one.tax_id
        return one.tax_id.key

    keys = {
        "name": lambda one: fold(one.name),
        "document": document,
        "updated": lambda one: one.updated.at,
    }
    wanted = {
        (("kind", "supplier"),): lambda one: Kind.SUPPLIER in one.kinds,
        (("kind", "supplier"), ("kind", "prospect"), ("status", "inactive")): lambda one: (
            bool({Kind.SUPPLIER, Kind.PROSPECT} & one.kinds) and one.status is Status.INACTIVE
        ),
        (("untagged", "1"),): lambda one: not one.tags,
        (("tag", "vip"), ("text", "eric")): lambda one: (
            bool(one.tags) and fold(one.name).startswith("eric")
        ),
        (): lambda _: True,
    }
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        for form, fits in wanted.items():
            of_them = {one.id: one for one in register if fits(one)}
            # Every order of the whole register, and each filter in one of them.
            ways = [(by, turned) for by in keys for turned in (False, True)]
            for by, turned in ways if not form else ways[:1]:
                sort = [("sort", by), *([("descending", "1")] if turned else [])]
                ids = await all_pages(page, [*form, *sort])
                assert sorted(ids) == sorted(of_them), (form, by)
                got = [keys[by](of_them[one]) for one in ids]
                assert got == sorted(got, reverse=turned), (form, by)
        # What a phone loads for the first table; Telegram's own script is not ours.
        first_page = await page.ask("GET", "/")
        paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', await first_page.text())
        files = [await page.ask("GET", path) for path in paths]
        assert len(paths) >= 6
        table = await page.ask("POST", "/table")
        assert sum([len(await one.read()) for one in (first_page, table, *files)]) < 150_000
        # Half a telephone, and back to the page before.
        phone = register[70].phones.mobile
        assert phone
        shown = Shown(await page.post("/list", [("text", phone[-8:]), *COLUMNS]))
        assert shown.ids == ["r070"]
        first = Shown(await page.post("/list", COLUMNS))
        # The total follows, in the list and on the button.
        assert "Contando…, de 1 a 50" in " ".join(first.text.split())
        total = Shown(await page.post("/total", [*COLUMNS, *first.hidden]))
        assert total.text.split() == ["130", "cadastros", "os", "130"]
        second = Shown(await page.post("/list", [*COLUMNS, *first.hidden, ("do", "next")]))
        assert "de 51 a 100" in " ".join(second.text.split())
        back = Shown(await page.post("/list", [*COLUMNS, *second.hidden, ("do", "previous")]))
        assert back.ids == first.ids
        # What the page cannot send.
        for bad in (("kind", "king"), ("column", "x"), ("sort", "$where"), ("do", "sort:x")):
            assert (await page.ask("POST", "/list", data=[bad])).status == 400
        assert (await page.ask("POST", "/total", data={"kind": "king"})).status == 400


async def test_names_are_text_and_choices_are_kept(
    start: Start, clock: Clock, register: list[Registration]
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        for name in HOSTILE:
            [one] = [one for one in register if one.name == name]
            shown = Shown(await page.post("/list", [("text", one.tax_id.number), *COLUMNS]))
            assert shown.names == [one.name]
            assert not {"b", "script"} & set(shown.tags)
            record = await page.ask("GET", f"/record/{one.id}")
            assert record.status == 200
            shown = Shown(await record.text())
            assert one.name in shown.text
            assert not {"b", "script"} & set(shown.tags)
        assert (await page.ask("GET", "/record/none")).status == 404
        chosen = [("column", "tags"), ("kind", "supplier"), ("sort", "updated"), ("text", "ana")]
        await page.post("/list", chosen)
        again = await page.post("/table")
        shown = Shown(again)
        assert len(shown.ids) == min(50, sum(Kind.SUPPLIER in one.kinds for one in register))
        assert ("sort", "updated") in shown.hidden
        assert 'aria-label="Tirar o filtro Fornecedor"' in again
        assert re.findall(r'data-column="(\w+)"', again)[:2] == ["tags", "tags"]
        # A search is of no later day.
        assert 'value="ana"' not in again


async def test_an_empty_register_says_what_to_do(start: Start, clock: Clock):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        shown = Shown(await page.post("/table"))
        assert (
            "Gerencie o cadastro de seus clientes. Parece que nenhum cliente foi adicionado até "
            "agora. Para garantir que as informações sejam documentadas corretamente, clique no "
            "botão abaixo." in shown.text
        )
        assert "Adicionar novo cliente" in shown.text


async def test_the_table_opens_at_the_search_of_the_chat(
    start: Start, clock: Clock, register: list[Registration], database: Any
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        admin = AdminChat(people, ADMIN_ID)
        await admin.says("/clientes")
        assert web_app(admin, "📊 Tabela") == f"{ORIGIN}/"
        await admin.says("érica souza")
        address = web_app(admin, "📊 Ver na tabela")
        assert "rica" not in address
        [_, key] = address.split("?search=")
        for _ in range(2):
            shown = Shown(await page.post("/table", [("key", key)]))
            assert shown.ids
            assert {fold(name) for name in shown.names} == {"erica souza"}
        # Nobody else's, and not for ever.
        assert GONE in await page.post("/table", [("key", "guess")])
        bia = Admin(id=BIA, name="Bia", since=clock.now, invited_by=ADMIN_ID, invitation_id="i")
        await Admins(database).put(bia)
        await page.enter(signed(people, clock.now, user_id=BIA))
        assert GONE in await page.post("/table", [("key", key)])
        clock.advance(timedelta(days=1))
        await page.enter(signed(people, clock.now))
        assert GONE in await page.post("/table", [("key", key)])


def web_app(admin: AdminChat, text: str) -> str:
    rows = admin.message["reply_markup"]["inline_keyboard"]
    [url] = [one["web_app"]["url"] for row in rows for one in row if one["text"] == text]
    return str(url)


async def test_ticked_rows_are_tagged_and_untagged_again(
    start: Start, clock: Clock, register: list[Registration], database: Any
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        shown = Shown(await page.post("/list", [("untagged", "1"), *COLUMNS]))
        ticked = [("tick", one) for one in shown.ids[:3]]
        form = [("untagged", "1"), *COLUMNS, *shown.hidden, *ticked]
        panel = Shown(await page.post("/many", [*form, ("scope", "ticked")]))
        assert "Agir nos 3 marcados" in panel.text
        # Ticks are for the list that was on the screen, not for another one.
        other = [(name, value) for name, value in form if name != "untagged"]
        assert "Nenhum cadastro está marcado" in await page.post("/many", other)
        act = [*form, ("scope", "ticked"), ("action", "add_tag"), ("value", "vip")]
        for path in ("/many/preview", "/many/export"):
            nobody = [*other, ("action", "delete"), ("format", "csv")]
            assert (await page.ask("POST", path, data=nobody)).status == 422
        job = re.search(r"tarefa (\d+)", await page.post("/many/preview", act))
        assert job
        checked = await job_page(people, page, job[1])
        assert "nada foi gravado ainda" in checked
        assert "Gravar 3" in checked
        assert (await page.ask("POST", f"/job/{job[1]}/confirm")).status == 200
        done = await job_page(people, page, job[1])
        assert "concluída" in done
        assert "Desfazer" in done
        ids = {"_id": {"$in": shown.ids[:3]}}
        assert {tuple(one["tags"]) async for one in database["registrations"].find(ids)} == {
            ("vip",)
        }
        again = await page.ask("POST", f"/job/{job[1]}/confirm")
        assert again.status == 409
        undo = re.search(r"tarefa (\d+)", await page.post(f"/job/{job[1]}/undo"))
        assert undo
        assert "concluída" in await job_page(people, page, undo[1])
        assert {tuple(one["tags"]) async for one in database["registrations"].find(ids)} == {()}
        assert (
            await page.ask("POST", "/many/preview", data=[*form, ("action", "x")])
        ).status == 400
        gone = [*form, ("scope", "all"), ("action", "add_tag"), ("value", "none")]
        assert (await page.ask("POST", "/many/preview", data=gone)).status == 422


async def job_page(people: Telegram, page: Page, job: str) -> str:
    """Return the job's page once it waits for somebody, or is over."""
    assert people.balcao
    while True:
        now = await people.balcao.jobs.store.get(int(job))
        if now and not now.is_active:
            return await (await page.ask("GET", f"/job/{job}")).text()
