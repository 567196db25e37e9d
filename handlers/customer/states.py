"""States of a customer's chat."""

from aiogram.fsm.state import State, StatesGroup


class Customer(StatesGroup):
    asking = State()
    """The CPF or CNPJ is awaited."""
    confirming = State()
    """The telephone is awaited, or that the customer skips it."""
    username = State()
    """The user name of the portal is awaited."""
    password = State()
    """The password of the portal is awaited; every message is deleted."""
    naming = State()
    """The name is awaited."""
    choosing = State()
    """The department is awaited; messages are kept for its attendants until then."""
    correcting = State()
    """The text of a request to correct stored data is awaited."""
    talking = State()
    """Everything goes to the attendants."""
