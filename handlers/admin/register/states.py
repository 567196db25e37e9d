"""Windows of the register's dialogs."""

from aiogram.fsm.state import State, StatesGroup


class RegisterDialog(StatesGroup):
    listing = State()
    filters = State()


class RecordDialog(StatesGroup):
    card = State()
    deleting = State()


class EditDialog(StatesGroup):
    fields = State()
    text = State()
    choice = State()
    country = State()
    password = State()
    conflict = State()


class WizardDialog(StatesGroup):
    main = State()
    country = State()
    priority = State()
    note = State()
    cancelling = State()


class AuditDialog(StatesGroup):
    listing = State()
    filters = State()
    person = State()
    period = State()
    entry = State()
