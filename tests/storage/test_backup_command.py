"""`balcao backup` and `balcao restore`, run by a person and by a script."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from storage.engine.connection import connected
from storage.engine.embedded import embedded_server
from storage.engine.indexes import ensure_indexes
from storage.register.registrations import Registrations
from tests.storage.broken_places import fill, mounted
from tests.storage.commands import (
    CommandResult,
    assert_one_sentence,
    balcao,
    balcao_in_a_terminal,
    python_balcao,
)
from tests.storage.records import CPF, registration
from tests.storage.servers import free_port, uri

ONE = (
    "1 cadastro, 1 registro de auditoria, 0 atendimentos, 0 chats, 0 mensagens nos grupos, "
    "0 etiquetas, 0 departamentos, 0 respostas prontas, 1 autor na auditoria"
)
NONE = (
    "0 cadastros, 0 registros de auditoria, 0 atendimentos, 0 chats, 0 mensagens nos grupos, "
    "0 etiquetas, 0 departamentos, 0 respostas prontas, 0 autores na auditoria"
)


@pytest.mark.embedded
async def test_from_one_embedded_database_to_another_while_a_bot_uses_it(tmp_path: Path):
    source = {"BALCAO_DATA_DIR": str(tmp_path / "source")}
    target = {"BALCAO_DATA_DIR": str(tmp_path / "target")}
    # The command is the second Balcão process on this directory.
    async with embedded_server(tmp_path / "source") as address, connected(address, "balcao") as db:
        await ensure_indexes(db)
        await Registrations(db).create(registration())
        said = await python_balcao("backup", "b", cwd=tmp_path, **source)
        assert said == CommandResult(0, f"✓ b: {ONE}\n", "")
        listed = await balcao("jobs", cwd=tmp_path, **source)
        assert re.search(r"1 +backup +concluída +3 documentos", listed.out)
        assert_one_sentence(
            await balcao("backup", "b", cwd=tmp_path, **source),
            "Já existe algo com este nome, e um backup nunca é sobrescrito.",
        )
    said = await python_balcao("restore", "b", cwd=tmp_path, **target)
    assert said == CommandResult(0, f"✓ Restaurado e conferido: {ONE}\n", "")
    async with embedded_server(tmp_path / "target") as address, connected(address, "balcao") as db:
        assert await Registrations(db).by_tax_ids([CPF]) == {CPF.key: registration()}


async def test_replacing_is_asked_for_confirmed_or_refused(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    assert (await balcao("backup", "empty", cwd=tmp_path, **env)).code == 0
    await Registrations(database).create(registration())
    refusals = await asyncio.gather(
        balcao("restore", "empty", cwd=tmp_path, **env),
        balcao("restore", "empty", "--replace", cwd=tmp_path, **env),
    )
    assert_one_sentence(refusals[0], "O banco de dados não está vazio, e nada foi mudado.")
    assert_one_sentence(refusals[1], "Fora de um terminal, confirme com --yes.")
    assert f"Serão apagados: {ONE}" in refusals[1].out
    assert f"No lugar fica o backup: {NONE}." in refusals[1].out
    replace = ("restore", "empty", "--replace")
    for answer in ("sim\n", "\n", "\x04"):
        said = await balcao_in_a_terminal(*replace, answer=answer, cwd=tmp_path, **env)
        assert said.code == 1
        assert "Erro:" in said.err
        assert "Nada foi mudado." in said.err
    assert await Registrations(database).count() == 1
    said = await balcao_in_a_terminal(*replace, answer="apagar\n", cwd=tmp_path, **env)
    assert said.code == 0
    assert said.out.endswith(f"✓ Restaurado e conferido: {NONE}\n")
    assert await Registrations(database).count() == 0
    await Registrations(database).create(registration())
    said = await balcao(*replace, "--yes", cwd=tmp_path, **env)
    assert said.code == 0
    assert f"Serão apagados: {ONE}" in said.out
    assert await Registrations(database).count() == 0


async def test_a_bar_is_shown_on_a_terminal(database: Any, mongodb_uri: str, tmp_path: Path):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    await Registrations(database).create(registration())
    said = await balcao_in_a_terminal("backup", "b", answer="", cwd=tmp_path, **env)
    assert said.code == 0
    assert "Copiando cadastros" in said.err
    assert "1 de 1" in said.err


async def test_a_restore_that_was_not_finished_is_told_by_every_start(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    assert (await balcao("backup", "b", cwd=tmp_path, **env)).code == 0
    await database["restore"].insert_one({"_id": "restore"})
    serving = {"BALCAO_BOT_TOKEN": "7000000001:AAabcdefghijklmnopqrstuvwxyz_-12345"}
    serving |= {"BALCAO_ATTENDANTS_CHAT_ID": "-1001234567890"}
    told = await asyncio.gather(
        balcao("check", cwd=tmp_path, **env),
        balcao("run", cwd=tmp_path, **env, **serving),
        balcao("backup", "c", cwd=tmp_path, **env),
        balcao("restore", "b", cwd=tmp_path, **env),
    )
    for said in told:
        assert_one_sentence(said, "Uma restauração não terminou e o cadastro está pela metade.")
    assert (await balcao("restore", "b", "--replace", cwd=tmp_path, **env)).code == 0
    said = await balcao("check", cwd=tmp_path, **env)
    assert "✓ banco de dados" in said.out


async def test_each_trouble_with_a_file_is_one_sentence(
    database: Any, mongodb_uri: str, tmp_path: Path
):
    env = {"BALCAO_MONGODB_URI": mongodb_uri, "BALCAO_MONGODB_DATABASE": database.name}
    (tmp_path / "text").write_text("nome;cpf\n")
    with mounted(tmp_path / "full", "size=64k") as full:
        fill(full)
        said = await asyncio.gather(
            balcao("restore", "text", cwd=tmp_path, **env),
            balcao("restore", "missing", cwd=tmp_path, **env),
            balcao("backup", "missing/b", cwd=tmp_path, **env),
            balcao("backup", str(full / "b"), cwd=tmp_path, **env),
            balcao("backup", "b", cwd=tmp_path, BALCAO_MONGODB_URI=uri(free_port())),
        )
    sentences = (
        "Este arquivo não é um backup do Balcão.",
        "Não consigo ler este arquivo.",
        "Não consigo gravar o backup aí.",
        "O disco em que o backup seria gravado está cheio.",
        "O MongoDB não responde.",
    )
    for one, sentence in zip(said, sentences, strict=True):
        assert_one_sentence(one, sentence)
