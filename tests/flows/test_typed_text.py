"""What an admin types, wherever no text is asked for, and how it finds."""

import pytest

from bot.demo import people as demo
from bot.demo.documents import make_cpf
from handlers.admin.router import dialogs
from handlers.admin.typed import AsksNoText
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, Start, Telegram
from tests.flows.file_admin import FileAdmin
from tests.flows.register import add

CPF, BIA, CAIO, NEW = map(make_cpf, (123456789, 200456790, 300456791, 400456792))
FILE = (
    "Nome;cpfCnpj;celular;email;tipoRegistro;etiqueta;status\n"
    f"Ana Souza;{CPF.masked};(49) 99988-7766;ana@example.com;cliente;VIP;A\n"
    f"Bia Souza;{BIA.masked};;;fornecedor;;I\n"
    f"Caio Lima;{CAIO.masked};;;prospect;;A\n"
)
ASKING = {
    "RegisterDialog": {"listing", "filters"},
    "EditDialog": {"text", "country", "password"},
    "WizardDialog": {"main", "country", "priority", "note"},
    "AuditDialog": {"period"},
    "PanelDialog": {"dates"},
    "TagsDialog": {"name", "emoji", "rename", "new_emoji"},
    "DepartmentsDialog": {"name", "emoji", "rename", "new_emoji"}
    | {"hours_text", "holidays_text", "hours_check"},
    "ReadyAnswersDialog": {"word", "text"},
    "ImportDialog": set(),
    "ExportDialog": set(),
    "RecordDialog": set(),
    "ManyDialog": {"text"},
    "DuplicatesDialog": set(),
}
MENUS = (
    ["/painel"],
    ["/etiquetas"],
    ["/departamentos"],
    ["/departamentos", "Atendimento"],
    ["/respostas"],
    ["/duplicados"],
    ["/auditoria"],
    ["/auditoria", "Filtros"],
    ["/auditoria", "Filtros", "👤"],
    ["/exportar"],
    ["/exportar", "Escolher campos"],
    ["/clientes", "Filtros"],
    ["/clientes", "Ana"],
    ["/clientes", "Ana", "Excluir"],
    ["/clientes", "Ana", "Editar"],
    ["/clientes", "Ana", "Editar", "Status"],
    ["/clientes", "Ana", "Auditoria"],
)


def test_every_screen_either_asks_for_a_text_or_lets_it_search() -> None:
    asking: dict[str, set[str]] = {one.states_group().__name__: set() for one in dialogs()}
    for state in AsksNoText(dialogs()).asking:
        group, _, name = str(state.state).partition(":")
        asking[group].add(name)
    assert asking == ASKING


async def test_below_every_menu_a_text_searches(start: Start) -> None:
    async with start() as telegram:
        admin = Admin(telegram, ADMIN_ID)
        await add(admin, "Ana Souza", CPF.masked)
        for steps in MENUS:
            for step in steps:
                await (admin.says(step) if step[0] == "/" else admin.presses(step))
            assert "Busca: “souza”" in await admin.says("souza"), steps
            assert any("Ana Souza" in button for button in admin.buttons), steps
        # An edit that was begun is not lost for it.
        await admin.presses("Ana")
        await admin.presses("Editar")
        await admin.says("souza")
        assert "O que você quer mudar" in await admin.presses("Fechar")


async def test_each_kind_of_text_finds_and_filters_take_several_values(
    start: Start, tmp_path
) -> None:
    async with start(data_dir=tmp_path) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.says("/etiquetas")
        await admin.presses("Nova etiqueta")
        await admin.says("VIP")
        await admin.presses("Sem emoji")
        await admin.imports(FILE)
        for text in ("7766", "99988", "9988-7766", "49 99988-7766", "ana@exa", "vip", "SOUZA an"):
            assert "1 cadastro" in await admin.says(text), text
            assert any("Ana Souza" in button for button in admin.buttons), text
        assert "👤 Ana Souza" in await admin.says(CPF.masked)
        await admin.says("/clientes")
        await admin.presses("Filtros")
        await admin.presses("Fornecedor")
        await admin.presses("Prospect")
        assert "Fornecedor ou Prospect" in await admin.presses("Sem etiqueta")
        assert "2 cadastros" in await admin.presses("Mostrar")
        await admin.presses("Filtros (3)")
        assert "Busca: “bia”" in await admin.says("bia")
        assert "1 cadastro" in admin.screen
        await admin.presses("Filtros (3)")
        await admin.presses("Limpar")
        # Three fields of the inactive ones, in eight presses.
        await admin.says("/clientes")
        for label in ("Filtros", "Inativo", "Exportar", "Só alguns"):
            await admin.presses(label)
        for label in ("◻️ Nome", "◻️ CPF/CNPJ", "◻️ Status", "▶️ Exportar"):
            await admin.presses(label)
        assert admin.rows(await admin.receives()) == [
            ["Nome", "cpfCnpj", "status"],
            ["Bia Souza", BIA.masked, "I"],
        ]
        # Who is not found is added with the document that was typed.
        assert "Nada encontrado" in await admin.says(NEW.masked)
        wizard = await admin.presses("➕")
        assert f"CPF: {NEW.masked}" in wizard
        await admin.says("Davi")
        await admin.says("davi@example.com")
        await admin.presses("◻️ Cliente")
        assert "Telefone: (49) 3222-1100" in await admin.says("49 3222-1100")
        await admin.presses("Continuar")
        assert "🏷 Etiquetas:" in admin.buttons
        await admin.presses("VIP")
        await admin.presses("Continuar")
        card = await admin.presses("Enviar")
        assert "Telefone residencial: (49) 3222-1100" in card
        assert "davi@example.com" in card
        await admin.presses("Auditoria")
        assert any("Dora" in button for button in admin.buttons)


async def test_a_protocol_alone_shows_its_conversation(people: Telegram) -> None:
    ana = people.customer(demo.ANA)
    await ana.is_in_conversation()
    protocol = (await people.balcao.retry_lookups.conversations.open_in(ana.id)).protocol
    admin = Admin(people, ADMIN_ID)
    await admin.says("/painel")
    await admin.says(f" {protocol} ")
    said = "\n".join(people.texts(ADMIN_ID))
    assert "História de" in said
    assert "Busca" not in said


@pytest.mark.parametrize("text", ["20261124-048213", "nobody"])
async def test_what_opens_nothing_is_searched(start: Start, text: str) -> None:
    async with start() as telegram:
        assert "Nada encontrado" in await Admin(telegram, ADMIN_ID).says(text)
