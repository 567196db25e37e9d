"""Names of lease owners: they tell whether the process of a killed owner is gone.

A name is `host:namespace:boot/pid/start-run`. The boot id tells two hosts with one name apart, and
the time of its start a process from a later one with the same id. Names of older versions have
no boot id and no start: they are of another machine for all we know, and expire by themselves.
"""

import os
import socket
import uuid
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
# Each keeper of leases has a name of its own; there are a few in a process.
_OF_THIS_PROCESS: Final[set[str]] = set()


def owner_of_a_run() -> str:
    """Return a new owner name for this run; another run can tell from it if this one is alive."""
    # With an id of the run: in a container every run has the same process id.
    owner = f"{_HERE}/{os.getpid()}/{_started(os.getpid())}-{uuid.uuid4().hex}"
    _OF_THIS_PROCESS.add(owner)
    return owner


def is_dead(owner: str) -> bool:
    """Return True if the owner was a process of this machine that no longer runs.

    An owner with our own process id that this process has not named is dead too: it was an earlier
    run.
    """
    here, _, of_process = owner.partition("/")
    pid, _, run = of_process.partition("/")
    if here != _HERE or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return owner not in _OF_THIS_PROCESS
    if not is_alive(int(pid)):
        return True
    started, now = run.rpartition("-")[0], _started(int(pid))
    return bool(started and now) and started != now


def described(owner: str) -> str:
    """Return the owner's host and process id, for people who read the log."""
    host, _, of_process = owner.partition("/")
    return f"{host.partition(':')[0]}, process {of_process.partition('/')[0]}"


def is_alive(pid: int) -> bool:
    """Return True if this machine has a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """Return when the process was started, in ticks since the boot; empty if that is not known."""
    try:
        # After the name, which can hold anything.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _here() -> str:
    """Return this machine's name, its PID namespace (containers can share the name), its boot."""
    try:
        space = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        space = "-"
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        # Of the network card; where there is none, a number of this run alone.
        boot = f"{uuid.getnode():x}"
    return f"{socket.gethostname()}:{space}:{boot}"


_HERE: Final = _here()
