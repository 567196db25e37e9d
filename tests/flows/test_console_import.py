"""An import in the console: the upload in pieces, the refusals, cells mended in the preview."""

import asyncio
import io
from collections.abc import Sequence
from typing import Any

from yarl import URL

from bot.console import import_texts as texts
from bot.console.imports import UPLOAD_HEADER
from bot.console.security import SESSION_HEADER
from bot.demo.documents import make_cpf
from bot.domain.job import OVER
from bot.domain.upload import LARGEST_BYTES, PIECE_BYTES
from bot.usecases.jobs.receive_file import NotReceived
from bot.wording.files import NO_FIELDS
from storage.register.registrations import Registrations
from tests.flows.conftest import Clock, Start, Telegram
from tests.flows.console import ORIGIN, Page, opened
from tests.flows.console_forms import Form
from tests.jobs.conftest import table
from tests.patience import HANG_S

CPFS = [make_cpf(100_000_000 + number * 7919) for number in range(6)]
HOSTILE = "<svg onload=alert(1)>"


async def begun(page: Page, content: bytes, name: str = "c.csv", mark: str = "1") -> Any:
    form = {"name": name, "size": str(len(content)), "mark": mark}
    return await page.ask("POST", "/import/begin", data=form)


async def put(page: Page, key: str, number: int, piece: bytes) -> Any:
    headers = {UPLOAD_HEADER: key}
    return await page.ask(
        "PUT", f"/import/piece/{number}", data=io.BytesIO(piece), headers=headers
    )


