"""The places beside the table: export, sync, jobs and the audit of all."""

import asyncio
import re

from bot.console.exports import NO_FIELD
from bot.demo.documents import make_cpf
from bot.domain.job import JobKind
from tests.flows.conftest import Clock, Start
from tests.flows.console import ORIGIN, opened
from tests.flows.console_forms import Form
from tests.flows.test_console_import import over
from tests.flows.test_console_record import added, get, posted


async def test_export_sync_jobs_and_audit_of_all(start: Start, clock: Clock, database):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        ids = [
            await added(page, make_cpf(100_000_000 + n * 7919).masked, f"N{n} <i>x</i>")
            for n in range(3)
        ]
        # Without a tick nothing is exported; the choice is remembered.
        export = await posted(page, "/export", [("text", "N1")])
        assert "Os 1 da lista" in export.text
        chosen = export.filled(path=["name", "email"], scope="found", format="csv")
        answer = await page.ask("POST", "/export/begin", data=export.filled(path=[]))
        assert (answer.status, await answer.text()) == (422, NO_FIELD)
        bad = [*export.filled(path=["name"], format="pdf")]
        assert (await page.ask("POST", "/export/begin", data=bad)).status == 400
        await page.post("/export/begin", [*chosen, ("text", "N1")])
        [job] = await people.balcao.jobs.manage.latest(1)
        assert (job.kind, job.export_options.paths) == (JobKind.EXPORT, ("name", "email"))
        assert "1 cadastro" in await over(people, page, f"/{job.id}")
        # The choice, but not whom it was about.
        assert "N1" not in str(await database["choices"].find_one({}))
        again = await posted(page, "/export", [])
        assert [value for name, value in again.values if name == "path"] == ["name", "email"]
        # A sync, and only one at a time.
        assert "Sincronização completa" in await get(page, "/sync")
        assert (await page.ask("POST", "/sync", data={"mode": "x"})).status == 400
        await page.post("/sync", [("mode", "full")])
        [sync] = await people.balcao.jobs.manage.latest(1)
        assert sync.kind is JobKind.SYNC
        await over(people, page, f"/{sync.id}")
        # One search for double entries, however often the button is pressed.
        await asyncio.gather(*[page.post("/pairs/search") for _ in range(3)])
        searches = [one for one in await people.balcao.jobs.manage.latest(3) if one != sync]
        searches = [one for one in searches if one.kind is JobKind.PAIRS]
        assert sum(not one.is_cancelled for one in searches) == 1
        for one in searches:
            await over(people, page, f"/{one.id}")
        # Jobs, newest first, each page with those before.
        assert "Sincronização completa" in await get(page, "/jobs")
        assert "Sincronização" not in await page.post("/jobs", [("before", str(sync.id))])
        older = await page.post("/jobs", [("before", str(sync.id + 1))])
        assert "Sincronização completa" in older
        assert "Exportação" in older
        assert (await page.ask("POST", "/jobs", data={"before": "x"})).status == 400
        # The audit of all: a deletion is brought back from there.
        await page.post(f"/record/{ids[0]}/remove", [("version", "1")])
        audit = Form(await get(page, "/audit"))
        assert "i" not in audit.tags
        assert "Exclusão por Dora" in audit.text
        filtered = await page.post("/audit", audit.filled(("do", "filter"), event="deleted"))
        assert "N0 &lt;i&gt;" in filtered
        assert f"/record/{ids[0]}/restore" in filtered
        nothing = audit.filled(("do", "filter"), first="2020-01-02", last="2020-01-01")
        assert "Nenhuma alteração com estes filtros" in await page.post("/audit", nothing)
        for wrong in ({"first": "1"}, {"event": "x"}):
            assert (await page.ask("POST", "/audit", data=wrong)).status == 400
    async with start(public_url=ORIGIN, with_erp=False) as people, opened(people, clock) as page:
        assert "Sincronizar" not in await page.post("/table")
        for method in ("GET", "POST"):
            assert (await page.ask(method, "/sync")).status == 404


async def test_two_entries_of_one_person_are_united_and_separated_again(
    start: Start, clock: Clock, database
):
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        ids = [
            await added(page, make_cpf(200_000_000 + n * 7919).masked, "Ana <i>Lima</i>")
            for n in range(2)
        ]
        for record_id, email in zip(ids, ("a@example.com", "b@example.com"), strict=True):
            form = Form(await get(page, f"/record/{record_id}/form"))
            same = form.filled(phones__mobile="49 99999-8888", email=email)
            await page.post(f"/record/{record_id}", same)
        assert "A lista está vazia" in await get(page, "/pairs")
        await page.post("/pairs/search")
        [job] = await people.balcao.jobs.manage.latest(1)
        await over(people, page, f"/{job.id}")
        listed = await get(page, "/pairs")
        url = re.search(r"/pairs/[0-9a-f]{32}", listed)[0]
        # Marked as two people it leaves the list, and the way back is there.
        marked = await page.post(f"{url}/different")
        assert f"{url}/list" in marked
        assert url not in await get(page, "/pairs")
        assert url in await page.post(f"{url}/list")
        pair = await get(page, url)
        assert "<i>Lima" not in pair
        assert "São dois documentos diferentes" in pair
        plan = Form(await page.post(f"{url}/plan"))
        swapped = await posted(page, f"{url}/plan", plan.filled(("do", "swap")))
        assert swapped.get("stays") == plan.get("goes")
        # Which document stays has to be said; a choice is kept when something else is chosen.
        unsaid = await page.post(f"{url}/unite", plan.filled())
        assert "Escolha antes qual deles fica" in unsaid
        [stays, goes] = [plan.get("stays"), plan.get("goes")]
        other = await people.balcao.registrations.by_id(goes)
        chosen = plan.filled(**{"document": other.tax_id.key, "take:email": "goes"})
        union = await posted(page, f"{url}/plan", chosen)
        assert union.get("take:email") == "goes"
        changed = [*union.filled(versions="9:9")]
        assert "mudou há pouco" in await page.post(f"{url}/unite", changed)
        united = await page.post(f"{url}/unite", union.filled())
        assert "Unidos." in united
        now = await people.balcao.registrations.by_id(goes)
        assert (now.id, now.tax_id, now.email) == (stays, other.tax_id, other.email)
        # The page of the one that went leads on, and only changes of this one are taken back.
        there = await get(page, f"/record/{goes}")
        assert "foi unido a outro" in there
        assert f"/record/{goes}/take-back" not in there
        assert "União desfeita" in await page.post(f"/record/{goes}/separate")
        assert "já foi desfeita" in await page.post(f"/record/{goes}/separate")
        assert await people.balcao.registrations.by_id(goes) != now
        for path in ("plan", "different", "list"):
            assert (await page.ask("POST", f"/pairs/x/{path}")).status == 200
