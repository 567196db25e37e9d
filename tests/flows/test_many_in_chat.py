"""Acting on all that a search in /clientes finds, from the admin's chat."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.documents import make_cpf
from bot.domain.team import Admin as Member
from bot.wording.values import WAYS
from handlers.admin.files import texts as file_texts
from storage.people.team import Admins
from tests.flows.conftest import ADMIN_ID, BIA, Clock, Start
from tests.flows.file_admin import FileAdmin
from tests.storage.records import NOW

PEOPLE = "\n".join(
    [
        "Nome;cpfCnpj;tipoRegistro;status",
        *(f"Loja {n} <b>;{make_cpf(400_000 + n).masked};fornecedor;A" for n in range(4)),
        f"Ana;{make_cpf(400_010).masked};cliente;A",
        "",
    ]
)


@pytest.fixture
async def admin(start: Start, tmp_path: Path) -> AsyncIterator[FileAdmin]:
    async with start(data_dir=tmp_path, admin_ids=(ADMIN_ID,)) as telegram:
        admin = FileAdmin(telegram, ADMIN_ID)
        await admin.imports(PEOPLE)
        assert telegram.balcao is not None
        await telegram.balcao.tags.create("VIP")
        yield admin


async def test_suppliers_are_tagged_looked_at_confirmed_and_taken_back(admin: FileAdmin):
    await admin.says("/clientes loja 0")
    await admin.presses("Loja 0")
    await admin.presses("Editar")
    await admin.presses("Etiquetas")
    await admin.presses("VIP")
    await admin.presses("Gravar")
    await admin.says("/clientes loja")
    screen = await admin.presses("🗂 Agir em todos (4)")
    assert "busca “loja”" in screen
    assert "4 cadastros" in screen
    assert "Que etiqueta" in await admin.presses("🏷 Pôr etiqueta")
    assert "O que fazer" in await admin.presses("Voltar")
    await admin.presses("🏷 Pôr etiqueta")
    await admin.presses("VIP")
    preview = await admin.reads("Prévia da alteração em lote")
    for part in (
        "Pôr a etiqueta VIP",
        "✏️ 3 mudam",
        "➖ 1 já tem essa etiqueta",
        "• Loja 1 <b>: vazio → VIP",
        "Nada foi gravado ainda.",
    ):
        assert part in preview
    assert preview.count("→") == 3
    assert admin.buttons == ["✅ Confirmar (3)", "⬅️ Voltar"]
    shown = admin.message
    # Back to the choice, and on to the same preview; the first one is no more.
    assert "O que fazer com eles?" in await admin.presses("Voltar")
    await admin.presses("Confirmar", screen=shown)
    # The worker may write at this moment that the preview was sent; then the job stays listed.
    assert admin.told in (file_texts.GONE, "A tarefa 2 foi cancelada.")
    await admin.presses("🏷 Pôr etiqueta")
    await admin.presses("VIP")
    await admin.reads("Prévia")
    await admin.presses("Confirmar (3)")
    report = await admin.reads("Alteração em lote concluída")
    assert "✏️ 3 mudaram" in report
    done = admin.message
    assert "Alteração em lote: pôr etiqueta" in await admin.says("/tarefas")
    await admin.says("/clientes loja 2")
    await admin.presses("Loja 2")
    assert "VIP" in admin.screen
    assert WAYS["bulk"] in admin.screen
    assert "Os 3 atualizados voltam" in await admin.presses("Desfazer", screen=done)
    await admin.presses("Sim, desfazer")
    assert "↩️ 3 voltaram ao que eram" in await admin.reads("desfeita")


async def test_each_action_leads_to_its_preview(admin: FileAdmin):
    for button, value, preview in (
        ("🚫 Inativar", "", "Inativar"),
        ("🗑 Excluir", "", "vão ser excluídos"),
        ("📝 Trocar a observação", "Só à vista", "“Só à vista”"),
        ("❗ Pôr característica", "idosa", "“idosa”"),
        ("👥 Pôr tipo", "Prospect", "Pôr o tipo Prospect"),
    ):
        await admin.says("/clientes loja")
        await admin.presses("Agir em todos")
        await admin.presses(button)
        if button.startswith("👥"):
            await admin.presses(value)
        elif value:
            await admin.says("x" * 2_100)
            assert "⚠️" in admin.screen, "a text that is too long is refused with its reason"
            await admin.says(value)
        assert preview in await admin.reads("Prévia")
        assert "✅ Confirmar (4)" in admin.buttons


async def test_who_is_no_admin_any_more_confirms_nothing(
    admin: FileAdmin, database: Any, clock: Clock
):
    telegram = admin.telegram
    assert telegram.balcao is not None
    bia = FileAdmin(telegram, BIA)
    admins = Admins(database)
    await admins.put(Member(id=BIA, name="Bia", since=NOW, invited_by=ADMIN_ID, invitation_id="i"))
    # Admins are known for ten seconds.
    clock.advance(timedelta(seconds=11))
    await bia.says("/clientes loja")
    await bia.presses("Agir em todos")
    assert "Filtros: busca “loja”" in await bia.presses("📤 Exportar")
    await bia.presses("Cancelar")
    await bia.presses("🗑 Excluir")
    await bia.reads("Prévia")
    shown = bia.message
    assert await admins.remove(BIA)
    await bia.presses("Confirmar", screen=shown)
    # Another admin confirms it: it is still the work of somebody who has no right to it.
    await admin.says("/tarefas")
    await admin.presses("❓ 2")
    await admin.presses("Confirmar (4)")
    assert "não é mais administrador" in await admin.reads("não terminou")
    assert await telegram.balcao.registrations.count() == 5
