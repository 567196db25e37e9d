"""The ERP dialects that the suite runs, at least one for each adapter."""

from tests.erp.dialects.bling import BlingDialect
from tests.erp.dialects.dialect import Dialect
from tests.erp.dialects.hubsoft import HubSoftDialect
from tests.erp.dialects.ixc import IxcDialect
from tests.erp.dialects.mk import MkDialect
from tests.erp.dialects.odoo import OdooJson2Dialect, OdooRpcDialect
from tests.erp.dialects.omie import OmieDialect
from tests.erp.dialects.sgp import SgpDialect
from tests.erp.dialects.tryton import Tryton7Dialect, Tryton8Dialect
from tests.erp.dialects.voalle import VoalleDialect

DIALECTS: tuple[type[Dialect], ...] = (
    IxcDialect,
    HubSoftDialect,
    SgpDialect,
    OdooRpcDialect,
    OdooJson2Dialect,
    Tryton7Dialect,
    Tryton8Dialect,
    OmieDialect,
    BlingDialect,
    MkDialect,
    VoalleDialect,
)
