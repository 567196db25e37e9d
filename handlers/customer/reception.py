"""What the steps before a conversation need."""

from dataclasses import dataclass

from bot.usecases.arrive import Arrive
from bot.usecases.departments import Departments
from bot.usecases.identify import Identify
from bot.usecases.introduce import ConfirmPhone, Introduce
from bot.usecases.open_conversation import OpenConversation
from handlers.customer.relay import Relay


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Passed to the handlers by name."""

    arrive: Arrive
    identify: Identify
    confirm_phone: ConfirmPhone
    introduce: Introduce
    open_conversation: OpenConversation
    relay: Relay
    departments: Departments
    privacy_text: str
    privacy_url: str
    confirm_identity: bool
