"""Questions on a file, in the chat: answered by buttons, and nothing is imported before."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.files import corpus
from tests.flows.admin import labels
from tests.flows.conftest import ADMIN_ID, Start
from tests.flows.file_admin import FileAdmin

# Long, and not about the database.
pytestmark = pytest.mark.embedded

SWALLOWED = (
    "Nome;CPF;tipoRegistro;Observacao\n"
    'Loja;39053344705;cliente;"Cano de 20\n'
    "Ana;11122233396;cliente;um\n"
    'Bar;12345678224;cliente;Cano de 3"\n'
)
TELEPHONES = "Nome;CPF;tipoRegistro;Celular\nAna;39053344705;cliente;não tem\n"


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path) as telegram:
        yield FileAdmin(telegram, ADMIN_ID)


async def test_a_swallowing_mark_is_answered_by_a_button(admin: FileAdmin):
    await admin.sends(SWALLOWED)
    assert "linhas 2 a 4" in admin.screen
    await admin.presses("Conferir arquivo")
    assert "Responda antes" in admin.told
    await admin.presses("A aspa é texto")
    assert "linhas 2 a 4" not in admin.screen
    assert "3 lidas" in admin.screen
    await admin.presses("Conferir arquivo")
    await admin.reads("3 novos")


async def test_another_sheet_is_chosen_by_a_button(admin: FileAdmin):
    people = [("Nome", "CPF", "tipoRegistro"), ("Ana", "39053344705", "cliente")]
    data = corpus.xlsx(people, [*people, ("Bia", "11122233396", "cliente")], names=("Um", "Dois"))
    await admin.sends(data, "c.xlsx")
    assert "Ficam de fora" in admin.screen
    assert any("Ler a aba “" in label for label in labels(admin.message))
    await admin.presses("Ler a aba “Dois”")
    assert "Só a aba “Dois” é lida" in admin.screen


async def test_a_row_enters_without_an_accepted_field(admin: FileAdmin):
    await admin.sends(TELEPHONES)
    await admin.presses("Aceitar sem o campo")
    await admin.presses("telefone")
    await admin.presses("Voltar")
    assert "Aceitar sem o campo: telefone" in " ".join(labels(admin.message))
    await admin.presses("Conferir arquivo")
    await admin.reads("1 entra sem um campo")
    await admin.presses("✅ Importar")
    assert "Linha 2: Celular" in await admin.reads("Entraram sem o campo")


@pytest.mark.parametrize(
    ("answer", "name"), [("Consertar", "Nome: João"), ("Deixar como está", "Nome: JoÃ£o")]
)
async def test_two_encodings_in_one_text_are_answered_by_a_button(
    admin: FileAdmin, answer: str, name: str
):
    head, utf8 = "Nome;CPF;tipoRegistro\n", "João;39053344705;cliente\n"
    old = "Conceição Antônio José;11122233396;cliente\n"
    await admin.sends(head.encode() + utf8.encode() + old.encode("cp1252"))
    assert "acentos que já vieram trocados" in admin.screen
    assert name in await admin.presses(answer)
    assert "acentos que já vieram trocados" not in admin.screen
