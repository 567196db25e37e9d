"""Undo: a job's changes are reverted, and later changes by others stay."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.fields import UPDATABLE
from bot.domain.job import Job, JobState
from bot.usecases.jobs.manage_jobs import CannotUndo
from bot.usecases.register.edit_registration import (
    Edited,
    EditRegistration,
    Removed,
    RemoveRegistration,
)
from storage.register.audit import Audit
from storage.register.registrations import Registrations
from storage.register.verify import verify
from tests.jobs.conftest import HEADER, JobRunner
from tests.jobs.rows import row, stored

DORA = "admin:7"


async def edit(runner: JobRunner, number: int, **values: Any) -> None:
    register = Registrations(runner.database)
    one = await stored(runner, number)
    change = EditRegistration(register=register, audit=Audit(runner.database), clock=runner.now)
    edited = await change(one.id, read_version=one.version, values=values, by=DORA)
    assert isinstance(edited, Edited)


async def test_an_import_is_taken_back_whole(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(250))])
    before = await runner.register()
    rows = [HEADER, *(row(n, email=f"novo{n}@example.com.br") for n in range(0, 500, 2))]
    job = await runner.imported(rows)
    assert (job.counts.created, job.counts.updated) == (125, 125)
    assert await runner.register() != before
    undo = await runner.undone(job)
    assert undo.counts.model_dump(exclude_defaults=True) == {
        "rows": 250,
        "updated": 125,
        "removed": 125,
    }
    assert await runner.register() == before
    assert (await runner.job(job.id)).undone_by == undo.id


async def test_an_undo_can_be_undone(runner: JobRunner):
    await runner.imported([HEADER, row(1)])
    job = await runner.imported([HEADER, row(1, email="novo@example.com.br"), row(2)])
    after = await runner.register()
    undo = await runner.undone(job)
    again = await runner.undone(undo)
    assert again.counts.model_dump(exclude_defaults=True) == {
        "rows": 2,
        "updated": 1,
        "restored": 1,
    }
    assert await runner.register() == after
    # The undo of an undo can be undone too.
    third = await runner.undone(again)
    assert third.counts.model_dump(exclude_defaults=True) == {
        "rows": 2,
        "updated": 1,
        "removed": 1,
    }


async def test_what_somebody_changed_since_stays_and_is_listed(runner: JobRunner):
    await runner.imported([HEADER, *map(row, range(3))])
    changes = {"email": "novo@example.com.br", "observacao": "nova"}
    job = await runner.imported([HEADER, *(row(n, **changes) for n in range(5))])
    await edit(runner, 0, email="dora@example.com.br")
    await edit(runner, 3, name="Corrigida")
    undo = await runner.undone(job)
    assert undo.counts.model_dump(exclude_defaults=True) == {
        "rows": 5,
        "updated": 3,
        "removed": 1,
        "kept": 2,
    }
    one = await stored(runner, 0)
    assert (one.email, one.fixed_note) == ("dora@example.com.br", None)
    assert (await stored(runner, 3)).name == "Corrigida"
    assert await stored(runner, 4) is None
    kept = (await runner.work.report(undo)).kept
    assert sorted((k.name, k.paths) for k in kept) == [
        ("Corrigida", ()),
        ("Pessoa 0", ("email",)),
    ]


async def test_who_was_deleted_since_is_not_brought_back(runner: JobRunner):
    await runner.imported([HEADER, row(1)])
    job = await runner.imported([HEADER, row(1, email="novo@example.com.br"), row(2)])
    for number in (1, 2):
        remove = RemoveRegistration(register=Registrations(runner.database), clock=runner.now)
        one = await stored(runner, number)
        assert isinstance(await remove(one.id, read_version=one.version, by=DORA), Removed)
    undo = await runner.undone(job)
    assert undo.counts.model_dump(exclude_defaults=True) == {
        "rows": 2,
        "kept": 1,
        "unchanged": 1,
    }
    assert await runner.register() == {}


async def test_a_tax_id_that_somebody_has_by_now_is_not_given_twice(runner: JobRunner):
    job = await runner.imported([HEADER, row(1)])
    undo = await runner.undone(job)
    await runner.imported([HEADER, row(1, Nome="Outra pessoa")])
    again = await runner.undone(undo)
    assert again.counts.model_dump(exclude_defaults=True) == {"rows": 1, "kept": 1}
    assert (await stored(runner, 1)).name == "Outra pessoa"


async def test_pressed_twice_it_is_undone_once(runner: JobRunner):
    job = await runner.imported([HEADER, row(1)])
    first, second = await asyncio.gather(
        runner.manage.undo(job.id, by=DORA), runner.manage.undo(job.id, by=DORA)
    )
    begun = [one for one in (first, second) if isinstance(one, Job)]
    assert len(begun) == 1
    assert [one for one in (first, second) if not isinstance(one, Job)] == [
        CannotUndo.UNDONE_ALREADY
    ]


async def test_what_cannot_be_undone_is_said(runner: JobRunner):
    assert await runner.manage.undo(99, by=DORA) is CannotUndo.UNKNOWN
    job = await runner.begun([HEADER, row(1)], state=JobState.DRAFT)
    assert await runner.manage.undo(job.id, by=DORA) is CannotUndo.NOT_OVER
    nothing = await runner.imported([HEADER, row(1, email="nada")])
    assert await runner.manage.undo(nothing.id, by=DORA) is CannotUndo.NOTHING_WRITTEN


async def test_the_chain_of_the_audit_holds_through_it(runner: JobRunner):
    await runner.imported([HEADER, row(1)])
    job = await runner.imported([HEADER, row(1, email="novo@example.com.br"), row(2)])
    await runner.undone(await runner.undone(job))
    found = await verify(runner.database, lambda _: None)
    assert not found.broken, found


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
rows = st.lists(
    st.builds(
        row,
        st.integers(0, 8),
        Nome=names,
        email=st.sampled_from(["", "a@example.com.br", "b@example.com.br", "nada"]),
        celular=st.sampled_from(["", "(49) 99999-0001", "(11) 98888-7777", "12"]),
        tipoRegistro=st.sampled_from(["", "cliente", "fornecedor", "cliente, prospect"]),
        etiqueta=st.sampled_from(["", "VIP"]),
        observacao=st.sampled_from(["", "=1+1", "linha\noutra"]),
    ),
    min_size=1,
    max_size=12,
)


@given(
    first=rows,
    second=rows,
    fields=st.frozensets(st.sampled_from(UPDATABLE)),
    update=st.booleans(),
)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_import_then_undo_gives_the_register_before(
    runner: JobRunner, first: Any, second: Any, fields: frozenset[str], update: bool
):
    await runner.database["registrations"].delete_many({})
    await runner.imported([HEADER, *first])
    before = await runner.register()
    job = await runner.imported([HEADER, *second], update=update, fields=tuple(fields))
    if job.can_be_undone:
        await runner.undone(job)
    assert await runner.register() == before
