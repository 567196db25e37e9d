"""The states of the dialog of departments."""

from aiogram.fsm.state import State, StatesGroup


class DepartmentsDialog(StatesGroup):
    list = State()
    archived = State()
    name = State()
    emoji = State()
    label = State()
    rename = State()
    new_emoji = State()
    hours = State()
    hours_text = State()
    holidays = State()
    holidays_text = State()
    hours_check = State()
