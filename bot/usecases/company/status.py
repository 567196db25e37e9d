"""Use case: report the status of the bot, each part independently of the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import structlog

from bot.domain.backup import Backups
from bot.domain.broker_link import BrokerAway
from bot.domain.conversation import Department
from bot.domain.errors import AppError, Problem
from bot.domain.group import GroupAccess
from bot.domain.retention import RetentionRun
from bot.usecases.jobs.begin_sync import LastSync
from bot.usecases.ports import AccessToGroup, ErpProbe

PART_S: Final = 5.0
"""The time-out of each part, in seconds."""
GROUPS_AT_MOST: Final = 12
Answer = TypeVar("Answer")

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Failed:
    """A part whose status could not be read."""

    problem: Problem | None = None
    is_slow: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """The backlog of the inbox and the outbox."""

    pending: int
    set_aside: int
    """Updates that failed and are not retried unless an admin asks for it."""
    unsent: int = 0
    """Messages that wait in the outbox."""
    unsent_since: datetime | None = None
    """The time since which the oldest of them waits."""
    undelivered: int = 0
    """Messages that were given up, and can be sent again."""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    department: Department
    access: GroupAccess | Failed | None
    """None when the department has no group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The active departments with the access to their groups; `more` were not checked."""

    asked: tuple[GroupStatus, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    version: str
    running_since: datetime
    checked_at: datetime
    is_embedded: bool
    database: Failed | None
    """None when the database answers."""
    registrations: int | Failed
    open_conversations: int | Failed
    waiting: Waiting | Failed
    backups: Backups | Failed
    has_broker: bool
    """True if jobs go over a broker, as long as it is there."""
    broker_away: BrokerAway | None
    erp: str
    """The ERP's name; empty when there is none."""
    erp_answer: Failed | None
    last_sync: LastSync | Failed | None
    """None when there is no ERP."""
    retained: RetentionRun | Failed | None
    """The last deletion of old conversations; None before the first, or when all are kept."""
    groups: Groups | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """Reads all parts concurrently; a part that fails or is too slow becomes `Failed`."""

    version: str
    running_since: datetime
    is_embedded: bool
    database_answers: Callable[[], Awaitable[None]]
    registrations: Callable[[], Awaitable[int]]
    open_conversations: Callable[[], Awaitable[int]]
    waiting: Callable[[], Awaitable[Waiting]]
    backups: Callable[[], Awaitable[Backups]]
    has_broker: bool
    broker_away: Callable[[], BrokerAway | None]
    erp_name: str
    erp: ErpProbe | None
    last_sync: Callable[[], Awaitable[LastSync]] | None
    retained: Callable[[], Awaitable[RetentionRun | None]] | None
    departments: Callable[[], Awaitable[Sequence[Department]]]
    access_to_group: AccessToGroup
    clock: Callable[[], datetime]
    part_s: float = PART_S

    async def __call__(self) -> Status:
        async with asyncio.TaskGroup() as parts:
            database = parts.create_task(self._tried(self.database_answers()))
            registrations = parts.create_task(self._tried(self.registrations()))
            conversations = parts.create_task(self._tried(self.open_conversations()))
            waiting = parts.create_task(self._tried(self.waiting()))
            backups = parts.create_task(self._tried(self.backups()))
            erp = parts.create_task(self._tried(self.erp.probe() if self.erp else _nothing()))
            last_sync = parts.create_task(
                self._tried(self.last_sync() if self.last_sync else _nothing())
            )
            retained = parts.create_task(
                self._tried(self.retained() if self.retained else _nothing())
            )
            groups = parts.create_task(self._groups())
        return Status(
            version=self.version,
            running_since=self.running_since,
            checked_at=self.clock(),
            is_embedded=self.is_embedded,
            database=database.result(),
            registrations=registrations.result(),
            open_conversations=conversations.result(),
            waiting=waiting.result(),
            backups=backups.result(),
            has_broker=self.has_broker,
            broker_away=self.broker_away(),
            erp=self.erp_name if self.erp else "",
            erp_answer=erp.result(),
            last_sync=last_sync.result(),
            retained=retained.result(),
            groups=groups.result(),
        )

    async def _groups(self) -> Groups | Failed:
        began = asyncio.get_running_loop().time()
        departments = await self._tried(self.departments())
        if isinstance(departments, Failed):
            return departments
        # One time-out for both steps: the groups get what the departments left of it.
        left_s = max(0.0, self.part_s - (asyncio.get_running_loop().time() - began))
        active = [one for one in departments if not one.archived]
        asked = active[:GROUPS_AT_MOST]
        answers = await asyncio.gather(*(self._access(one.group_id, left_s) for one in asked))
        return Groups(asked=tuple(map(GroupStatus, asked, answers)), more=len(active) - len(asked))

    async def _access(self, group_id: int | None, within_s: float) -> GroupAccess | Failed | None:
        if group_id is None:
            return None
        return await self._tried(self.access_to_group(group_id), within_s)

    async def _tried(
        self, part: Awaitable[Answer], within_s: float | None = None
    ) -> Answer | Failed:
        try:
            async with asyncio.timeout(self.part_s if within_s is None else within_s):
                return await part
        except TimeoutError:
            return Failed(is_slow=True)
        except AppError as error:
            logger.warning("part of the status failed", error=str(error))
            return Failed(error.problem)
        except Exception:
            # A fault in one part must not hide the others: admins use this report to find faults.
            logger.exception("part of the status failed")
            return Failed()


async def _nothing() -> None: ...
