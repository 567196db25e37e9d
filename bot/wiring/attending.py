"""The wiring of the attendants' use cases."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.reminder import RemindAfter
from bot.usecases.attending.attend import Attend
from bot.usecases.attending.correct_registration import CorrectRegistration
from bot.usecases.attending.queue import FindConversation, ShowQueue
from bot.usecases.attending.read_transcript import ReadTranscript
from bot.usecases.attending.ready_answers import UseReadyAnswers
from bot.usecases.attending.register_prospect import RegisterProspect
from bot.usecases.attending.remind import AnnounceOpening, RemindOfWaiting
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.attending.transfer import TransferConversation
from bot.usecases.attending.verify_by_hand import VerifyByHand
from bot.usecases.attending.watch_queue import FollowRegistrations, QueueRounds
from bot.usecases.register.edit_registration import EditRegistration
from bot.wiring.company import Company
from bot.wiring.register import Register
from bot.wiring.relaying import Relaying
from bot.wiring.shared import Shared
from handlers.attendant.news import Reminders, TransferNews
from storage.people.login_tries import LoginTries
from storage.talk.questions import Questions
from storage.talk.queue import Queue
from storage.talk.ready_answers import ReadyAnswers
from storage.talk.verifications import Verifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending:
    handlers: dict[str, object]
    """What the handlers get by name."""
    reopen: ReopenConversation
    register_prospect: RegisterProspect
    rounds: QueueRounds


def build_attending(
    shared: Shared, relaying: Relaying, company: Company, register: Register
) -> Attending:
    """Build it; nothing is started."""
    queue = Queue(shared.database)
    register_prospect = RegisterProspect(
        apply=register.apply_candidate,
        chats=shared.chats,
        conversations=shared.conversations,
        made=LoginTries(shared.database),
        alerts=company.alerts,
        holding=shared.locks.holding,
        clock=shared.clock,
    )
    transfer = _transfer(shared, relaying, company, queue, register_prospect)
    reopen = ReopenConversation(
        queue=queue,
        chats=shared.chats,
        conversations=shared.conversations,
        departments=shared.departments,
        show_card=relaying.show_card,
        register_prospect=register_prospect,
        attends=company.role_of.attends,
        within=timedelta(hours=shared.settings.reopen_hours),
        clock=shared.clock,
    )
    handlers = _on_a_card(shared, relaying, register.services.edit, register_prospect)
    handlers |= _of_the_queue(shared, relaying, queue) | {
        "sending": relaying.sending,
        "links": relaying.links,
        "outbox": relaying.outbox,
        "transfer": transfer,
        "reopen_conversation": reopen,
    }
    reminders = Reminders(sending=relaying.sending, admin_ids=company.role_of.admin_ids)
    rounds = _rounds(shared, relaying, queue, transfer, reminders)
    return Attending(
        handlers=handlers, reopen=reopen, register_prospect=register_prospect, rounds=rounds
    )


def _transfer(
    shared: Shared,
    relaying: Relaying,
    company: Company,
    queue: Queue,
    register_prospect: RegisterProspect,
) -> TransferConversation:
    return TransferConversation(
        queue=queue,
        conversations=shared.conversations,
        registrations=shared.registrations,
        departments=shared.departments,
        show_card=relaying.show_card,
        register_prospect=register_prospect,
        members=company.members,
        groups=company.groups,
        attends=company.role_of.attends,
        news=TransferNews(
            sending=relaying.sending,
            conversations=shared.conversations,
            office_hours=shared.office_hours,
            timezone=shared.timezone,
        ),
        transcripts=relaying.transcripts,
        holding=shared.locks.holding,
        clock=shared.clock,
    )


def _of_the_queue(shared: Shared, relaying: Relaying, queue: Queue) -> dict[str, object]:
    """Return the use cases that find conversations, by the names that the handlers use."""
    return {
        "show_queue": ShowQueue(
            queue=queue,
            registrations=shared.registrations,
            departments=shared.departments,
            clock=shared.clock,
        ),
        "find_conversation": FindConversation(queue=queue, read_card=relaying.read_card),
        "read_transcript": ReadTranscript(
            queue=queue,
            conversations=shared.conversations,
            departments=shared.departments,
            transcripts=relaying.transcripts,
            kept_days=shared.settings.transcript_days,
            clock=shared.clock,
        ),
    }


def _on_a_card(
    shared: Shared,
    relaying: Relaying,
    edit: EditRegistration,
    register_prospect: RegisterProspect,
) -> dict[str, object]:
    """Return the use cases of one conversation, by the names that the handlers use."""
    questions = Questions(shared.database)
    return {
        "attend": Attend(
            conversations=shared.conversations,
            show_card=relaying.show_card,
            read_card=relaying.read_card,
            register_prospect=register_prospect,
            clock=shared.clock,
        ),
        "verify_by_hand": VerifyByHand(
            chats=shared.chats,
            conversations=shared.conversations,
            registrations=shared.registrations,
            show_card=relaying.show_card,
            verifications=Verifications(shared.database),
            holding=shared.locks.holding,
            clock=shared.clock,
        ),
        "ready_answers": UseReadyAnswers(
            answers=ReadyAnswers(shared.database),
            departments=shared.departments,
            read_card=relaying.read_card,
        ),
        "questions": questions,
        "correct": CorrectRegistration(
            questions=questions,
            conversations=shared.conversations,
            registrations=shared.registrations,
            show_card=relaying.show_card,
            edit=edit,
        ),
    }


def _rounds(
    shared: Shared,
    relaying: Relaying,
    queue: Queue,
    transfer: TransferConversation,
    reminders: Reminders,
) -> QueueRounds:
    settings = shared.settings
    return QueueRounds(
        follow_registrations=FollowRegistrations(
            queue=queue,
            registrations=shared.registrations,
            show_card=relaying.show_card,
            holding=shared.locks.holding,
        ),
        remind=RemindOfWaiting(
            queue=queue,
            registrations=shared.registrations,
            departments=shared.departments,
            reminders=reminders,
            after=RemindAfter(
                anybody=timedelta(minutes=settings.remind_minutes),
                priority=timedelta(minutes=settings.priority_reminder_minutes),
                admins=timedelta(minutes=settings.remind_admins_minutes),
            ),
            holding=shared.locks.holding,
            clock=shared.clock,
            timezone=shared.timezone,
        ),
        announce_opening=AnnounceOpening(
            queue=queue,
            registrations=shared.registrations,
            departments=shared.departments,
            reminders=reminders,
            clock=shared.clock,
            timezone=shared.timezone,
        ),
        transfer=transfer,
    )
