"""Makes fsync and fdatasync fail in this process, for good, as on a disk that is dying: by a seccomp filter."""

import ctypes
import errno
import os
import platform
import struct

_SET_NO_NEW_PRIVILEGES = 38
_SET_MODE_FILTER = 1
_ALL_THREADS = 1
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06

_CALLS = {"x86_64": (317, 74, 75), "aarch64": (277, 82, 83)}
"""The numbers of seccomp, fsync and fdatasync."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def break_fsync() -> None:
    """Let both calls return EIO from now on, in all threads; raises OSError where the kernel does not do that."""
    seccomp, fsync, fdatasync = _CALLS[platform.machine()]
    code = [
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 1, 0, fsync),
        (_JUMP_IF_EQUAL, 0, 1, fdatasync),
        (_RETURN, 0, 0, _ERRNO | errno.EIO),
        (_RETURN, 0, 0, _ALLOW),
    ]
    packed = b"".join(struct.pack("HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    program = _Program(len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
