"""/duplicados: find two entries of one person, compare, unite, and take it back."""

from typing import Any

from bot.demo import people as demo
from bot.demo.documents import make_cpf
from bot.domain.candidate import Change, Update
from bot.domain.registration import Kind, Phones
from storage.talk.conversations import Conversations
from tests.flows.admin import Admin
from tests.flows.conftest import ADMIN_ID, Telegram
from tests.flows.registrations import registration_of
from tests.storage.records import provenance, registration


async def test_two_entries_are_found_compared_united_and_separated_again(
    people: Telegram, database: Any
):
    assert people.balcao
    register, admin = people.balcao.registrations, Admin(people, ADMIN_ID)
    await people.customer(demo.ANA).is_in_conversation()
    ana = await registration_of(people, demo.ANA.tax_id)
    facts = {"kinds": frozenset((Kind.SUPPLIER,)), "created": provenance()}
    double = registration(
        id="d1" * 16,
        tax_id=None,
        name="Ana Beatris <Sousa>",
        phones=Phones(home=demo.ANA.phone, mobile="+5549990019999"),
        fixed_note="Ligar à tarde.",
        **facts,
    )
    father = registration(
        id="d2" * 16, tax_id=make_cpf(7), name="Rui Braz", email="r@x.co", **facts
    )
    son = registration(id="d3" * 16, tax_id=make_cpf(8), name="Rui Braz", email="r@x.co", **facts)
    for one in (double, father, son):
        assert await register.create(one)

    assert "A lista está vazia" in await admin.says("/duplicados")
    await admin.presses("🔎 Procurar")
    found = "2 pares prováveis. Veja em /duplicados."
    await people.emulator.until(lambda: found in "".join(people.texts(ADMIN_ID)))
    listed = await admin.says("/duplicados")
    assert listed.index("mesmo telefone") < listed.index("documentos diferentes")
    assert admin.buttons[1].startswith("⚠️ Rui Braz ↔ Rui Braz")

    # Two people, and back.
    assert "São dois documentos diferentes" in await admin.presses("Rui Braz")
    await admin.presses("👥")
    assert "Rui Braz" not in admin.screen
    assert "Rui Braz" in await admin.presses("↩️ Desfazer")
    await admin.presses("Rui Braz")
    await admin.presses("🔗 Sim")
    await admin.presses("✅ Unir")
    assert "Escolha antes qual deles fica" in admin.told
    await admin.presses("⬅️ Voltar")
    await admin.presses("⬅️ Voltar")

    shown = await admin.presses("Ana Beatriz")
    assert "1️⃣ Ana Beatriz Souza\n2️⃣ Ana Beatris <Sousa>" in shown
    assert "1️⃣ 1 atendimento, 1 aberto agora, 1 chat\n2️⃣ 0 atendimentos, 0 chats" in shown
    assert "1️⃣ IXC · cliente" in shown
    plan = await admin.presses("🔗 Sim")
    assert "Fica: Ana Beatriz Souza" in plan
    assert "Ligar à tarde." in plan
    await admin.presses("🔁 Nome: Ana Beatriz Souza")
    assert "• Nome: Ana Beatris <Sousa>" in admin.screen
    # Which one stays is another choice: then the chat moves.
    await admin.presses("⇅")
    assert "Fica: Ana Beatris <Sousa>" in admin.screen
    # A colleague changes one of the two meanwhile.
    old = await register.by_id(double.id)
    assert old
    renamed = old.with_values({"name": "Ana Beatris Sousa"}, updated=provenance())
    change = Change("name", old.name, renamed.name)
    assert await register.update(Update(old, renamed, (change,)))
    assert "São a mesma pessoa?" in await admin.presses("✅ Unir")
    assert "mudou há pouco" in admin.told
    await admin.presses("🔗 Sim")
    await admin.presses("⇅")
    done = await admin.presses("✅ Unir")
    assert "Unidos em Ana Beatris Sousa" in done

    united = await registration_of(people, demo.ANA.tax_id)
    assert united == await register.by_id(ana.id) == await register.by_id(double.id)
    assert united.id == double.id
    assert united.erp_refs == ana.erp_refs
    assert united.kinds == {Kind.CUSTOMER, Kind.SUPPLIER}
    record = await admin.presses("📂 Abrir o cadastro")
    assert "Cadastros unidos a este: 1 cadastro" in record
    await admin.presses("📜 Auditoria")
    assert sum("União de dois cadastros" in button for button in admin.buttons) == 2

    await admin.says("/duplicados")
    assert "Ana Beatri" not in admin.screen
    await admin.says(f"/clientes {demo.ANA.tax_id}")
    await admin.presses("Ana Beatris")
    await admin.presses("📜 Auditoria")
    await admin.presses("União de dois cadastros")
    await admin.presses("✂️")
    assert "são dois de novo" in admin.told
    again = await registration_of(people, demo.ANA.tax_id)
    assert again.with_values({}, updated=ana.updated, version=1) == ana.with_values(
        {}, updated=ana.updated, version=1
    )
    assert len(await Conversations(database).latest_of(ana.id, count=9)) == 1
    await admin.presses("✂️")
    assert "já foi desfeita" in admin.told
