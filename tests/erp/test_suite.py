"""One suite for all adapters: each case against a server that speaks the ERP's dialect.

The table of docs/adapters.md is made of these tests.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.erp_record import ErpRecord, read_document
from bot.domain.errors import AppError, RefusedError, TryLaterError, UnreadableError
from bot.domain.registration import Kind, Status
from erp.adapter import Adapter, Connection, Credentials, Erp
from erp.breaker import Breaker
from erp.client import Limits
from erp.registry import find_adapter
from tests.erp.conftest import IMPATIENT, QUICK, ZONE
from tests.erp.dialects import DIALECTS
from tests.erp.dialects.dialect import Answer, Case, Dialect, Meaning, Person, Trouble

CPF, OTHER = make_cpf(111222333), make_cpf(444555666)
COMPANY = make_cnpj("112223330001")
ANA = Person(
    id=11,
    name="Ana Araújo",
    document=CPF.number,
    email="ana@exemplo.com.br",
    mobile="49988010011",
)
PADARIA = Person(id=12, name="Padaria Pão & Cia", document=COMPANY.number, home="4933220012")
UNKNOWN = (
    *(
        (status, "")
        for status in (302, 400, 402, 403, 404, 405, 409, 410, 418, 422, 451, 500, 520)
    ),
    *((status, body) for status in (400, 403, 404, 503) for body in ("{}", "<html></html>")),
    *((200, body) for body in ("", "{}", "null", "[1]", '""', "0", "true", "<html></html>", "{")),
    *(
        (200, json.dumps({name: value}))
        for name in ("status", "error", "message", "data", "result", "response", "clientes")
        for value in (None, "ok", {})
    ),
)
"""Answers that no ERP is known to give."""
SINCE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def cases(*wanted: Case) -> pytest.MarkDecorator:
    """Run the test for each dialect in which the case exists."""
    return pytest.mark.parametrize(
        ("dialect", "case"),
        [
            pytest.param(dialect, case, id=f"{dialect.title or dialect.name}-{case}")
            for dialect in DIALECTS
            for case in wanted
            if case not in dialect.absent
        ],
        indirect=["dialect"],
    )


@pytest.fixture
async def dialect(request: pytest.FixtureRequest) -> AsyncIterator[Dialect]:
    kind: type[Dialect] = request.param
    async with kind(people=[ANA, PADARIA]) as running:
        yield running


def connect(
    session: aiohttp.ClientSession,
    dialect: Dialect,
    *,
    credentials: Credentials | None = None,
    limits: Limits = QUICK,
) -> Erp:
    return adapter_of(dialect).connect(
        Connection(
            session=session,
            credentials=credentials or dialect.credentials(),
            limits=limits,
            breaker=Breaker(failures=10**9),
            tokens=dialect.kept,
            timezone=ZONE,
        )
    )


def adapter_of(dialect: Dialect) -> Adapter:
    return find_adapter(dialect.name)


async def logged_in(session: aiohttp.ClientSession, dialect: Dialect) -> Erp:
    """Return an adapter that has logged in, because a login has answers of its own."""
    dialect.given = None
    erp = connect(session, dialect)
    await erp.probe()
    return erp


async def meaning(erp: Erp, dialect: Dialect, answer: Answer) -> Meaning | None:
    """Return what an answer to a look-up is taken for; None for a candidate."""
    dialect.given = answer
    try:
        found = await erp.by_tax_id(CPF)
    except RefusedError:
        return Meaning.REFUSED
    except TryLaterError:
        return Meaning.LATER
    except UnreadableError:
        return Meaning.UNREADABLE
    return None if found else Meaning.NOBODY


def _spread(masked: str) -> str:
    """Return another document that the pattern of this one finds as well."""
    return masked.replace(".", ".0")


async def everybody(erp: Erp, *, since: datetime | None = None) -> list[ErpRecord]:
    found: list[ErpRecord] = []
    cursor: str | None = ""
    for _ in range(100):
        page = await erp.page(cursor, since=since)
        found += page.records
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("paging never ends")


@cases(Case.FOUND)
async def test_who_is_there_is_found(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    erp = connect(session, dialect)
    await erp.probe()
    ana, padaria = await erp.by_tax_id(CPF), await erp.by_tax_id(COMPANY)
    assert ana is not None
    assert padaria is not None
    assert (ana.name, padaria.name) == (ANA.name, PADARIA.name)
    assert (ana.tax_id, padaria.tax_id) == (CPF, COMPANY)
    assert ana.email == ANA.email
    assert ana.phones.mobile == "+5549988010011"
    assert padaria.phones.home == "+554933220012"
    assert ana.status is Status.ACTIVE
    assert ana.kinds == {Kind.CUSTOMER}
    [ref] = ana.erp_refs
    assert (ref.system, ref.id) == (dialect.name, "11")


@cases(Case.NOT_FOUND)
async def test_who_is_not_there_is_nobody(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    assert await connect(session, dialect).by_tax_id(OTHER) is None


@cases(Case.FOUND)
async def test_a_field_that_cannot_be_read_is_not_an_empty_one(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    for mobile, email, unread in (
        ("498801001", "sem arroba", {"phones.mobile", "phones.home", "email"}),
        ("", "", set()),
        ("-", "-", set()),
    ):
        dialect.people = [replace(ANA, mobile=mobile, email=email), PADARIA]
        # A new adapter, because some keep an answer for a minute.
        erp = connect(session, dialect)
        found = await erp.by_tax_id(CPF)
        assert found is not None
        assert (found.phones.mobile, found.email) == (None, None)
        assert found.unread - {"phones.commercial"} == unread


@cases(Case.WRITTEN)
async def test_a_document_is_found_however_it_is_written(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    for person, tax_id in ((ANA, CPF), (PADARIA, COMPANY)):
        for text in (
            f" {tax_id.masked} ",
            f"\u00a0{tax_id.number}",
            f"BR{tax_id.number}",
            f"br {tax_id.masked}",
        ):
            # The second one has a document between whose digits others stand.
            other = replace(person, id=99, document=OTHER.number, written=_spread(tax_id.masked))
            dialect.people = [replace(person, written=text), other]
            found = await connect(session, dialect).by_tax_id(tax_id)
            assert found is not None, text
            assert (found.tax_id, {ref.id for ref in found.erp_refs}) == (tax_id, {str(person.id)})
            if adapter_of(dialect).facts.lists_all:
                [record, _] = await everybody(connect(session, dialect))
                assert read_document(record) == tax_id
        dialect.people = [other]
        assert await connect(session, dialect).by_tax_id(tax_id) is None


@cases(Case.UNKNOWN)
async def test_an_answer_is_taken_for_what_it_is_known_to_mean(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    for answer in dialect.answers:
        erp = await logged_in(session, dialect)
        assert await meaning(erp, dialect, answer) is answer.means, answer
    named = {(answer.status, answer.body) for answer in dialect.answers}
    statuses = {answer.status for answer in dialect.answers}
    erp = await logged_in(session, dialect)
    for status, body in UNKNOWN:
        if (status, body) not in named and (status == 200 or status not in statuses):
            means = await meaning(erp, dialect, Answer(status, body, Meaning.LATER))
            assert means in (Meaning.LATER, Meaning.UNREADABLE), (status, body)


@cases(Case.SEVERAL)
async def test_several_with_one_document_are_one(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    newer = ANA.changed + timedelta(days=3)
    dialect.people = [
        replace(ANA, id=13, name="Ana Antiga", is_active=False, changed=newer),
        ANA,
    ]
    found = await connect(session, dialect).by_tax_id(CPF)
    assert found is not None
    # An active record wins over a newer one.
    assert found.name == ANA.name
    assert found.status is Status.ACTIVE
    assert {ref.id for ref in found.erp_refs} == {"11", "13"}


@cases(Case.OTHER_DOCUMENT)
async def test_somebody_else_is_nobodys_answer(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    dialect.trouble = Trouble.OTHER_DOCUMENT
    with pytest.raises(UnreadableError):
        await connect(session, dialect).by_tax_id(CPF)


@cases(Case.AUTH_REFUSED)
async def test_wrong_credentials_are_refused(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    wrong = dialect.wrong_credentials()
    erp = connect(session, dialect, credentials=wrong)
    for ask in (erp.probe, lambda: erp.by_tax_id(CPF)):
        with pytest.raises(RefusedError) as raised:
            await ask()
        assert wrong.token.get_secret_value() not in str(raised.value) or not wrong.token
    # It is not retried, because retries with wrong credentials can block the account.
    assert len(dialect.asked) <= 8


@cases(Case.ERROR_INSIDE, Case.HTML, Case.TIME_OUT, Case.TOO_MANY, Case.BROKEN_JSON)
async def test_trouble_is_an_error_and_never_nobody(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    trouble, expected = {
        Case.ERROR_INSIDE: (Trouble.ERROR_INSIDE, AppError),
        Case.HTML: (Trouble.HTML, TryLaterError),
        Case.TIME_OUT: (Trouble.SLOW, TryLaterError),
        Case.TOO_MANY: (Trouble.TOO_MANY, TryLaterError),
        Case.BROKEN_JSON: (Trouble.BROKEN_JSON, UnreadableError),
    }[case]
    limits = IMPATIENT if case is Case.TIME_OUT else QUICK
    erp = connect(session, dialect, limits=limits)
    # Log in first, because a login succeeds even in trouble.
    assert await connect(session, dialect).by_tax_id(CPF)
    dialect.trouble = trouble
    with pytest.raises(expected) as raised:
        await erp.by_tax_id(CPF)
    assert CPF.number not in str(raised.value)
    assert CPF.masked not in str(raised.value)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling(), "it would end at its next failure"
    if adapter_of(dialect).facts.lists_all:
        with pytest.raises(expected):
            await erp.page("")
    dialect.trouble = None
    if case is Case.TIME_OUT:
        # A client with so short a time-out may miss a good answer too.
        erp = connect(session, dialect)
    assert await erp.by_tax_id(CPF) is not None


def many(count: int) -> list[Person]:
    return [
        Person(
            id=n,
            name=f"Pessoa {n}",
            document=make_cpf(100_000_000 + n).number,
            is_active=n % 10 > 0,
            mobile=f"499880{n:05}",
            changed=SINCE + timedelta(minutes=n - 600),
        )
        for n in range(1, count + 1)
    ]


@cases(Case.LIST)
async def test_everybody_is_listed_once(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    dialect.people = many(1203)
    found = await everybody(connect(session, dialect))
    by_id = {record.ref.id: record for record in found if record.ref}
    assert set(by_id) == {str(person.id) for person in dialect.people}
    assert len(found) == len(by_id)
    person, record = dialect.people[700], by_id[str(dialect.people[700].id)]
    digits = "".join(c for c in record.document if c.isalnum())
    assert digits == person.document
    assert record.names[0] == person.name
    assert by_id["10"].status is Status.INACTIVE
    assert by_id["11"].status is Status.ACTIVE
    dialect.people = []
    assert await everybody(connect(session, dialect)) == []


@cases(Case.SAME_PAGE)
async def test_a_page_that_comes_again_ends_the_listing(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    dialect.people, dialect.trouble = many(1203), Trouble.SAME_PAGE
    with pytest.raises(UnreadableError):
        await everybody(connect(session, dialect))


@cases(Case.CHANGES)
async def test_what_changed_since_is_listed(
    session: aiohttp.ClientSession, dialect: Dialect, case: Case
) -> None:
    dialect.people = many(1203)
    erp = connect(session, dialect)
    found = await everybody(erp, since=SINCE)
    ids = {int(record.ref.id) for record in found if record.ref}
    # It returns all changes and few others, because some ERPs know days only.
    assert ids >= {person.id for person in dialect.people if person.changed >= SINCE}
    assert len(ids) < len(dialect.people) or "days only" in dialect.notes
    page = await erp.page("", since=SINCE)
    if page.latest is not None:
        assert page.latest.tzinfo is not None
    dialect.people = [ANA]
    assert await everybody(erp, since=SINCE + timedelta(days=400)) == []


async def test_what_an_erp_has_not_is_refused_with_a_sentence(
    session: aiohttp.ClientSession,
) -> None:
    for kind in DIALECTS:
        facts = find_adapter(kind.name).facts
        assert (Case.LIST in kind.absent) == (not facts.lists_all)
        assert (Case.CHANGES in kind.absent) == (not facts.lists_changes)
        async with kind(people=[ANA]) as dialect:
            erp = connect(session, dialect)
            if not facts.lists_all:
                with pytest.raises(RefusedError, match="no list"):
                    await erp.page("")
            if not facts.lists_changes:
                with pytest.raises(RefusedError, match="no list of changes"):
                    await erp.page("", since=SINCE)
