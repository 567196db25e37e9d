"""The wiring of the attendants' use cases."""

from dataclasses import dataclass
from datetime import timedelta

from bot.usecases.attending.add_note import AddNote
from bot.usecases.attending.attend import Attend
from bot.usecases.attending.queue import FindConversation, ShowQueue
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.attending.transfer import TransferConversation
from bot.usecases.attending.verify_by_hand import VerifyByHand
from bot.usecases.attending.watch_queue import FollowRegistrations, QueueRounds, RemindOfPriority
from bot.usecases.register.edit_registration import EditRegistration
from bot.wiring.company import Company
from bot.wiring.relaying import Relaying
from bot.wiring.shared import Shared
from handlers.attendant.news import Reminders, TransferNews
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations
from storage.talk.questions import Questions
from storage.talk.queue import Queue
from storage.talk.verifications import Verifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending:
    handlers: dict[str, object]
    """What the handlers get by name."""
    reopen: ReopenConversation
    rounds: QueueRounds


def build_attending(
    shared: Shared, *, relaying: Relaying, company: Company, edit: EditRegistration
) -> Attending:
    """Build it; nothing is started."""
    settings, database, clock = shared.settings, shared.database, shared.clock
    role_of, holding = company.role_of, shared.locks.holding
    show_card, chats = relaying.show_card, Chats(database)
    queue, questions = Queue(database), Questions(database)
    transfer = TransferConversation(
        queue=queue,
        show_card=show_card,
        members=company.members,
        groups=company.groups,
        attends=role_of.attends,
        news=TransferNews(relaying.sending),
        holding=holding,
        clock=clock,
    )
    reopen = ReopenConversation(
        queue=queue,
        chats=chats,
        show_card=show_card,
        attends=role_of.attends,
        within=timedelta(hours=settings.reopen_hours),
        clock=clock,
    )
    handlers: dict[str, object] = {
        "attend": Attend(
            conversations=Conversations(database),
            links=relaying.links,
            show_card=show_card,
            clock=clock,
        ),
        "sending": relaying.sending,
        "outbox": relaying.outbox,
        "verify_by_hand": VerifyByHand(
            chats=chats,
            show_card=show_card,
            verifications=Verifications(database),
            holding=holding,
            clock=clock,
        ),
        "questions": questions,
        "transfer": transfer,
        "reopen_conversation": reopen,
        "add_note": AddNote(questions=questions, show_card=show_card, edit=edit),
        "show_queue": ShowQueue(
            queue=queue,
            registrations=Registrations(database),
            departments=shared.departments,
            clock=clock,
        ),
        "find_conversation": FindConversation(queue=queue, show_card=show_card),
    }
    rounds = QueueRounds(
        follow_registrations=FollowRegistrations(queue=queue, show_card=show_card),
        remind=RemindOfPriority(
            queue=queue,
            show_card=show_card,
            reminders=Reminders(relaying.sending),
            every=timedelta(minutes=settings.priority_reminder_minutes),
            clock=clock,
        ),
        transfer=transfer,
    )
    return Attending(handlers=handlers, reopen=reopen, rounds=rounds)
