"""Takes from the calling process, for good, what reading a warehouse does not need (Linux).

To be called before any other thread runs: Landlock, seccomp and capabilities bind the thread that
asks and those that it starts. https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_SIGKILL: Final = 9

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Landlock's system calls, the same number on every architecture."""
_READ_FILE, _READ_DIR, _EXECUTE = 1 << 2, 1 << 3, 1 << 0
_IOCTL_DEV: Final = 1 << 15
_FS_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""All rights on files that an ABI knows; from 5 on also that of ioctl on devices."""
_OF_FILES: Final = _READ_FILE | 1 << 1 | 1 << 14
_NET_RIGHTS, _SCOPES = 0b11, 0b11
"""No TCP since ABI 4; no abstract Unix sockets and no signals to others since ABI 6."""

_DENIED: Final = {  # socket, connect, execve, execveat, ptrace, process_vm_*, io_uring_setup, …
    "x86_64": (0xC000003E, (41, 42, 59, 322, 101, 310, 311, 425, 438, 62)),
    "aarch64": (0xC00000B7, (198, 203, 221, 281, 117, 270, 271, 425, 438, 129)),
}
"""By machine: its audit number, and the system calls that are answered with EACCES."""
_X32: Final = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF instructions
_ALLOW, _KILL, _EACCES = 0x7FFF0000, 0x80000000, 0x00050000 | 13

_CAPABILITY_VERSION, _CAPABILITIES = 0x20080522, 64

OPEN_FILES: Final = 8192
FILE_BYTES: Final = 64 * 1024 * 1024
"""The largest file it may write, in its own folder: the engine's notes about tables are small."""


def confine(readable: Sequence[Path], writable: Path, nice: int) -> list[str]:
    """Confine this process; what this system cannot do is named in the answer."""
    if sys.platform != "linux":
        return ["Landlock", "seccomp"]
    _become_expendable(nice)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    missing = [] if _landlock(readable, writable) else ["Landlock"]
    if all(path.stat().st_uid == os.geteuid() for path in (*readable[:1], writable)):
        _drop_capabilities()
    return missing if _seccomp() else [*missing, "seccomp"]


def end_with(parent: int) -> bool:
    """Have the kernel end this process with its parent's thread; False where that is gone already."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def _become_expendable(nice: int) -> None:
    """Leave CPU and, where memory runs out, life to others; no core dumps, no large files."""
    os.nice(nice)
    Path("/proc/self/oom_score_adj").write_text("1000")
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard_limit == resource.RLIM_INFINITY else min(OPEN_FILES, hard_limit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))


def _landlock(readable: Sequence[Path], writable: Path) -> bool:
    abi = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    access = _FS_RIGHTS.get(abi, (1 << 16) - 1)
    parts = (access, _NET_RIGHTS, _SCOPES)[: 1 if abi < 4 else 2 if abi < 6 else 3]
    attributes = struct.pack(f"{len(parts)}Q", *parts)
    rules = _LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    for path in readable:
        _allow(rules, path, _READ_FILE | _READ_DIR)
    _allow(rules, writable, access & ~(_EXECUTE | _IOCTL_DEV))
    restricted = bool(_LIBC.syscall(_RESTRICT_SELF, rules, 0) == 0)
    os.close(rules)
    return restricted


def _allow(rules: int, path: Path, access: int) -> None:
    """A path that is not there needs no rule."""
    if not path.exists():
        return
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed_access = access if path.is_dir() else access & _OF_FILES
        _LIBC.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", allowed_access, descriptor), 0)
    finally:
        os.close(descriptor)


def _drop_capabilities() -> None:
    """What root may do beyond others; the files of the warehouse are the process's own."""
    for number in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    _LIBC.capset(struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24))


def _seccomp() -> bool:
    if platform.machine() not in _DENIED:
        return False
    machine, denied = _DENIED[platform.machine()]
    count = len(denied)
    program = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_AT_LEAST, count + 1, 0, _X32),
        *((_EQUAL, count - index, 0, number) for index, number in enumerate(denied)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EACCES),
    ]
    text = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    code = ctypes.create_string_buffer(text, len(text))
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, 2, filter_, 0, 0) == 0)
