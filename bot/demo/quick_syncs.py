"""The demo's quick syncs by the clock. A full one would register people who are to be unknown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.app import Balcao
from bot.domain.job import SCHEDULE, SyncMode
from bot.usecases.jobs.begin_sync import RunsAlready
from bot.wording.values import Names
from handlers.admin.files import buttons, report_texts

EVERY_S: Final = 180.0
_HEAD: Final = (
    f"🕒 A cada {EVERY_S / 60:.0f} minutos a demonstração atualiza pelo ERP quem já está no "
    "cadastro."
)
_LOOK_S: Final = 0.2


def quick_syncs(balcao: Balcao, admin_id: int) -> Callable[[], Awaitable[None]]:
    """Return what begins one quick sync, waits for its end and shows it to the admin.

    The first one is always shown, later ones when they changed something. A failure is told as
    that of any scheduled sync.
    """
    is_first = True

    async def sync() -> None:
        nonlocal is_first
        jobs = balcao.jobs
        if jobs.begin_sync is None:
            return
        begun = await jobs.begin_sync(SyncMode.QUICK, by=SCHEDULE)
        if isinstance(begun, RunsAlready):
            return
        while (  # noqa: ASYNC110 - a worker ends it
            job := await jobs.store.get(begun.id)
        ) is not None and job.is_active:
            await asyncio.sleep(_LOOK_S)
        if job is None or job.trouble is not None or not (job.wrote or is_first):
            return
        report = await jobs.work.report(job)
        text = report_texts.report(job, report, Names(timezone=balcao.settings.zone))
        await balcao.bot.send_message(
            admin_id,
            f"{_HEAD}\n\n{text}",
            reply_markup=buttons.keyboard(buttons.of_job(job)),
        )
        is_first = False

    return sync
