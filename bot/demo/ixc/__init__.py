"""An IXC Provedor to try Balcão against, and to test against."""

from bot.demo.ixc.demo import demo_emulator, demo_records, fail_for_some
from bot.demo.ixc.emulator import CREDENTIAL, IxcEmulator

__all__ = ["CREDENTIAL", "IxcEmulator", "demo_emulator", "demo_records", "fail_for_some"]
