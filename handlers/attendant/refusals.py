"""The reasons why an attendant's press changes nothing, as sentences."""

from typing import assert_never

from bot.usecases.attending.attend import AlreadyClosed, Gone, TakenBy
from bot.usecases.attending.correct_registration import AnsweredBefore, NoRegistration
from bot.usecases.attending.reopen import CustomerLeft, OpenAlready, OtherIsOpen
from bot.usecases.attending.transfer import NoTarget
from bot.usecases.attending.verify_by_hand import (
    AlreadyVerified,
    NothingToVerify,
    NotVerifiedNow,
    OtherRegistration,
)
from bot.usecases.attending.verify_by_hand import Refusal as NotVerified
from handlers.attendant import texts

Refusal = (
    NotVerified
    | TakenBy
    | OpenAlready
    | OtherIsOpen
    | CustomerLeft
    | NoTarget
    | NoRegistration
    | AnsweredBefore
)


def refused(refusal: Refusal) -> str:
    """Return plain text, because it is shown in an alert window."""
    match refusal:
        case Gone():
            return texts.GONE
        case TakenBy(attendant):
            return texts.taken_by(attendant.name)
        case AlreadyClosed(conversation):
            return texts.already_closed(conversation.closed_by)
        case OpenAlready():
            return texts.OPEN_ALREADY
        case OtherIsOpen(conversation):
            return texts.other_is_open(conversation.protocol)
        case CustomerLeft():
            return texts.CUSTOMER_LEFT
        case AlreadyVerified():
            return texts.ALREADY_VERIFIED
        case NotVerifiedNow():
            return texts.NOT_VERIFIED_NOW
        case NothingToVerify():
            return texts.NOBODY_TO_VERIFY
        case OtherRegistration():
            return texts.SOMEBODY_ELSE
        case NoTarget():
            return texts.NO_TARGET
        case NoRegistration():
            return texts.NO_REGISTRATION
        case AnsweredBefore():
            return texts.ANSWERED_BEFORE
        case _:
            assert_never(refusal)
