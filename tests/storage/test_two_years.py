"""What is stored does not grow for ever: two years pass by a clock that is passed in.

What the database itself would delete is reckoned from the definitions of the TTL indexes.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.console import SESSION_LASTS, SHOWN_SEARCH_LASTS, Session
from bot.domain.conversation import Attendant, Chat, Identification, Link
from bot.domain.export import ExportOptions
from bot.domain.job import Batch, Counts, Job, JobKind, JobState
from bot.domain.outgoing import Undelivered
from bot.domain.question import Question, Subject
from bot.domain.registration import ChangeSource, Provenance
from bot.domain.search import Query
from bot.domain.team import GroupMember, Invitation
from bot.domain.transcript import Words
from bot.domain.upload import UPLOAD_LASTS, Upload
from bot.runtime.updates.inbox import chat_key
from bot.usecases.company.retention import EndLeftovers, Retain
from bot.wiring.company import ends_of
from storage.engine.indexes import INDEXES
from storage.jobs.choices import Choices
from storage.jobs.jobs import Jobs
from storage.jobs.uploads import Uploads
from storage.people.console import ConsoleSessions, ShownSearches
from storage.people.login_tries import LoginTries
from storage.people.team import Invitations, Members
from storage.register.bulk import Bulk
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.talk.links import Links
from storage.talk.questions import Questions
from storage.talk.retention import DailyRuns, Retention
from storage.updates.inbox import Inbox
from storage.updates.outbox import Outbox
from storage.updates.set_aside import SetAsideUpdates
from storage.updates.states import States, chat_leases
from tests.storage.records import NOW, conversation, outgoing, registration

ROUND: Final = timedelta(days=30)
ROUNDS: Final = 25
# Longer than anything is kept that ends.
GROWN: Final = 15
ZONE: Final = ZoneInfo("America/Sao_Paulo")
BOT: Final = 7
# With the register and its audit; of a job that changed something the audit needs a line.
MAY_GROW: Final = {"registrations", "audit", "people", "jobs"}


class Company:
    """The stores of a company whose customers come and go."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.now = NOW
        self.jobs = Jobs(database)
        self.retain = Retain(
            store=Retention(database), conversations_days=30, clock=self.clock, timezone=ZONE
        )
        self.end = EndLeftovers(
            store=DailyRuns(database, "ends"),
            ends=ends_of(database),
            clock=self.clock,
            timezone=ZONE,
        )

    def clock(self) -> datetime:
        return self.now

    async def some_days(self, number: int) -> None:
        await self._customers(number)
        await self._updates(number)
        await self._team(number)
        await self._jobs(number)
        self.now += ROUND
        await self._night()

    async def sizes(self) -> dict[str, int]:
        names = await self.database.list_collection_names()
        return {name: await self.database[name].count_documents({}) for name in sorted(names)}

    async def _customers(self, number: int) -> None:
        """One leaves after a word, one is served, one is a customer whose record is deleted."""
        chats, conversations = Chats(self.database), Conversations(self.database)
        talking, gone, passing = number * 10, number * 10 + 1, number * 10 + 2
        for chat_id in (talking, passing):
            await chats.put(Chat(id=chat_id, privacy_notice_at=self.now))
        of = Identification(registration_id=f"gone{number}")
        await chats.put(Chat(id=gone, customer=of, privacy_notice_at=self.now))
        stays = registration(id="stays", tax_id=None)
        await Registrations(self.database).create(stays)
        known = Identification(registration_id=stays.id)
        await chats.put(Chat(id=5, customer=known, privacy_notice_at=NOW))
        one = conversation(talking, opened_at=self.now)
        assert await conversations.add(one)
        link = Link(group_id=-1, message_id=number, conversation_id=one.id)
        await Links(self.database).add([link])
        bia = Attendant(id=2, name="Bia")
        await Questions(self.database).put(
            Question(
                group_id=-1,
                message_id=number,
                about=Subject.NOTE,
                conversation_id=one.id,
                asked=bia,
                asked_at=self.now,
            )
        )
        outbox = Outbox(self.database)
        for each in range(3):
            words = Words(at=self.now, text="oi")
            item = outgoing(each, id=f"{number}-{each}", conversation_id="other", words=words)
            await outbox.add([item])
        await outbox.done([f"{number}-0"], at=self.now)
        await outbox.done([f"{number}-2"], at=self.now, said=[f"{number}-2"])
        await outbox.fail([f"{number}-1"], Undelivered.BLOCKED, at=self.now)
        await conversations.close(one.id, bia, at=self.now)
        step = [(f"fsm:{chat_id}", "Customer:asking", {}) for chat_id in (talking, gone, passing)]
        await States(self.database, self.clock).save(step, update_id=number)
        lease = timedelta(seconds=15)
        await chat_leases(self.database).acquire(str(gone), "host:1", now=self.now, lease=lease)

    async def _updates(self, number: int) -> None:
        inbox, ids = Inbox(self.database), range(number * 10, number * 10 + 4)
        message = {"message": {"chat": {"id": number}}}
        await inbox.add(BOT, [(one, str(number), message) for one in ids], at=self.now)
        await inbox.done(BOT, ids[0], at=self.now)
        for one in ids[1:]:
            await inbox.set_aside(BOT, one, at=self.now)
        tend = SetAsideUpdates(self.database, chat_key)
        assert await tend.repeat(f"{BOT}:{ids[1]}")
        await inbox.done(BOT, ids[1], at=self.now)
        assert await tend.drop(f"{BOT}:{ids[2]}", at=self.now)
        # As an earlier version left one.
        old = {"_id": f"{BOT}:{ids[0]}old", "update_id": ids[0], "set_aside_at": self.now}
        await self.database["inbox"].insert_one(old)

    async def _team(self, number: int) -> None:
        invitation = Invitation(
            id=f"i{number}",
            secret_hash="",
            invited_by=1,
            created_at=self.now,
            expires_at=self.now + timedelta(days=1),
        )
        await Invitations(self.database).add(invitation)
        member = GroupMember(group_id=-1, user_id=number, name="B", is_member=True, at=self.now)
        await Members(self.database, self.clock).put(member)
        await LoginTries(self.database).take(f"k{number}", "t", at=self.now, limit=5)
        session = Session(user_id=number, ends_at=self.now + SESSION_LASTS)
        sessions = ConsoleSessions(self.database)
        assert await sessions.add(session, token=f"t{number}", signature=f"s{number}")
        searches, ends_at = ShownSearches(self.database), self.now + SHOWN_SEARCH_LASTS
        await searches.put(f"k{number}", Query(text="ana"), user_id=number, ends_at=ends_at)
        upload = Upload(
            by=f"admin:{number}",
            key=f"k{number}",
            file_id="",
            name="c.csv",
            size_bytes=1,
            mark="",
            ends_at=self.now + UPLOAD_LASTS,
        )
        await Uploads(self.database).put(upload)
        choices = Choices(self.database, self.clock)
        await choices.remember_export(f"admin:{number}", ExportOptions(fields=()))

    async def _jobs(self, number: int) -> None:
        """A sync that changed nothing, a backup, and an import that wrote a batch."""
        over = {"by": "admin:1", "state": JobState.DONE, "created_at": self.now}
        over |= {"ended_at": self.now}
        await self.jobs.add(Job(kind=JobKind.SYNC, **over))
        await self.jobs.add(Job(kind=JobKind.BACKUP, **over))
        wrote = Counts(created=1)
        job = await self.jobs.add(Job(kind=JobKind.IMPORT, counts=wrote, batches=1, **over))
        batch = Batch(job=job.id, number=1, last_line=1, counts=wrote)
        by = Provenance(at=self.now, by="admin:1", way=ChangeSource.IMPORT, job=job.key)
        assert await Bulk(self.database).write(batch, provenance=by)
        await self.database["job_writers"].update_many({}, {"$set": {"at": self.now}})

    async def _night(self) -> None:
        assert await self.retain()
        assert await self.end()
        for name, models in INDEXES.items():
            for model in (one.document for one in models):
                if "expireAfterSeconds" in model:
                    [field] = model["key"]
                    over = self.now - timedelta(seconds=model["expireAfterSeconds"])
                    await self.database[name].delete_many({field: {"$lt": over}})


async def test_two_years_leave_no_more_than_one_does(database: Any):
    company = Company(database)
    for number in range(1, GROWN + 1):
        await company.some_days(number)
    grown = await company.sizes()
    for number in range(GROWN + 1, ROUNDS + 1):
        await company.some_days(number)
    sizes = await company.sizes()
    growing = {
        name: (grown.get(name, 0), size)
        for name, size in sizes.items()
        if name not in MAY_GROW and size > grown.get(name, 0)
    }
    assert growing == {}
    # The last customer is known, and so are those of the register.
    assert {5, ROUNDS * 10} <= {chat["_id"] async for chat in database["chats"].find()}
    jobs = [job async for job in database["jobs"].find()]
    assert len([job for job in jobs if not job["is_summary"]]) <= 13 + 2 * 2 + 2
    # One line for each job that changed the register, and the last backup.
    assert len([job for job in jobs if job["kind"] == "import"]) == ROUNDS
