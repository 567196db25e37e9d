"""Round trips of single messages between a customer and the attendants: `make benchmark`.

Each message comes alone, so that none shares a round trip with another. The bot, the emulators and
the people are one process, whose CPU is the figure's.
"""

from typing import Final

from benchmarks.figures import NOT_MEASURED, Meter
from benchmarks.in_process import serving
from bot.demo import people as demo
from tests.flows.conftest import BIA, Clock

_MESSAGES: Final = 200


async def figures(meter: Meter) -> None:
    async with meter.database() as database, serving(database, Clock()) as (people, _):
        customer = people.customer(demo.ANA)
        with meter.measured("a conversation's opening") as spent:
            await customer.is_in_conversation()
            spent.cpu_s = spent.server_cpu_s = spent.time_s = NOT_MEASURED
        card = people.card["message_id"]
        for warm_up in ("oi", "olá"):
            await customer.says(warm_up)
            await people.group_says(BIA, warm_up, reply_to=card)
        with meter.measured("a customer's message, alone", _MESSAGES) as spent:
            for number in range(_MESSAGES):
                await customer.says(f"mensagem {number}")
            # Waiting for the outbox to be empty is part of it.
            spent.time_s = NOT_MEASURED
        with meter.measured("an attendant's answer, alone", _MESSAGES) as spent:
            for number in range(_MESSAGES):
                await people.group_says(BIA, f"resposta {number}", reply_to=card)
            spent.time_s = NOT_MEASURED
