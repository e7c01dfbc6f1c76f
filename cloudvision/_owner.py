"""Who holds a reservation, and whether that process still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """Host, boot, process id and start of this process: a later process with the same id has another name."""
    return "/".join((socket.gethostname(), _boot(), str(os.getpid()), _started(os.getpid()) or "?"))


def is_alive(owner: str) -> bool:
    """False only where it is certain that the owner has ended: its lease need not be waited for."""
    host, boot, pid, started = owner.rsplit("/", 3)
    if host != socket.gethostname():
        return True  # another machine: the lease decides
    if Path("/proc/self/stat").exists():
        return boot == _boot() and _started(int(pid)) == started
    return os.name != "posix" or _exists(int(pid))  # where only the number is known, another one may have it now


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "?"


def _started(pid: int) -> str | None:
    """Start time in clock ticks since boot, from Linux's /proc; None for no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses: count from its end. Field 3 is the state, 22 the start.
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else after_name[19]
