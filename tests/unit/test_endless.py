"""Lists of an ERP that never end are seen; long ones and repeated passes are not taken for one."""

from collections.abc import Iterator
from itertools import chain, count, cycle, islice, repeat
from random import Random

import pytest

from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import UnreadableError
from bot.domain.registration import ErpRef, Kind
from bot.usecases.jobs.endless import Endless


def page(*ids: int, has_ref: bool = True) -> ErpPage:
    records = [
        ErpRecord(
            ref=ErpRef(system="ixc", table="cliente", id=str(one)) if has_ref else None,
            kind=Kind.CUSTOMER,
            status=None,
            document=f"document {one}",
        )
        for one in ids
    ]
    return ErpPage(records=records, next="on")


def pages(numbers: Iterator[int] | range, *, has_ref: bool = True) -> Iterator[ErpPage]:
    return (page(*range(n * 5, n * 5 + 5), has_ref=has_ref) for n in numbers)


@pytest.mark.parametrize(
    "listing",
    [
        pages(repeat(0)),
        pages(repeat(0), has_ref=False),
        pages(chain(range(100), repeat(99))),
        pages(cycle(range(2))),
        pages(cycle(range(15))),
        pages(cycle(range(300))),
        pages(chain(range(50), cycle(range(40, 50)))),
        # A round that never comes back to the first page, longer than the pages that are noted.
        *(pages(chain(range(n), cycle(range(n, n + 25)))) for n in (1, 3, 60, 300)),
        pages(chain(range(3), cycle(range(3, 250)))),
        (page(n % 5, (n + 1) % 5) for n in count()),
        # The same rows again and again in no order.
        (page(*Random(n).sample(range(300), 5)) for n in count()),  # noqa: S311 - no secret
        (page() for _ in count()),
        chain(pages(range(30)), (page() for _ in count())),
    ],
)
def test_a_list_that_never_ends_is_seen(listing: Iterator[ErpPage]):
    endless = Endless()

    def read() -> None:
        for one in islice(listing, 5_000):
            endless.check(one)

    with pytest.raises(UnreadableError):
        read()


@pytest.mark.parametrize(
    "listing",
    [
        pages(range(3_000)),
        # Two passes by different filters, and then the whole list, of few and of many pages.
        *(pages([*range(n), *range(n), *range(n)]) for n in (1, 2, 20, 21, 100)),
        chain(pages(range(5)), (page() for _ in range(500)), pages(range(5, 10))),
        # Rows that move between the pages.
        (page(*range(n, n + 5)) for n in range(500)),
    ],
)
def test_a_list_that_ends_is_read_to_its_end(listing: Iterator[ErpPage]):
    endless = Endless()
    for one in listing:
        endless.check(one)
