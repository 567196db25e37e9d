"""The states of the dialog of double entries."""

from aiogram.fsm.state import State, StatesGroup


class DuplicatesDialog(StatesGroup):
    listing = State()
    pair = State()
    union = State()
    done = State()
