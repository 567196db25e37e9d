"""Where a customer's chat stands."""

from aiogram.fsm.state import State, StatesGroup


class Customer(StatesGroup):
    asking = State()
    """The CPF or CNPJ is awaited."""
    confirming = State()
    """The telephone is awaited, or that it is skipped."""
    username = State()
    """The user name of the portal is awaited."""
    password = State()
    """Its password is awaited: every message is deleted."""
    naming = State()
    """The name is awaited."""
    choosing = State()
    """The department is awaited; what is written meanwhile is kept for its attendants."""
    correcting = State()
    """A request to correct what is stored is awaited, as text."""
    talking = State()
    """Everything goes to the attendants."""
