"""Support for tests of syncs: an IXC with rows, and a runner that syncs with it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.demo.documents import make_cpf
from bot.demo.ixc import CREDENTIAL, IxcEmulator
from bot.demo.ixc.records import Row, customer
from bot.domain.job import Job, SyncMode
from bot.usecases.jobs.begin_sync import BeginSync, RunsAlready
from erp.adapter import Connection, Credentials
from erp.breaker import Breaker
from erp.client import Limits, open_session
from erp.registry import find_adapter
from tests.jobs.conftest import JobRunner
from tests.patience import patient

OVERLAP = find_adapter("ixc").facts.overlap


class SyncRunner(JobRunner):
    """A process that syncs with an IXC; its clock stands at `at`."""

    def __init__(self, database: Any, folder: Path, erp: Any) -> None:
        super().__init__(database, folder, erp=erp)
        self.at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.begin = BeginSync(
            system="ixc",
            lists_all=True,
            lists_changes=True,
            overlap=OVERLAP,
            every=timedelta(minutes=60),
            jobs=self.store,
            syncs=self.syncs,
            wake=self._work,
            clock=lambda: self.at,
        )

    async def synced(
        self, mode: SyncMode = SyncMode.FULL, *, everything: bool = False, by: str = "admin:1"
    ) -> Job:
        """Run a sync and return the finished job."""
        begun = await self.begin(mode, everything=everything, by=by)
        assert not isinstance(begun, RunsAlready)
        return await self.job(begun.id)

    async def applied(self, job: Job) -> Job:
        """Let a sync that asks take away what it has asked about; return the finished job."""
        assert job.asks_about_losses
        assert await self.manage.apply_losses(job.id) is not None
        return await self.job(job.id)

    async def named(self) -> dict[str, Any]:
        """Return the stored registrations by tax id."""
        return {d["tax_id"]: d for d in (await self.register()).values()}


@asynccontextmanager
async def syncing(
    database: Any, folder: Path, erp: IxcEmulator, *, kind: type[SyncRunner] = SyncRunner
) -> AsyncIterator[SyncRunner]:
    credentials = Credentials(url=erp.url, token=SecretStr(CREDENTIAL))
    async with open_session() as session:
        connection = Connection(
            session=session,
            credentials=credentials,
            limits=patient(Limits(wait_initial_s=0.001, wait_max_s=0.002, wait_jitter_s=0.001)),
            # A circuit breaker would pause for real seconds.
            breaker=Breaker(failures=10**9),
        )
        yield kind(database, folder, find_adapter("ixc").connect(connection))


def people(count: int, *, begin: int = 1, changed: str = "2026-02-10 14:03:22") -> list[Row]:
    """Return rows of `cliente`, each for a different person."""
    return [
        customer(
            number,
            f"Pessoa {number}",
            make_cpf(200_000_000 + number).masked,
            telefone_celular=f"(49) 9{88_000_000 + number}"[:14],
            email=f"pessoa{number}@exemplo.com.br",
            ultima_atualizacao=changed,
        )
        for number in range(begin, begin + count)
    ]


def cpf(number: int) -> str:
    """Return the CPF of the person with this number."""
    return make_cpf(200_000_000 + number).number


def change(rows: Sequence[Row], number: int, at: str, **values: str) -> None:
    """Edit the record in the ERP, with `at` as its time of change."""
    [row] = [row for row in rows if row["id"] == str(number)]
    row.update(values, ultima_atualizacao=at)