async def cut(page: Page, key: str, number: int, piece: bytes) -> None:
    """Send half of a piece, and lose the network."""
    address = URL(page.url)
    _, out = await asyncio.open_connection(address.host, address.port)
    head = (
        f"PUT /import/piece/{number} HTTP/1.1\r\nHost: {address.host}\r\n"
        f"{SESSION_HEADER}: {page.token}\r\n{UPLOAD_HEADER}: {key}\r\n"
        f"Content-Length: {len(piece)}\r\n\r\n"
    )
    out.write(head.encode() + piece[: len(piece) // 2])
    await out.drain()
    out.close()
    await out.wait_closed()


async def sent(page: Page, content: bytes, name: str = "c.csv") -> Any:
    """Send a file as the page does; return the answer to the last request."""
    key = (await (await begun(page, content, name)).json())["key"]
    for number, start in enumerate(range(0, len(content), PIECE_BYTES)):
        piece = content[start : start + PIECE_BYTES]
        assert (await put(page, key, number, piece)).status == 204
    return await page.ask("POST", "/import/end", data={"key": key})


async def prepared(page: Page, rows: Sequence[Sequence[str]]) -> tuple[str, Form]:
    """Send a table; return the address of its import, and the form that prepares it."""
    answer = await sent(page, table(rows))
    html = await answer.text()
    assert answer.status == 200, html
    return html.partition('hx-post="')[2].partition("/check")[0].rpartition('"')[2], Form(html)


async def over(people: Telegram, page: Page, url: str) -> str:
    """Wait until the worker is done with a job and its files; return its page."""
    job_id = int(url.rpartition("/")[2])
    async with asyncio.timeout(HANG_S):
        while (job := await people.balcao.jobs.manage.get(job_id)).needs_work or (  # noqa: ASYNC110 - the worker sets no event
            job.state in OVER and job.shape is not None
        ):
            await asyncio.sleep(0)
    return await (await page.ask("GET", f"/job/{job_id}")).text()


async def test_three_refused_cells_are_mended_in_place_and_imported_and_undone(
    start: Start, clock: Clock, database
):
    rows = [
        ("Nome", "Documento", "Fone", "tipoRegistro", "Etiqueta", "Zona"),
        (HOSTILE, CPFS[0].masked, "", "cliente", "", "Sul"),
        ("Bia", "111.222.333-44", "", "cliente", "", ""),
        ("Caio", CPFS[2].masked, "12", "cliente", "", ""),
        ("Davi", CPFS[3].masked, "", "gerente", "", ""),
        ("Eva", CPFS[4].masked, "", "cliente", "VIP", ""),
    ]
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        url, form = await prepared(page, rows)
        # What is not decided is said, and nothing is updated unless that is chosen.
        assert form.menus["column5"][0] == "?"
        assert ("update", "") in form.values
        answer = await page.ask("POST", f"{url}/check", data=form.filled())
        assert (answer.status, "coluna 6" in await answer.text()) == (422, True)
        columns = ["name", "tax_id", "phones.mobile", "kinds", "tags", ""]
        for wrong, said in (
            ([*columns[:5], "name"], "As colunas 1 e 6 são Nome"),
            (["name", "", "phones.mobile", "kinds", "tags", ""], "CPF ou CNPJ"),
        ):
            answer = await page.ask("POST", f"{url}/check", data=form.filled(column=wrong))
            assert (answer.status, said in await answer.text()) == (422, True)
        answer = await page.ask(
            "POST", f"{url}/check", data=form.filled(column=columns, update="1", field=[])
        )
        assert await answer.text() == NO_FIELDS
        # The fields that may be updated follow the menus; a new one is ticked.
        fields = await page.post(f"{url}/fields", form.filled(column=[*columns[:5], "email"]))
        assert ("field", "email") in Form(f"<form>{fields}</form>").values
        await page.post(f"{url}/check", form.filled(column=columns, update="1", field=["name"]))
        preview = Form(await over(people, page, url))
        assert "svg" not in preview.tags
        mendable = [name for name, _ in preview.values if name.startswith("cell:")]
        assert mendable == ["cell:3:1", "cell:4:2", "cell:5:3", "cell:6:4"]
        assert "VIP" in preview.text
        # Mended in the file as it is read; the rest is as before, also the document that is wrong.
        assert (await page.ask("POST", f"{url}/mend", data=preview.filled())).status == 422
        mended = preview.filled(**{"cell:3:1": CPFS[1].masked, "cell:5:3": "fornecedor"})
        await page.post(f"{url}/mend", mended)
        again = Form(await over(people, page, url))
        assert [name for name, _ in again.values if "cell" in name] == ["cell:4:2", "cell:6:4"]
        # The preview of before cannot be confirmed, nor mended.
        old = [("seen", preview.get("seen"))]
        for verb in ("confirm", "mend"):
            answer = await page.ask("POST", f"{url}/{verb}", data=old)
            assert (answer.status, await answer.text()) == (409, texts.OLD_PREVIEW)
        await page.post(f"{url}/mend", again.filled(**{"cell:4:2": "49 99999-8888"}))
        await over(people, page, url)
        await page.post(f"{url}/tags")
        last = Form(await over(people, page, url))
        assert not [name for name, _ in last.values if "cell" in name]
        await page.post(f"{url}/confirm", last.filled())
        report = await over(people, page, url)
        assert "5 novos" in report
        found = await Registrations(database).by_tax_ids(CPFS)
        assert sorted(one.name for one in found.values()) == sorted(row[0] for row in rows[1:])
        assert found[CPFS[2].key].phones.mobile == "+5549999998888"
        assert {kind.value for kind in found[CPFS[3].key].kinds} == {"supplier"}
        assert len(found[CPFS[4].key].tags) == 1
        # With the end the job forgets the cells, as it does the file.
        job = await database["jobs"].find_one({"_id": int(url.rpartition("/")[2])})
        assert (job["import_options"]["mended"], job["shown_rows"]) == ([], [])
        # With the next file what was chosen for this one is offered, and nothing else is lost.
        url_, form = await prepared(page, [rows[0], ("Gil", CPFS[1].masked, "", "", "", "")])
        assert "Como da última vez: atualizar" in form.text
        chosen = form.filled(column=columns, field=[])
        as_last = Form(await page.post(f"{url_}/last", chosen))
        assert {("update", "1"), ("field", "name")} <= set(as_last.values)
        assert [value for name, value in as_last.values if name == "column"][:5] == columns[:5]
        assert "Como da última vez" not in as_last.text
        undo = await page.post(f"{url.replace('import', 'job')}/undo")
        await over(people, page, undo.partition('hx-get="')[2].partition('"')[0])
        assert not await Registrations(database).by_tax_ids(CPFS)


async def test_an_upload_that_breaks_off_goes_on_and_is_one_import(
    start: Start, clock: Clock, database
):
    rows = [("Nome", "cpfCnpj", "tipoRegistro", "observacao")]
    rows += [(f"N{n}", CPFS[n % 6].masked, "cliente", "x" * 999) for n in range(1200)]
    content = table(rows)
    pieces = [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]
    assert len(pieces) == 2
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        first = await (await begun(page, content)).json()
        key = first["key"]
        # Cut in the middle, with another length, of another number, twice: nothing wrong stays.
        for number, piece in ((0, pieces[0][:-1]), (1, pieces[0]), (2, b"x"), (0, b"")):
            assert (await put(page, key, number, piece)).status == 409
        assert (await put(page, key, 0, pieces[0] + b"x")).status == 413
        await cut(page, key, 0, pieces[0])
        assert (await (await begun(page, content)).json())["stored"] == 0
        for _ in range(2):
            assert (await put(page, key, 0, pieces[0])).status == 204
        early = await page.ask("POST", "/import/end", data={"key": key})
        assert await early.text() == texts.NOT_RECEIVED[NotReceived.INCOMPLETE]
        # The page is opened anew with the same file: the rest is enough.
        on = await (await begun(page, content)).json()
        assert (on["key"], on["stored"]) == (key, 1)
        assert (await put(page, key, 1, pieces[1])).status == 204

        async def end() -> Any:
            return await page.ask("POST", "/import/end", data={"key": key})

        for ended in (*await asyncio.gather(end(), end()), await end()):
            assert ended.status == 200
            assert "1.200 lidas" in await ended.text()
        assert await database["jobs"].count_documents({}) == 1
        # Another file takes the place of one that was not ended; nobody else's key is taken.
        other = await (await begun(page, content, mark="2")).json()
        assert (await put(page, key, 0, pieces[0])).status == 409
        assert (await put(page, other["key"], 0, pieces[0])).status == 204
        await begun(page, b"x", "other.csv")
        kept = await database["files.chunks"].distinct("files_id")
        assert len(kept) == 1
        assert (await put(page, other["key"], 1, pieces[1])).status == 409
        large = {"name": "a.csv", "size": str(LARGEST_BYTES + 1)}
        assert (await page.ask("POST", "/import/begin", data=large)).status == 413


async def test_a_file_that_is_refused_says_why_and_is_not_kept(
    start: Start, clock: Clock, database
):
    refused = {
        "a.csv": (b"", "vazio"),
        "c.vcf": (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nEND:VCARD\r\n", "contatos"),
        "q.csv": (b'"Nome;cpfCnpj"\r\n"Ana;1"\r\n"Bia;2"\r\n', "entre aspas"),
        "h.csv": (b"Nome;cpfCnpj\r\n", "só o cabeçalho"),
        "j.csv": (b'[{"nome": "Ana"}]', "JSON"),
        "x.xlsx": (b"PK\x03\x04" + bytes(600), "Salve de novo"),
    }
    async with start(public_url=ORIGIN) as people, opened(people, clock) as page:
        for name, (content, said) in refused.items():
            answer = await sent(page, content, name)
            assert (answer.status, said in await answer.text()) == (422, True), await answer.text()
            assert await database["files.chunks"].count_documents({}) == 0
            # The next try is a new upload.
            assert (await (await begun(page, content, name)).json())["stored"] == 0
