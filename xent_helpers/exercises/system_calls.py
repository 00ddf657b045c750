"""The system calls that no notebook needs: a filter for ``bwrap --seccomp``, made by the system's libseccomp."""

import ctypes
import os
from functools import cache

# The list follows Flatpak's, which runs programs under bubblewrap too.
REFUSED = """
    add_key keyctl request_key
    ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp
    shmget shmat semget msgget mq_open memfd_create memfd_secret
    mount umount umount2 pivot_root chroot fsopen fsmount fspick fsconfig open_tree move_mount mount_setattr
    unshare setns name_to_handle_at open_by_handle_at
    io_uring_setup io_uring_enter io_uring_register userfaultfd bpf perf_event_open fanotify_init lookup_dcookie
    modify_ldt vm86 vm86old uselib syslog acct quotactl quotactl_fd kexec_load kexec_file_load reboot swapon swapoff
    init_module finit_module delete_module iopl ioperm sethostname setdomainname
    settimeofday clock_settime clock_adjtime adjtimex
    setxattr lsetxattr fsetxattr setxattrat file_setattr
"""
# Under root the machine's /dev/null, which a submission sees, is its own: it could close it to everybody. These seem to
# work there and change nothing, which no notebook notices.
SKIPPED_UNDER_ROOT = "chmod fchmod fchmodat fchmodat2"
NEWER = {"fchmodat2": 452, "setxattrat": 463, "file_setattr": 469}  # than many a libseccomp; the same on all machines
# Kinds of sockets by their number: the others reach past the network that a namespace hides, as vsock does.
UNIX, INET, NETLINK, INET6 = 1, 2, 16, 10
ALLOW, REFUSE, SKIP = 0x7FFF0000, 0x00050001, 0x00050000  # the second says "Operation not permitted", the third "done"
NOT_EQUAL, EQUAL, AT_LEAST = 1, 4, 5


class Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    ]


@cache
def program() -> bytes:
    """Return the filter; a program for another architecture than Python's is killed at its first call.

    Raises:
        OSError: libseccomp is not installed, or refuses.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ALLOW))

    def refuse(name, *comparisons, action=REFUSE):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:  # it is newer than this libseccomp
            number = NEWER.get(name, -1)
        if number == -1:
            return
        few = (Comparison * len(comparisons))(*comparisons)
        if library.seccomp_rule_add_array(rules, action, number, len(comparisons), few):
            raise OSError(f"libseccomp makes no rule for {name}")

    for name in REFUSED.split():
        refuse(name)
    for name in SKIPPED_UNDER_ROOT.split() if os.geteuid() == 0 else ():
        refuse(name, action=SKIP)
    for name in ("socket", "socketpair"):
        for kind in {*range(NETLINK)} - {UNIX, INET, INET6}:
            refuse(name, Comparison(0, EQUAL, kind))
        refuse(name, Comparison(0, AT_LEAST, NETLINK + 1))
        refuse(name, Comparison(0, EQUAL, NETLINK), Comparison(2, NOT_EQUAL, 0))
    file = os.memfd_create("filter")
    try:
        if library.seccomp_export_bpf(rules, file):
            raise OSError("libseccomp writes no filter")
        return os.pread(file, 2**20, 0)
    finally:
        os.close(file)
        library.seccomp_release(rules)
