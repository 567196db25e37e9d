import asyncio

import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc import IxcEmulator, faults
from bot.demo.ixc.faults import Fault
from bot.demo.ixc.records import Row, customer, supplier
from bot.domain.errors import RefusedError, TryLaterError, UnreadableError
from bot.domain.registration import ErpRef, Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.ixc import Ixc
from tests.patience import until

CPF = make_cpf(111222333)
OTHER = make_cpf(111222334)
CNPJ = make_cnpj("112223330001")
LETTERS = make_cnpj("12ABC34501DE")


def ref(table: str, number: int) -> ErpRef:
    return ErpRef(system="ixc", table=table, id=str(number))


async def test_a_customer_arrives_with_all_that_the_erp_owns(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [
        customer(
            7,
            "  Ana   Souza ",
            CPF.masked,
            fantasia="Ana Doces",
            fone="(49) 3322-1100",
            telefone_comercial="49 3322 1101",
            telefone_celular="(49) 99111-2222",
            whatsapp="(49) 99333-4444",
            email=" ANA@Exemplo.com.br; outra@exemplo.com.br",
        )
    ]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert found.tax_id == CPF
    assert found.name == "Ana Souza"
    assert found.trade_name == "Ana Doces"
    assert found.phones == Phones(
        home="+554933221100", commercial="+554933221101", mobile="+5549991112222"
    )
    assert found.email == "ana@exemplo.com.br"
    assert found.status is Status.ACTIVE
    assert found.kinds == {Kind.CUSTOMER}
    assert found.erp_refs == {ref("cliente", 7)}
    # The ERP must not fill local fields.
    assert found.fixed_note is None
    assert (found.tags, found.traits) == (frozenset(), ())


@pytest.mark.parametrize("tax_id", [CPF, CNPJ, LETTERS], ids=["cpf", "cnpj", "letters"])
@pytest.mark.parametrize("form", ["masked", "number"])
@pytest.mark.parametrize("total_as_text", [False, True])
async def test_a_document_is_found_however_it_is_stored(
    ixc: Ixc, emulator: IxcEmulator, tax_id: TaxId, form: str, total_as_text: bool
) -> None:
    emulator.total_as_text = total_as_text
    emulator.tables["cliente"] = [
        customer(1, "Outro", OTHER.masked),
        customer(2, "Certo", getattr(tax_id, form)),
    ]
    found = await ixc.by_tax_id(tax_id)
    assert found is not None
    assert found.name == "Certo"
    asked = [r.body["query"] for r in emulator.requests if r.table == "cliente"]
    assert asked == [tax_id.masked, tax_id.number]


async def test_nobody_has_it_only_after_both_tables_and_both_writings(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    assert await ixc.by_tax_id(CNPJ) is None
    asked = {(r.body["qtype"], r.body["query"]) for r in emulator.requests}
    assert asked == {
        (column, query)
        for column in ("cliente.cnpj_cpf", "fornecedor.cpf_cnpj")
        for query in (CNPJ.masked, CNPJ.number)
    }


async def test_customer_and_supplier_are_one_person_of_both_kinds(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [customer(1, "Vale Azul", CNPJ.masked, ativo="N", fone="")]
    emulator.tables["fornecedor"] = [
        supplier(1, "Vale Azul Ltda", CNPJ.number, telefone="(49) 3322-1100")
    ]
    found = await ixc.by_tax_id(CNPJ)
    assert found is not None
    assert found.kinds == {Kind.CUSTOMER, Kind.SUPPLIER}
    assert found.erp_refs == {ref("cliente", 1), ref("fornecedor", 1)}
    assert (found.name, found.status) == ("Vale Azul Ltda", Status.ACTIVE)
    assert found.phones.home == "+554933221100"


async def test_somebody_in_the_sales_funnel_is_a_prospect(ixc: Ixc, emulator: IxcEmulator) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked, crm="S")]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert found.kinds == {Kind.PROSPECT}


async def test_of_several_records_the_active_and_newest_wins_field_by_field(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [
        customer(
            1,
            "Newest but gone",
            CPF.masked,
            ativo="N",
            ultima_atualizacao="2026-09-09 00:00:00",
            fone="(49) 3322-0001",
            telefone_comercial="(49) 3322-0011",
        ),
        customer(
            2,
            "Older",
            CPF.masked,
            ultima_atualizacao="2020-01-01 00:00:00",
            email="older@exemplo.com.br",
            fone="(49) 3322-0002",
        ),
        customer(3, "Newer", CPF.masked, ultima_atualizacao="2024-01-01 00:00:00"),
        customer(4, "Never", CPF.masked, ultima_atualizacao="0000-00-00 00:00:00"),
    ]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert (found.name, found.status) == ("Newer", Status.ACTIVE)
    assert found.email == "older@exemplo.com.br"
    assert found.phones == Phones(home="+554933220002", commercial="+554933220011")
    assert found.erp_refs == {ref("cliente", number) for number in (1, 2, 3, 4)}


async def test_somebody_with_inactive_records_only_is_inactive(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked, ativo="N")]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert found.status is Status.INACTIVE


@pytest.mark.parametrize(
    ("values", "mobile"),
    [
        ({"telefone_celular": "", "whatsapp": "(49) 99333-4444"}, "+5549993334444"),
        ({"telefone_celular": "não tem", "whatsapp": "49993334444"}, "+5549993334444"),
        ({"telefone_celular": "(49) 8811-2222", "whatsapp": "49993334444"}, "+554988112222"),
        ({"telefone_celular": "(00) 0000-0000", "whatsapp": ""}, None),
    ],
)
async def test_whatsapp_is_the_mobile_only_when_there_is_no_other(
    ixc: Ixc, emulator: IxcEmulator, values: Row, mobile: str | None
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked, **values)]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert found.phones.mobile == mobile


