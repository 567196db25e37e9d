"""The wiring of the customer's chat, from the first word to the open conversation."""

from dataclasses import dataclass

from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.attending.reopen import ReopenConversation
from bot.usecases.customer.arrive import Arrive
from bot.usecases.customer.identify import Identify, LookUp
from bot.usecases.customer.introduce import ConfirmPhone, Introduce, RegisterProspect
from bot.usecases.customer.leave import Leave
from bot.usecases.customer.log_in import LogIn
from bot.usecases.customer.my_data import ReadMyData
from bot.usecases.customer.open_conversation import OpenConversation
from bot.usecases.customer.renew_notice import RenewNotice
from bot.usecases.customer.retry_lookups import IdentifyConversation, RetryLookups
from bot.wiring.register import Register
from bot.wiring.relaying import Relaying
from bot.wiring.shared import Shared
from handlers.customer.reception import Reception
from storage.people.data_subject import DataSubjects
from storage.people.login_tries import LoginTries


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    handlers: dict[str, object]
    """What the handlers get by name."""
    retry_lookups: RetryLookups


def build_receiving(
    shared: Shared,
    *,
    relaying: Relaying,
    reopen: ReopenConversation,
    register: Register,
    lookup_budget_s: float,
) -> Receiving:
    """Build it; nothing is started."""
    settings, database, clock = shared.settings, shared.database, shared.clock
    apply = register.apply_candidate
    look_up = LookUp(
        erp=shared.erp,
        registrations=shared.registrations,
        apply=apply,
        clock=clock,
        budget_s=lookup_budget_s,
    )
    chats, conversations = shared.chats, shared.conversations
    registrations, show_card = shared.registrations, relaying.show_card
    register_prospect = RegisterProspect(apply=apply, clock=clock)
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
            passwords=register.passwords,
            tries=LoginTries(database),
            clock=clock,
            timezone=settings.zone,
        ),
        forget_content=register.forget_content,
        introduce=Introduce(chats=chats, register_prospect=register_prospect),
        open_conversation=OpenConversation(
            chats=chats,
            conversations=conversations,
            registrations=registrations,
            show_card=show_card,
            clock=clock,
            timezone=settings.zone,
        ),
        relay=relaying.relay,
        departments=shared.departments,
        privacy_text=settings.privacy_text,
        privacy_url=settings.privacy_url,
        confirm_identity=settings.confirm_identity == "phone",
        portal_login=settings.portal_login,
    )
    handlers: dict[str, object] = {
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
        holding=shared.locks.holding,
        clock=clock,
    )
    return Receiving(handlers=handlers, retry_lookups=retry_lookups)
