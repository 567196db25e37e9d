"""Imports as jobs: created, changed, unchanged and refused rows, with reasons."""

from dataclasses import replace
from typing import Any

from bot.domain.effort import Effort, effort_of
from bot.domain.job import JobState, JobTrouble
from bot.domain.registration import Kind, Status
from bot.runtime.files.table import inspect
from bot.usecases.jobs.import_file import BATCH
from storage.register.registrations import Registrations
from tests.files import corpus
from tests.files.processes import processes
from tests.jobs.conftest import HEADER, JobRunner, read_back, table
from tests.jobs.rows import row, stored
from tests.unit.documents import TaxId, make_cnpj, make_cpf


async def test_new_rows_are_created_with_all_they_say(runner: JobRunner):
    rows = [
        HEADER,
        row(1, etiqueta="vip", observacao="Ligar\ncedo"),
        row(2, tipoRegistro="Prestador-Serviço, fornecedor"),
    ]
    job = await runner.imported(rows)
    assert job.state is JobState.DONE
    assert job.counts.model_dump(exclude_defaults=True) == {"rows": 2, "created": 2}
    one, two = await stored(runner, 1), await stored(runner, 2)
    assert (one.name, one.phones.mobile, one.email) == (
        "Pessoa 1",
        "+5549999990001",
        "p1@example.com.br",
    )
    assert one.tags == {"t1"}
    assert one.fixed_note == "Ligar\ncedo"
    assert one.status is Status.ACTIVE
    assert two.kinds == {Kind.SERVICE_PROVIDER, Kind.SUPPLIER}
    assert (one.created.job, one.created.by) == (str(job.id), "admin:1")


async def test_the_same_file_again_writes_nothing(runner: JobRunner):
    rows = [HEADER, *map(row, range(450))]
    await runner.imported(rows)
    before = await runner.database["registrations"].find({}).to_list(None)
    job = await runner.imported(rows)
    assert job.counts.model_dump(exclude_defaults=True) == {"rows": 450, "unchanged": 450}
    assert await runner.database["registrations"].find({}).to_list(None) == before
    assert await runner.database["audit"].find_one({}) is None


async def test_an_update_touches_only_the_ticked_fields_and_a_blank_erases_nothing(
    runner: JobRunner,
):
    await runner.imported([HEADER, row(1, observacao="antiga")])
    job = await runner.imported(
        [HEADER, row(1, Nome="Outro nome", celular="(49) 98888-7777", email="", observacao="")],
        fields=("phones.mobile", "email", "fixed_note"),
    )
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 1,
        "updated": 1,
        "fields": {"phones.mobile": 1},
    }
    one = await stored(runner, 1)
    assert (one.name, one.phones.mobile) == ("Pessoa 1", "+5549988887777")
    assert (one.email, one.fixed_note) == ("p1@example.com.br", "antiga")
    [entry] = await runner.database["audit"].find({}).to_list(None)
    assert [(c["path"], c["before"], c["after"]) for c in entry["changes"]] == [
        ("phones.mobile", "+5549999990001", "+5549988887777")
    ]
    assert (entry["stamp"]["job"], entry["stamp"]["way"]) == (str(job.id), "import")


async def test_without_update_who_exists_stays_as_he_is(runner: JobRunner):
    await runner.imported([HEADER, row(1)])
    job = await runner.imported([HEADER, row(1, Nome="Outro"), row(2)], update=False)
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 2,
        "created": 1,
        "unchanged": 1,
    }
    assert (await stored(runner, 1)).name == "Pessoa 1"


