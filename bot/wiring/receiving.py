"""The wiring of the customer's chat, from the first word to the open conversation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.privacy_notice import PrivacyNotice
from bot.runtime.leases import ChatLocks
from bot.runtime.passwords import Argon2Passwords
from bot.settings import Settings
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.company.departments import Departments
from bot.usecases.customer.arrive import Arrive
from bot.usecases.customer.identify import Identify, LookUp
from bot.usecases.customer.introduce import ConfirmPhone, Introduce, RegisterProspect
from bot.usecases.customer.leave import Leave
from bot.usecases.customer.log_in import LogIn
from bot.usecases.customer.my_data import ReadMyData
from bot.usecases.customer.open_conversation import OpenConversation
from bot.usecases.customer.renew_notice import RenewNotice
from bot.usecases.customer.retry_lookups import IdentifyConversation, RetryLookups
from bot.usecases.register.apply_plan import ApplyPlan
from bot.wiring.relaying import Relaying
from handlers.customer.reception import Reception
from storage.engine.connection import Database
from storage.people.data_subject import DataSubjects
from storage.people.login_tries import LoginTries
from storage.register.registrations import Registrations
from storage.talk.conversations import Chats, Conversations


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    handlers: dict[str, Any]
    """What the handlers get by name."""
    retry_lookups: RetryLookups


def build_receiving(
    settings: Settings,
    database: Database,
    *,
    relaying: Relaying,
    reopen: ReopenConversation,
    departments: Departments,
    look_up: LookUp,
    apply_plan: ApplyPlan,
    passwords: Argon2Passwords,
    forget_content: Callable[[int], Awaitable[None]],
    locks: ChatLocks,
    clock: Callable[[], datetime],
) -> Receiving:
    """Put together, and nothing started."""
    chats, conversations = Chats(database), Conversations(database)
    registrations, show_card = Registrations(database), relaying.show_card
    register_prospect = RegisterProspect(apply_plan=apply_plan, clock=clock)
    notice = PrivacyNotice(settings.privacy_text, settings.privacy_url)
    reception = Reception(
        arrive=Arrive(
            chats=chats,
            conversations=conversations,
            registrations=registrations,
            reopen=reopen,
            notice=notice,
            clock=clock,
        ),
        identify=Identify(chats=chats, look_up=look_up, clock=clock, timezone=settings.zone),
        confirm_phone=ConfirmPhone(chats=chats, registrations=registrations, clock=clock),
        log_in=LogIn(
            chats=chats,
            registrations=registrations,
            passwords=passwords,
            tries=LoginTries(database),
            clock=clock,
            timezone=settings.zone,
        ),
        forget_content=forget_content,
        introduce=Introduce(chats=chats, register_prospect=register_prospect),
        open_conversation=OpenConversation(
            chats=chats,
            conversations=conversations,
            show_card=show_card,
            clock=clock,
            timezone=settings.zone,
        ),
        relay=relaying.relay,
        departments=departments,
        privacy_text=settings.privacy_text,
        privacy_url=settings.privacy_url,
        confirm_identity=settings.confirm_identity == "phone",
        portal_login=settings.portal_login,
    )
    handlers: dict[str, Any] = {
        "renew_notice": RenewNotice(chats=chats, notice=notice, clock=clock),
        "my_data": ReadMyData(chats=chats, subjects=DataSubjects(database), clock=clock),
        "leave": Leave(chats=chats, conversations=conversations, show_card=show_card, clock=clock),
        "reception": reception,
    }
    retry_lookups = RetryLookups(
        chats=chats,
        conversations=conversations,
        look_up=look_up,
        register_prospect=register_prospect,
        identify_conversation=IdentifyConversation(
            conversations=conversations, registrations=registrations, show_card=show_card
        ),
        holding=locks.holding,
        clock=clock,
    )
    return Receiving(handlers=handlers, retry_lookups=retry_lookups)
