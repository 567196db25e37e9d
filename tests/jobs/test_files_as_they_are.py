"""Files as people and ERPs write them, by the command: nothing is guessed or swallowed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.domain.registration import Kind
from tests.files import corpus
from tests.jobs.conftest import JobRunner, read_back
from tests.jobs.shell import Shell

pytestmark = pytest.mark.embedded

ANA, BIA, CAIO = "39053344705", "11122233396", "12345678224"
CUSTOMER = ("--kind", "cliente", "--ignore-unknown")


@pytest.fixture
def shell(runner: JobRunner, mongodb_uri: str, tmp_path: Path) -> Shell:
    return Shell(runner, mongodb_uri, tmp_path)


async def stored(shell: Shell, *paths: str) -> dict[str, Any]:
    """Return these fields of all registrations, by document."""
    found = await shell.runner.database["registrations"].find({}).to_list(None)

    def value(one: dict[str, Any], path: str) -> Any:
        for name in path.split("."):
            one = (one or {}).get(name)  # type: ignore[assignment]
        return one

    return {
        str(one["tax_key"]).removeprefix("BR:"): [value(one, path) for path in paths]
        for one in found
    }


def csv(*rows: Sequence[str], encoding: str = "utf-8") -> bytes:
    return "".join(f"{';'.join(row)}\r\n" for row in rows).encode(encoding)


SWALLOWED = csv(
    ("Nome", "CPF", "Observacao"),
    ("Ana", ANA, "um"),
    ("Loja", BIA, '"Cano de 20 polegadas'),
    ("Caio", CAIO, "dois"),
    ("Bar", "20000000108", 'Cano de 3"'),
    ("Fim", "20000000299", "três"),
)


async def test_a_mark_that_swallows_rows_is_asked_about_with_its_lines(shell: Shell):
    (shell.folder / "c.csv").write_bytes(SWALLOWED)
    said = await shell("import", "c.csv", *CUSTOMER)
    assert said.code == 1
    assert "linhas 3 a 5" in said.all
    assert "--quotes text" in said.all
    assert "6 linhas no arquivo, 3 lidas, 1 com quebra de linha" in said.all
    assert await stored(shell) == {}
    assert await shell.runner.manage.latest(1) == []


@pytest.mark.parametrize(
    ("answer", "notes"),
    [
        ("text", {ANA: "um", BIA: '"Cano de 20 polegadas', CAIO: "dois"}),
        (
            "cell",
            {
                ANA: "um",
                BIA: f"Cano de 20 polegadas\nCaio;{CAIO};dois\nBar;20000000108;Cano de 3",
            },
        ),
    ],
)
async def test_the_answer_on_marks_decides(shell: Shell, answer: str, notes: dict[str, str]):
    (shell.folder / "c.csv").write_bytes(SWALLOWED)
    said = await shell("import", "c.csv", *CUSTOMER, "--quotes", answer)
    assert said.code == 0, said.all
    found = await stored(shell, "fixed_note")
    assert {key: found[key][0] for key in notes} == notes
    assert len(found) == (5 if answer == "text" else 3)


async def test_what_is_left_out_of_a_workbook_is_said_outside_a_terminal(shell: Shell):
    people = [("Nome", "CPF"), ("Ana", ANA)]
    others = [("Nome", "CPF", "Celular"), ("Bia", BIA, "49999998888"), ("Caio", CAIO, "")]
    data = corpus.xlsx(people, others, [("x",)], names=("Um", "Dois", "Notas"))
    (shell.folder / "c.xlsx").write_bytes(data)
    said = await shell("import", "c.xlsx", *CUSTOMER)
    assert said.code == 0
    assert "Só a aba “Dois” é lida" in said.out
    assert "“Um” (2 linhas), “Notas” (1 linha)" in said.out
    assert set(await stored(shell)) == {BIA, CAIO}
    said = await shell("import", "c.xlsx", *CUSTOMER, "--sheet", "um")
    assert set(await stored(shell)) == {ANA, BIA, CAIO}
    said = await shell("import", "c.xlsx", *CUSTOMER, "--sheet", "Três")
    assert said.code == 1
    assert "Um, Dois, Notas" in said.all


async def test_a_row_enters_without_the_field_that_was_accepted(shell: Shell):
    rows = [
        ("Nome", "CPF", "Celular", "E-mail", "Etiqueta"),
        ("Ana", ANA, "não tem", "ana@x.com", ""),
        ("Bia", BIA, "49999998888", "não tem", "Nova"),
        ("Caio", "123", "não tem", "", ""),
    ]
    (shell.folder / "c.csv").write_bytes(csv(*rows))
    said = await shell("import", "c.csv", *CUSTOMER, "--dry-run")
    assert said.code == 2
    assert "--accept" in said.out
    said = await shell("import", "c.csv", *CUSTOMER, "--accept", "phone,email,tag")
    assert said.code == 2
    assert "Entraram sem o campo" in said.out
    assert "Linha 2: Celular" in said.out
    assert await stored(shell, "name", "email") == {
        ANA: ["Ana", "ana@x.com"],
        BIA: ["Bia", None],
    }
    said = await shell("import", "c.csv", *CUSTOMER, "--accept", "documento")
    assert said.code == 1


async def test_tags_are_created_when_asked(shell: Shell):
    rows = [("Nome", "CPF", "Etiqueta"), ("Ana", ANA, "649ee118d365711c2f88f04c, Nova")]
    (shell.folder / "c.csv").write_bytes(csv(*rows))
    assert (await shell("import", "c.csv", *CUSTOMER)).code == 2
    said = await shell("import", "c.csv", *CUSTOMER, "--create-tags")
    assert said.code == 0, said.all
    assert "Etiquetas criadas: 649ee118d365711c2f88f04c, Nova" in said.out
    assert len((await stored(shell, "tags"))[ANA][0]) == 2


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
async def test_accents_are_right_in_every_old_encoding(shell: Shell, encoding: str):
    rows = [
        ("Nome", "CPF", "Observação"),
        ("João Conceição", ANA, "Não"),
        ("José", BIA, "à noite"),
    ]
    (shell.folder / "c.csv").write_bytes(csv(*rows, encoding=encoding))
    said = await shell("import", "c.csv", *CUSTOMER, "--dry-run")
    assert "Nomes: João Conceição, José" in said.out
    assert (await shell("import", "c.csv", *CUSTOMER)).code == 0
    assert await stored(shell, "name", "fixed_note") == {
        ANA: ["João Conceição", "Não"],
        BIA: ["José", "à noite"],
    }


async def test_what_cannot_be_told_is_asked(shell: Shell):
    rows = [("Nome", "CPF"), ("CAFÉ", ANA)]
    (shell.folder / "c.csv").write_bytes(csv(*rows, encoding="mac_roman"))
    said = await shell("import", "c.csv", *CUSTOMER)
    assert said.code == 1
    assert "--encoding" in said.all
    assert "CAFÉ" in said.all
    assert await stored(shell) == {}
    assert (await shell("import", "c.csv", *CUSTOMER, "--encoding", "mac")).code == 0
    assert await stored(shell, "name") == {ANA: ["CAFÉ"]}


@pytest.mark.parametrize(("answer", "name"), [("utf-8", "JoÃ£o"), ("utf-8-2x", "João")])
async def test_utf8_read_twice_is_repaired_by_consent_only(shell: Shell, answer: str, name: str):
    rows = [("Nome", "CPF"), ("JoÃ£o", ANA), ("José", BIA)]
    (shell.folder / "c.csv").write_bytes(csv(*rows))
    said = await shell("import", "c.csv", *CUSTOMER)
    assert said.code == 1
    assert "utf-8-2x" in said.all
    assert await stored(shell) == {}
    assert (await shell("import", "c.csv", *CUSTOMER, "--encoding", answer)).code == 0
    assert await stored(shell, "name") == {ANA: [name], BIA: ["José"]}


async def test_the_file_of_refused_rows_loses_no_cell_and_opens_in_excel(runner: JobRunner):
    long = "\U0001f600" * 20_000
    header = ("Nome", "cpfCnpj", "tipoRegistro", "fantasia", "observacao")
    rows = [
        ("Ana", ANA, "cliente", "", "um", "dois", "", "três"),
        ("Bia", BIA, "cliente", "f" * 201, long),
        ("Caio", CAIO, "cliente", "f" * 200, "o" * 2_000),
    ]
    job = await runner.imported([header, *rows])
    assert job.counts.model_dump(exclude_defaults=True) == {"rows": 3, "created": 1, "refused": 2}
    head, ana, bia = read_back(await runner.result(job))
    assert head == [*header, "linha", "erro"]
    assert ana == ["Ana", ANA, "cliente", "", "um", "2", "too_many_cells", "dois", "", "três"]
    # An emoji is two characters for Excel.
    assert bia[4] == "\U0001f600" * 16_383 + "…"
    assert bia[6] == "trade_name_too_long; note_too_long"
    # Sent back as it is, it enters no more than before.
    job = await runner.imported([head, ana, bia])
    assert job.counts.model_dump(exclude_defaults=True) == {"rows": 2, "refused": 2}


async def test_without_documents_nobody_comes_in_twice(database: Any, tmp_path: Path):
    runner = JobRunner(database, tmp_path, requires_tax_id=False)

    async def imported(*rows: Sequence[str], accepted: Sequence[str] = ()) -> dict[str, Any]:
        head = ("Nome", "Celular", "Email")
        options = {"default_kind": Kind.CUSTOMER, "accepted": frozenset(accepted)}
        job = await runner.imported([head, *rows], checked=True, **options)
        return job.counts.model_dump(exclude_defaults=True, exclude={"accepted", "fields"})

    people = (
        ("Ana", "49999998888", ""),
        ("Bia", "", "bia@x.com"),
        ("Total: 2 clientes", "", ""),
        ("Página 1 de 1", "", ""),
        ("Caio", "", ""),
        ("Caio", "", ""),
    )
    # Totals are nobody, and a name alone is asked about.
    assert await imported(*people) == {"rows": 6, "created": 2, "refused": 4}
    assert await imported(*people) == {"rows": 6, "unchanged": 2, "refused": 4}
    # The second Caio repeats the first, in the file and in the register.
    once = {"rows": 6, "created": 1, "unchanged": 2, "refused": 3}
    assert await imported(*people, accepted=("name",)) == once
    twice = {"rows": 6, "unchanged": 3, "refused": 3}
    assert await imported(*people, accepted=("name",)) == twice
    # Any equal telephone or e-mail will do; another person of the name is another person.
    assert await imported(
        ("ANA", "4988887777 / 49 99999-8888", ""),
        ("Bia", "4933334444", "BIA@x.com"),
        ("Ana", "", "outra@x.com"),
        ("Ana", "49911112222", "outra@x.com"),
    ) == {"rows": 4, "created": 1, "updated": 2, "refused": 1}
    assert await database["registrations"].count_documents({}) == 4