async def test_a_refused_row_names_every_reason_and_stops_no_other(runner: JobRunner):
    rows = [
        HEADER,
        row(1, cpfCnpj="111.111.111-11", email="nada", celular="12"),
        row(2),
        row(2, Nome="De novo"),
        row(3, Nome="", tipoRegistro="", etiqueta="Sem essa"),
        row(4, cpfCnpj="2,47095E+13"),
        [*row(5), "sobra"],
    ]
    job = await runner.imported(rows)
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 6,
        "created": 1,
        "refused": 5,
    }
    refused = read_back(await runner.result(job))
    assert refused[0] == [*HEADER, "linha", "erro"]
    assert [r[len(HEADER)] for r in refused[1:]] == ["2", "4", "5", "6", "7"]
    assert [r[len(HEADER) + 1] for r in refused[1:]] == [
        "email:email; tax_id:tax_id_repeated_digits; phones.mobile:phone",
        "repeated:3",
        "tags:tag:Sem essa; no_name; no_kind",
        "tax_id:tax_id_scientific_notation",
        "too_many_cells",
    ]
    assert refused[1][:7] == rows[1]


async def test_the_refused_rows_come_back_once_they_are_mended(runner: JobRunner):
    job = await runner.imported([HEADER, row(1, email="nada"), row(2)])
    refused = read_back(await runner.result(job))
    refused[1][HEADER.index("email")] = "certo@example.com.br"
    again = await runner.imported(refused)
    assert again.counts.model_dump(exclude_defaults=True) == {"rows": 1, "created": 1}
    assert (await stored(runner, 1)).email == "certo@example.com.br"


async def test_lost_zeros_are_put_back_and_said(runner: JobRunner):
    tax_id = make_cpf(1_234_567)
    assert tax_id.number.startswith("00")
    job = await runner.imported([HEADER, row(1, cpfCnpj=tax_id.number.lstrip("0"))])
    assert (job.counts.created, job.counts.repaired) == (1, 1)
    assert (await runner.work.report(job)).repaired == (2,)
    assert await Registrations(runner.database).by_tax_ids([tax_id])


async def test_a_foreign_document_follows_the_rule_of_its_country(runner: JobRunner):
    header = ("Nome", "cpfCnpj", "tipoRegistro", "pais")
    job = await runner.imported(
        [
            header,
            ["Ana", "501442600", "cliente", "Portugal"],
            ["Rui", "123", "cliente", "pt"],
            ["Zé", "1", "cliente", "Terra do Nunca"],
        ]
    )
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 3,
        "created": 1,
        "refused": 2,
    }
    [one] = (await Registrations(runner.database).by_tax_ids([TaxId("501442600", "PT")])).values()
    assert one.country == "PT"


async def test_who_is_new_gets_the_chosen_kind_when_the_file_names_none(runner: JobRunner):
    header = ("Nome", "cpfCnpj")
    rows = [header, ["Ana", make_cpf(100_000_001).number]]
    refused = await runner.imported(rows)
    assert refused.counts.refused == 1
    job = await runner.imported(rows, default_kind=Kind.PROSPECT)
    assert job.counts.created == 1
    assert (await stored(runner, 1)).kinds == {Kind.PROSPECT}
    again = await runner.imported(rows, default_kind=Kind.CUSTOMER)
    assert again.counts.unchanged == 1


async def test_without_tax_ids_name_and_telephone_decide(database: Any, tmp_path: Any):
    runner = JobRunner(database, tmp_path, requires_tax_id=False)
    header = ("Nome", "cpfCnpj", "celular", "foneComercial", "tipoRegistro", "email")
    first = [
        ["Ana Conceição", "", "(49) 99999-0001", "", "cliente", ""],
        ["ANA  CONCEICAO", "", "", "(49) 9999-0001", "cliente", ""],
        ["Ana Conceição", "", "(49) 99999-0002", "", "cliente", ""],
        ["Sem telefone", "", "", "", "cliente", ""],
        ["Sem telefone", "", "", "", "cliente", ""],
    ]
    job = await runner.imported([header, *first])
    # Row two repeats row one: only the ninth digit and the accents differ. Nothing but a name
    # could be created twice.
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 5,
        "created": 2,
        "refused": 3,
    }
    again = [["ana conceicao", "", "49999990001", "", "", "ana@example.com.br"]]
    job = await runner.imported([header, *again], fields=("email",))
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 1,
        "updated": 1,
        "fields": {"email": 1},
    }


