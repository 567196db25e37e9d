"""The places beside the table: export, sync, jobs and the audit of all."""

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
        again = await posted(page, "/export", [])
        assert [value for name, value in again.values if name == "path"] == ["name", "email"]
        # A sync, and only one at a time.
        assert "Sincronização completa" in await get(page, "/sync")
        assert (await page.ask("POST", "/sync", data={"mode": "x"})).status == 400
        await page.post("/sync", [("mode", "full")])
        [sync] = await people.balcao.jobs.manage.latest(1)
        assert sync.kind is JobKind.SYNC
        await over(people, page, f"/{sync.id}")
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
