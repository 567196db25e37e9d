"""Draws docs/panel.png from invented conversations: `.venv/bin/python docs/make_panel.py`."""

import asyncio
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from PIL import Image

from bot.domain.conversation import Identity
from bot.domain.panel import Figures, FigureSums, KindCount, Opened, RegisterCount, latest_days
from bot.domain.registration import Kind
from bot.runtime.charts.drawing import DrawCharts
from bot.wording.panel import charts

PICTURE = Path(__file__).with_name("panel.png")
ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 24, 17, 30, tzinfo=ZONE)
WIDTH, GAP = 480, 24
DEPARTMENTS = {"s": "Suporte técnico", "f": "Financeiro", "v": "Vendas"}
IDENTITIES = [Identity.VERIFIED] * 5 + [Identity.UNVERIFIED] * 3 + [Identity.NOT_IDENTIFIED]
REGISTER = RegisterCount(
    active=3_912,
    inactive=344,
    kinds=(
        KindCount(kind=Kind.CUSTOMER, active=3_644, inactive=331),
        KindCount(kind=Kind.SUPPLIER, active=112, inactive=9),
        KindCount(kind=Kind.SERVICE_PROVIDER, active=31, inactive=4),
        KindCount(kind=Kind.PROSPECT, active=125, inactive=0),
    ),
)


def invented() -> Figures:
    random = Random(7)  # noqa: S311 - the same picture each time
    period = latest_days(30, today=date(2026, 11, 24))
    sums = FigureSums(period, timezone=ZONE, now=NOW)
    for _ in range(1_240):
        day = period.first + timedelta(days=random.randrange(period.days - 1))
        hour = min(21, max(7, int(random.gauss(13, 3.5))))
        at = datetime(day.year, day.month, day.day, hour, random.randrange(60), tzinfo=ZONE)
        usual_s = 2_400 if hour in (7, 12, 19, 20, 21) else 260
        claimed = at + timedelta(seconds=20 + random.expovariate(1 / usual_s))
        identity = random.choice(IDENTITIES)
        sums.add(
            Opened(
                department_id=random.choice("sssffv"),
                opened_at=at,
                claimed_at=claimed if random.random() > 0.02 else None,
                closed_at=claimed + timedelta(minutes=20) if random.random() > 0.05 else None,
                priority=random.random() < 0.08,
                identity=identity,
                registration_id=None,
                owes_lookup=False,
            ),
            is_new_prospect=random.random() < 0.3,
        )
    return sums.figures(REGISTER, departments=DEPARTMENTS)


async def main() -> None:
    drawn = await DrawCharts()(charts(invented()))
    pictures = [Image.open(BytesIO(png)).convert("RGB") for png in drawn]
    small = [
        picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)))
        for picture in pictures
    ]
    # Left column: waits and outcomes. Right column: departments and register.
    left, right = small[:1] + small[3:], small[1:3]
    heights = [sum(one.height for one in column) for column in (left, right)]
    whole = Image.new("RGB", (2 * WIDTH + GAP, max(heights)), "white")
    for x, column in ((0, left), (WIDTH + GAP, right)):
        y = 0
        for picture in column:
            whole.paste(picture, (x, y))
            y += picture.height
    whole.quantize(24).save(PICTURE, optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