async def test_two_who_may_be_meant_are_not_guessed(database: Any, tmp_path: Any):
    runner = JobRunner(database, tmp_path, requires_tax_id=False)
    header = ("Nome", "cpfCnpj", "celular", "tipoRegistro")
    phone = "(49) 99999-0001"
    await runner.imported(
        [header, *(["Ana", make_cpf(100_000_000 + n).number, phone, "cliente"] for n in (1, 2))]
    )
    job = await runner.imported([header, ["Ana", "", phone, "cliente"]])
    assert job.counts.refused == 1
    [report] = (await runner.work.report(job)).refused
    assert report.reasons == (("", "several", ""),)


async def test_passwords_are_hashed_and_compared(runner: JobRunner):
    header = ("Nome", "cpfCnpj", "tipoRegistro", "usuario", "senha")
    rows = [
        header,
        ["Ana", make_cpf(100_000_001).number, "cliente", "ana.c", "segredo bom"],
        ["Bia", make_cpf(100_000_002).number, "cliente", "bia", "curta"],
    ]
    job = await runner.imported(rows)
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 2,
        "created": 1,
        "refused": 1,
        "passwords": 1,
    }
    one = await stored(runner, 1)
    assert one.portal.username == "ana.c"
    assert one.portal.password_hash.startswith("$argon2id$")
    same = await runner.imported(rows[:2])
    assert (same.counts.unchanged, same.counts.updated) == (1, 0)
    other = await runner.imported([header, [*rows[1][:4], "outro segredo"]])
    assert other.counts.fields == {"portal.password_hash": 1}
    assert "segredo" not in repr(await runner.database["audit"].find({}).to_list(None))


async def test_a_preview_writes_nothing_and_shows_samples(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(300))])
    before = await runner.register()
    rows = [HEADER, *(row(n, email=f"novo{n}@example.com.br") for n in range(200)), row(999)]
    job = await runner.begun(rows, state=JobState.DRAFT)
    await runner.manage.check(job.id)
    job = await runner.job(job.id)
    assert job.state is JobState.CHECKED
    assert job.preview is not None
    assert job.preview.model_dump(exclude_defaults=True) == {
        "rows": 201,
        "created": 1,
        "updated": 200,
        "fields": {"email": 200},
    }
    assert [(s.path, s.line, s.before, s.after) for s in job.samples] == [
        ("email", n + 2, f"p{n}@example.com.br", f"novo{n}@example.com.br") for n in range(3)
    ]
    assert await runner.register() == before


async def test_what_somebody_changed_since_the_preview_is_planned_anew_and_said(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(5))])
    rows = [HEADER, *(row(n, email=f"novo{n}@example.com.br") for n in range(5)), row(7)]
    job = await runner.begun(rows, state=JobState.DRAFT)
    await runner.manage.check(job.id)
    await runner.imported([HEADER, row(3, email="novo3@example.com.br"), row(7)], by="admin:2")
    await runner.manage.confirm(job.id)
    job = await runner.job(job.id)
    assert job.counts.model_dump(exclude_defaults=True) == {
        "rows": 6,
        "updated": 4,
        "unchanged": 2,
        "replanned": 2,
        "fields": {"email": 4},
    }
    assert (await runner.work.report(job)).replanned == (5, 7)


async def test_other_options_need_another_preview(runner: JobRunner):
    job = await runner.begun([HEADER, row(1)], state=JobState.DRAFT)
    await runner.manage.check(job.id)
    checked = await runner.job(job.id)
    assert checked.import_options is not None
    options = checked.import_options.model_copy(update={"update": False})
    chosen = await runner.manage.choose(job.id, options)
    assert chosen is not None
    assert (chosen.state, chosen.preview) == (JobState.DRAFT, None)
    assert await runner.manage.confirm(job.id) is None
    remembered = await runner.manage.options_for("admin:1", ("name", "email", None))
    assert (remembered.update, remembered.columns) == (False, ("name", "email", None))
    assert remembered.fields == {"name", "email"}


