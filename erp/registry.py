"""The supported ERPs, by the name in the setting ERP_KIND."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.agreed import Agreed, Marks
from bot.domain.errors import RefusedError
from bot.domain.pace import Pace
from erp import bling, hubsoft, ixc, mk, odoo, omie, sgp, tryton, voalle
from erp.adapter import Adapter, Connection, Credentials, Erp, Gate, Tokens, local_gate
from erp.client import open_session
from erp.shared import marks_alone, pace_alone
from erp.watching import Watch

ENTRY_POINT_GROUP: Final = "balcao.erp"
_OURS: Final[Mapping[str, Adapter]] = {
    ixc.NAME: ixc.ADAPTER,
    hubsoft.NAME: hubsoft.ADAPTER,
    sgp.NAME: sgp.ADAPTER,
    odoo.NAME: odoo.ADAPTER,
    tryton.NAME: tryton.ADAPTER,
    omie.NAME: omie.ADAPTER,
    bling.NAME: bling.ADAPTER,
    mk.NAME: mk.ADAPTER,
    voalle.NAME: voalle.ADAPTER,
}


def find_adapter(kind: str) -> Adapter:
    """Return the adapter of that name, ours or one that an installed package offers.

    A package offers an `Adapter` by an entry point in the group `balcao.erp`. Raises RefusedError
    with the names that exist.
    """
    if kind in _OURS:
        return _OURS[kind]
    others = entry_points(group=ENTRY_POINT_GROUP)
    if kind in others.names:
        adapter = others[kind].load()
        if isinstance(adapter, Adapter):
            return adapter
        raise RefusedError(f"The entry point {kind} in {ENTRY_POINT_GROUP} is not an Adapter")
    known = ", ".join(sorted({*_OURS, *others.names}))
    raise RefusedError(f"There is no ERP called {kind!r}; known: {known}")


@asynccontextmanager
async def open_erp(
    kind: str,
    credentials: Credentials,
    *,
    timezone: ZoneInfo,
    tokens: Tokens | None = None,
    gate: Gate | None = None,
    pace: Agreed[Pace] | None = None,
    marks: Marks | None = None,
    ca_file: Path | None = None,
    watch: Watch | None = None,
) -> AsyncIterator[Erp]:
    """Yield an ERP that is ready for requests; close it at the end.

    kind: as in ERP_KIND. gate, pace, marks: None for those of this process alone.
    ca_file: certificates to trust beside the usual ones. watch: hears of each request.
    Raises RefusedError for an unknown kind and for settings that cannot be right; sends no request
    to the ERP yet.
    """
    adapter = find_adapter(kind)
    async with open_session(ca_file, watch=watch) as session:
        yield adapter.connect(
            Connection(
                session=session,
                credentials=credentials,
                limits=adapter.limits,
                tokens=tokens,
                timezone=timezone,
                gate=gate or local_gate(),
                watch=watch,
                pace=pace or pace_alone(),
                marks=marks or marks_alone(),
            )
        )
