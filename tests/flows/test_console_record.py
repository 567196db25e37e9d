"""A registration in the console: three steps, its form, two admins on one, and the ways back."""

from bot.console import record_texts as texts
from bot.demo.documents import make_cnpj, make_cpf
from storage.register.registrations import Registrations
from tests.flows.conftest import Clock, Start
from tests.flows.console import ORIGIN, Page, opened
from tests.flows.console_forms import Form

HOSTILE = "<img src=x onerror=alert(1)> \"&' \u202egpj"


async def get(page: Page, path: str) -> str:
    response = await page.ask("GET", path)
    assert response.status == 200, await response.text()
    return await response.text()


async def posted(page: Page, path: str, values: list[tuple[str, str]]) -> Form:
    return Form(await page.post(path, values))


async def added(page: Page, document: str, name: str = "Ana Souza") -> str:
    """Add a registration in three steps; return its id."""
    steps = Form(await get(page, "/new"))
    drawn = steps.get("id")
    steps = await posted(
        page,
        "/new",
        steps.filled(("to", "next"), name=name, document=document, kinds="customer"),
    )
    steps = await posted(page, "/new", steps.filled(("to", "next")))
    steps = await posted(page, "/new", steps.filled(("to", "send")))
    assert texts.CREATED in steps.text
    return drawn


async def test_a_registration_in_three_steps_with_the_rules_of_the_chat(
    start: Start, clock: Clock, database
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        one = Form(await get(page, "/new"))
        assert "Pessoa jurídica" in one.text
        drawn = one.get("id")
        # Each field says what is wrong with it, and nothing that was typed is lost.
        bad = await posted(
            page,
            "/new",
            one.filled(("to", "next"), name="", document="111", email="x", phone="12"),
        )
        for said in ("Falta o nome.", "3 caracteres", "Não é um e-mail", "Não é um telefone"):
            assert said in bad.text
        assert bad.get("email") == "x"
        company = make_cnpj("123456780001").masked
        two = await posted(
            page,
            "/new",
            bad.filled(
                ("to", "next"),
                name=HOSTILE,
                document=company,
                kinds=["customer", "supplier"],
                email="ANA@example.com",
                phone="(49) 99999-8888",
            ),
        )
        # The document decides between person and company.
        assert "mudei “Pessoa jurídica” para Sim" in two.text
        asked = await posted(page, "/new", two.filled(("to", "next"), alert="1", priority="1"))
        assert "Escreva as características" in asked.text
        assert "Marque os departamentos" in asked.text
        back = await posted(page, "/new", asked.filled(("to", "back")))
        assert (back.get("email"), back.get("company")) == ("ANA@example.com", "1")
        two = await posted(page, "/new", back.filled(("to", "next")))
        three = await posted(
            page, "/new", two.filled(("to", "next"), alert="1", traits="surda, VIP", priority="")
        )
        sent = three.filled(("to", "send"), note="Ligar\nantes")
        record = await posted(page, "/new", sent)
        assert texts.CREATED in record.text
        assert "img" not in record.tags
        stored = await Registrations(database).by_id(drawn)
        assert stored.name == "<img src=x onerror=alert(1)> \"&' gpj"
        assert (stored.email, stored.phones.mobile) == ("ana@example.com", "+5549999998888")
        assert (stored.traits, stored.alert_traits) == (("surda", "VIP"), True)
        assert stored.fixed_note == "Ligar\nantes"
        assert stored.created.by == "admin:4001"
        # Sent twice, as after an answer that got lost, it is there once; again, it is known.
        assert texts.CREATED in (await posted(page, "/new", sent)).text
        again = Form(await get(page, "/new"))
        known = await page.post(
            "/new", again.filled(("to", "next"), name="B", document=company, kinds="customer")
        )
        assert "já está cadastrado" in known
        assert f"/record/{drawn}" in known
        assert await database["registrations"].count_documents({}) == 1


async def test_two_admins_on_one_record_see_each_others_changes_and_can_take_them_back(
    start: Start, clock: Clock, database
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        document = make_cpf(123456789).masked
        record_id = await added(page, document)
        url = f"/record/{record_id}"
        mine, other = [Form(await get(page, f"{url}/form")) for _ in range(2)]
        # Nothing is saved while one field is wrong; what was typed stays.
        bad = await posted(
            page, url, mine.filled(name="Ana Lima", email="sem arroba", password="curta")
        )
        assert "Não é um e-mail" in bad.text
        assert "pelo menos 8" in bad.text
        assert (bad.get("name"), bad.get("password")) == ("Ana Lima", "")
        registers = Registrations(database)
        assert (await registers.by_id(record_id)).version == 1
        saved = await posted(
            page, url, other.filled(phones__mobile="49999998888", tags=[], fixed_note=HOSTILE)
        )
        assert texts.SAVED in saved.text
        # The other's change is shown; only what I have changed is written over it.
        conflict = await posted(page, url, mine.filled(name="Ana Lima", password="uma senha boa"))
        assert "mudou enquanto você editava" in conflict.text
        assert "(49) 99999-8888" in conflict.text
        assert (await registers.by_id(record_id)).name == "Ana Souza"
        assert texts.SAVED in (await posted(page, url, conflict.filled())).text
        stored = await registers.by_id(record_id)
        assert (stored.name, stored.phones.mobile) == ("Ana Lima", "+5549999998888")
        assert stored.version == 3
        # An entry of the audit is taken back; twice changes nothing, and an old screen neither.
        assert "Ana Souza" in await get(page, url)
        undo = [("entry", "3"), ("version", "3")]
        assert texts.TAKEN_BACK in await page.post(f"{url}/take-back", undo)
        assert texts.UNCHANGED in await page.post(f"{url}/take-back", undo)
        old = [("entry", "2"), ("version", "3")]
        assert texts.CHANGED_MEANWHILE in await page.post(f"{url}/take-back", old)
        assert (await registers.by_id(record_id)).name == "Ana Souza"
        # Deleted, its document given away, and brought back once that is free.
        assert texts.CHANGED_MEANWHILE in await page.post(f"{url}/remove", [("version", "3")])
        assert "Foi engano?" in await page.post(f"{url}/remove", [("version", "4")])
        taken = await added(page, document, "Bia")
        entry = [("entry", "5")]
        assert "já está cadastrado: Bia" in await page.post(f"{url}/restore", entry)
        await page.post(f"/record/{taken}/remove", [("version", "1")])
        assert texts.RESTORED in await page.post(f"{url}/restore", entry)
        assert texts.RESTORED_ALREADY in await page.post(f"{url}/restore", entry)
        assert texts.GONE in await page.post(f"/record/{taken}", other.filled(name="C"))
        assert (await registers.by_id(record_id)).fixed_note == HOSTILE.replace("\u202e", "")
        for path in (f"/record/{'0' * 32}", f"{url}x"):
            assert (await page.ask("GET", path)).status == 404
        assert (await page.ask("POST", f"{url}/restore", data={"entry": "x"})).status == 400