async def test_a_workbook_is_read_once_to_check_it_and_once_to_import_it(runner: JobRunner):
    rows = [row(n, **{"cpfCnpj": "1"} if n % 7 == 0 else {}) for n in range(1_200)]
    with processes() as taken:
        job = await runner.begun(corpus.xlsx([HEADER, *rows]), state=JobState.DRAFT, name="c.xlsx")
        assert taken() == 1
        assert await runner.manage.check(job.id)
        assert taken() == 1
        assert await runner.manage.confirm(job.id)
        assert taken() == 1
    job = await runner.job(job.id)
    # With the file goes what was taken for its header.
    assert (job.total, job.counts.refused, job.shape) == (1_200, 172, None)
    [_, *refused] = read_back(await runner.result(job))
    assert [int(cells[-2]) for cells in refused] == list(range(2, 1_202, 7))


async def test_a_draft_of_the_version_before_is_checked_and_imported(runner: JobRunner):
    content = table([HEADER, row(1), row(2, cpfCnpj="1")], encoding="cp1252")
    job = await runner.begun(content, state=JobState.DRAFT)
    await runner.database["jobs"].update_one(
        {"_id": job.id}, {"$unset": {"shape": "", "total": ""}}
    )
    assert await runner.manage.check(job.id)
    assert await runner.manage.confirm(job.id)
    job = await runner.job(job.id)
    assert (job.state, job.shape) == (JobState.DONE, None)
    assert (job.counts.created, job.counts.refused) == (1, 1)


async def test_a_file_that_breaks_further_on_fails_with_its_reason(runner: JobRunner):
    content = table([HEADER, *map(row, range(700))])
    path = runner.folder / "whole.csv"
    path.write_bytes(content)
    shape = (await inspect(path, name="whole.csv")).shape
    job = await runner.imported(content + b'"never closed', shape=shape)
    assert (job.state, job.trouble) == (JobState.FAILED, JobTrouble.FILE)
    assert job.file_trouble is not None
    assert (job.file_trouble.reason, job.file_trouble.line) == ("unclosed_quote", 702)
    # The whole batches before it are written, and can be taken back.
    assert job.counts.created == BATCH
    assert (await runner.undone(job)).counts.removed == BATCH


async def test_files_are_deleted_when_their_time_is_over(runner: JobRunner):
    job = await runner.imported([HEADER, row(1, email="nada")])
    assert job.source is not None
    assert job.source.file_id == ""
    assert job.results[0].file_id
    assert await runner.database["files.files"].count_documents({}) == 1


async def test_companies_too(runner: JobRunner):
    header = ("Razão Social", "CNPJ", "Nome Fantasia", "Tipo de registro")
    cnpj = make_cnpj("12ABC34501DE")
    job = await runner.imported([header, ["Loja Ltda", cnpj.masked, "Loja", "fornecedor"]])
    assert job.counts.created == 1
    [one] = (await Registrations(runner.database).by_tax_ids([cnpj])).values()
    assert (one.name, one.trade_name) == ("Loja Ltda", "Loja")


async def test_a_check_stores_what_the_import_takes(runner: JobRunner):
    told: list[int] = []

    def effort(rows: int) -> Effort | None:
        told.append(rows)
        return effort_of(rows * 100_000, 10**12)

    runner.work = runner.worker(replace(runner.run, effort=effort))
    await runner.imported([HEADER, row(1), row(2)])
    job = await runner.begun(
        [HEADER, row(1), row(2, email="x@y.com"), row(3), row(4, tipoRegistro="")],
        state=JobState.DRAFT,
    )
    assert await runner.manage.check(job.id)
    # Neither what stays nor what is refused takes anything.
    assert told == [2]
    checked = await runner.job(job.id)
    assert checked.effort == effort_of(200_000, 10**12)
    assert checked.preview
    assert checked.preview.kindless == 1
