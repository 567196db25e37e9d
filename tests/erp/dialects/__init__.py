"""The dialects that the suite speaks, one for each adapter."""

from tests.erp.dialects.dialect import Dialect
from tests.erp.dialects.ixc import IxcDialect

DIALECTS: tuple[type[Dialect], ...] = (IxcDialect,)
