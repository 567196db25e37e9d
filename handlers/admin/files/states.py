"""Windows of the dialogs of imports and exports."""

from aiogram.fsm.state import State, StatesGroup


class ImportDialog(StatesGroup):
    main = State()
    columns = State()
    column = State()
    fields = State()
    kind = State()
    accept = State()


class ExportDialog(StatesGroup):
    main = State()
    fields = State()