@pytest.mark.parametrize(
    ("razao", "fantasia", "name", "trade_name"),
    [
        ("", "Ana Doces", "Ana Doces", None),
        ("\u202e \t", "Ana Doces", "Ana Doces", None),
        ("Ana", "Ana", "Ana", None),
        ("", "", None, None),
        ("A" * 300, "", "A" * 200, None),
    ],
)
async def test_a_record_without_a_usable_name_falls_back_and_never_breaks(
    ixc: Ixc,
    emulator: IxcEmulator,
    razao: str,
    fantasia: str,
    name: str | None,
    trade_name: str | None,
) -> None:
    emulator.tables["cliente"] = [customer(1, razao, CPF.masked, fantasia=fantasia)]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert (found.name, found.trade_name) == (name, trade_name)


async def test_a_record_with_hardly_any_field_is_enough(ixc: Ixc, emulator: IxcEmulator) -> None:
    emulator.tables["cliente"] = [{"cnpj_cpf": CPF.masked}]
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert (found.name, found.status, found.erp_refs) == (None, None, frozenset())


async def test_a_foreigner_is_found_by_a_foreign_document_and_nobody_else_is(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    passport = TaxId("AB123456", "PY")
    emulator.tables["cliente"] = [customer(1, "Juan", "ab-123456", tipo_pessoa="E")]
    emulator.tables["cliente"][0]["cnpj_cpf"] = "AB123456"
    found = await ixc.by_tax_id(passport)
    assert found is not None
    assert found.name == "Juan"

    emulator.tables["cliente"][0]["tipo_pessoa"] = "F"
    with pytest.raises(UnreadableError):
        await ixc.by_tax_id(passport)


@pytest.mark.parametrize("form", ["masked", "number"])
async def test_records_that_were_not_asked_for_are_neither_found_nor_not_found(
    ixc: Ixc, emulator: IxcEmulator, form: str
) -> None:
    emulator.tables["cliente"] = [customer(1, "Outra pessoa", OTHER.masked)]
    emulator.fail(faults.OTHER_DOCUMENTS, document=getattr(CPF, form), table="cliente")
    with pytest.raises(UnreadableError, match="other documents"):
        await ixc.by_tax_id(CPF)


async def test_the_right_record_among_others_is_taken_alone(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [
        customer(1, "Outra", OTHER.masked),
        customer(2, "Certa", CPF.masked),
        customer(3, "Sem documento", ""),
    ]
    emulator.fail(faults.OTHER_DOCUMENTS, table="cliente")
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert (found.name, set(found.erp_refs)) == ("Certa", {ref("cliente", 2)})


@pytest.mark.parametrize(
    "fault",
    [faults.message("Recurso fornecedor não está disponível!"), faults.BROKEN_JSON],
)
async def test_suppliers_that_cannot_be_had_do_not_hide_customers(
    ixc: Ixc, emulator: IxcEmulator, log: list[dict[str, object]], fault: Fault
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    emulator.fail(fault, table="fornecedor")
    found = await ixc.by_tax_id(CPF)
    assert found is not None
    assert [line["event"] for line in log] == ["erp.suppliers_not_asked"]
    with pytest.raises((RefusedError, UnreadableError)):
        await ixc.by_tax_id(OTHER)


async def test_suppliers_that_give_no_answer_are_not_passed_over(
    ixc: Ixc, emulator: IxcEmulator
) -> None:
    emulator.tables["cliente"] = [customer(1, "Ana", CPF.masked)]
    emulator.fail(faults.status(503), table="fornecedor")
    with pytest.raises(TryLaterError):
        await ixc.by_tax_id(CPF)


async def test_every_request_says_that_it_only_lists(ixc: Ixc, emulator: IxcEmulator) -> None:
    emulator.fail(faults.html(500), times=2)
    await ixc.by_tax_id(CPF)
    await ixc.probe()
    assert {r.table for r in emulator.requests} == {"cliente", "fornecedor", "empresa"}
    assert {(r.method, r.ixcsoft) for r in emulator.requests} == {("POST", "listar")}
    assert all(isinstance(v, str) for r in emulator.requests for v in r.body.values())
    assert emulator.inserted == []


async def test_giving_up_leaves_no_task_behind(ixc: Ixc, emulator: IxcEmulator) -> None:
    emulator.fail(faults.slow(60))
    mine = asyncio.current_task()
    before = asyncio.all_tasks()
    asking = asyncio.create_task(ixc.by_tax_id(CPF))
    await until(lambda: len(emulator.requests) > 0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    left = [t for t in asyncio.all_tasks() - before if "Ixc." in repr(t) and t is not mine]
    assert left == []
    emulator.heal()
    assert await ixc.by_tax_id(CPF) is None
