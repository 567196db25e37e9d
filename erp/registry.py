"""Which ERPs there are, by the name in the setting ERP_KIND."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from typing import Final

from pydantic import SecretStr

from bot.domain.errors import RefusedError
from erp import ixc
from erp.adapter import Adapter, Credentials, Erp

ENTRY_POINT_GROUP: Final = "balcao.erp"
_OURS: Final[Mapping[str, Adapter]] = {ixc.NAME: ixc.ADAPTER}


def find_adapter(kind: str) -> Adapter:
    """Return the adapter of that name, ours or one that an installed package offers with an entry
    point (an `Adapter`) in the group `balcao.erp`; raises RefusedError naming those there are."""
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


def open_erp(
    kind: str,
    *,
    url: str = "",
    token: str | SecretStr = "",
    username: str = "",
    password: str | SecretStr = "",
    client_id: str = "",
    client_secret: str | SecretStr = "",
    database: str = "",
) -> AbstractAsyncContextManager[Erp]:
    """An ERP ready to be asked, opened on entering and closed on leaving.

    kind: as in ERP_KIND. Raises RefusedError for an unknown one at once, and for settings that
    cannot be right on entering; nothing is asked of the ERP yet.
    """
    credentials = Credentials(
        url=url,
        token=_secret(token),
        username=username,
        password=_secret(password),
        client_id=client_id,
        client_secret=_secret(client_secret),
        database=database,
    )
    return find_adapter(kind).open(credentials)


def _secret(text: str | SecretStr) -> SecretStr:
    return text if isinstance(text, SecretStr) else SecretStr(text)
