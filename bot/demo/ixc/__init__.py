"""An emulated IXC Provedor, for the demo and for tests."""

from bot.demo.ixc.demo import demo_emulator, demo_records, fail_for_some
from bot.demo.ixc.emulator import CREDENTIAL, IxcEmulator

__all__ = ["CREDENTIAL", "IxcEmulator", "demo_emulator", "demo_records", "fail_for_some"]
