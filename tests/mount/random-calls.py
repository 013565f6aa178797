"""Random calls as several users, the same in two folders: results, errors and what is there afterwards must be equal.

random-calls.py PLAIN MOUNT SEED CALLS [KILL]: KILL of 1,000 calls are made just after the worker's death.
"""
import ctypes
import errno
import mmap
import os
import random
import signal
import stat
import struct
import sys

USERS = [(0, 0, []), (1001, 1001, []), (1002, 1002, []), (1002, 1002, [1001, 1003]), (1003, 1003, [1001])]
IDS = [-1, 0, 1001, 1002, 1003]
MODES = [0o777, 0o644, 0o600, 0o0, 0o4755, 0o2755, 0o2775, 0o1777, 0o6711, 0o400, 0o222, 0o111]
NAMES = "abcde"
libc = ctypes.CDLL(None, use_errno=True)


def facts(status):
    folder = stat.S_ISDIR(status.st_mode)
    return oct(status.st_mode), status.st_uid, status.st_gid, status.st_nlink, None if folder else status.st_size


def look(path):
    return facts(os.lstat(path))


def error_of(call, *arguments):
    """The result, or the error's number: of calls after the first that fails, too."""
    try:
        return call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]


def use(path, flags, mode, data, offset, size, new_mode):
    """Opens, writes, reads, cuts, changes the mode; whatever the mode is, an open file stays as open as it was."""
    fd = os.open(path, flags | os.O_NONBLOCK, mode)
    try:
        seen = [facts(os.fstat(fd))]
        if stat.S_ISREG(os.fstat(fd).st_mode):
            seen += [error_of(os.pwrite, fd, data, offset), error_of(os.pread, fd, 64, 0)]
            seen += [error_of(os.ftruncate, fd, size)] if size is not None else []
            seen += [error_of(os.fchmod, fd, new_mode)] if new_mode is not None else []
        return seen + [facts(os.fstat(fd))]
    finally:
        os.close(fd)


def store(path, data):
    """Through a mapping."""
    fd = os.open(path, os.O_RDWR)
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            os.ftruncate(fd, 8192)
            with mmap.mmap(fd, 8192) as mapping:
                mapping[100 : 100 + len(data)] = data
        return facts(os.fstat(fd))
    finally:
        os.close(fd)


def rename(old, new, flags):
    if libc.renameat2(-100, old.encode(), -100, new.encode(), flags):
        raise OSError(ctypes.get_errno(), "")


def set_times(path, times, follow):
    os.utime(path, **({"ns": times} if times else {}), follow_symlinks=follow)
    status = os.stat(path, follow_symlinks=follow)
    return (status.st_atime_ns, status.st_mtime_ns) if times else None


class Calls:
    """Each method chooses arguments and returns a call that may be made in any folder."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def path(self):
        path = "/".join(self.random.choice(NAMES) for _ in range(self.random.randint(1, 3)))
        odd = self.random.random()
        return path + "/" if odd < 0.03 else path + "/." if odd < 0.04 else "x" * self.random.choice([255, 256]) if odd < 0.05 else path

    def mode(self):
        return self.random.choice(MODES + [self.random.randint(0, 0o7777)])

    def data(self):
        return bytes([self.random.randint(65, 90)]) * self.random.choice([1, 10, 3000])

    def acl(self):
        entries = [(1, 0xFFFFFFFF), (4, 0xFFFFFFFF), (16, 0xFFFFFFFF), (32, 0xFFFFFFFF)]
        if self.random.random() < 0.6:
            entries.insert(1, (2, self.random.choice([1001, 1002])))
        if self.random.random() < 0.4:
            entries.insert(-2, (8, self.random.choice([1001, 1003])))
        return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, self.random.randint(0, 7), who) for tag, who in entries)

    def use(self):
        flags = self.random.choice([os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
        for flag in (os.O_EXCL, os.O_TRUNC, os.O_APPEND, os.O_DIRECTORY, os.O_NOFOLLOW, os.O_NOATIME):
            flags |= flag if self.random.random() < 0.12 else 0
        flags |= os.O_CREAT if self.random.random() < 0.6 else 0
        return use, self.path(), flags, self.mode(), self.data(), self.random.choice([0, 3, 4096, 9000]), \
            self.random.choice([None, None, 0, 5, 5000]), self.random.choice([None, None, None, self.mode()])

    def store(self):
        return store, self.path(), self.data()

    def mkdir(self):
        return os.mkdir, self.path(), self.mode()

    def rmdir(self):
        return os.rmdir, self.path()

    def unlink(self):
        return os.unlink, self.path()

    def rename(self):
        return rename, self.path(), self.path(), self.random.choice([0, 0, 0, 1, 2])

    def link(self):
        return os.link, self.path(), self.path()

    def symlink(self):
        return os.symlink, self.path(), self.path()

    def mknod(self):
        return os.mknod, self.path(), self.random.choice([stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK]) | self.mode()

    def chmod(self):
        return os.chmod, self.path(), self.mode()

    def chown(self):
        return self.random.choice([os.chown, os.lchown]), self.path(), self.random.choice(IDS[1:]), self.random.choice(IDS)

    def truncate(self):
        return os.truncate, self.path(), self.random.choice([0, 1, 4095, 4096, 10000, -1])

    def set_times(self):
        return set_times, self.path(), self.random.choice([None, (10**18, 10**18 + 5)]), self.random.random() < 0.7

    def set_attribute(self):
        return os.setxattr, self.path(), self.random.choice(["user.x", "user.y", "user.", "odd.z"]), self.data()[:10], \
            self.random.choice([0, 0, 1, 2])

    def read_attribute(self):
        return os.getxattr, self.path(), self.random.choice(["user.x", "user.y"])

    def remove_attribute(self):
        return os.removexattr, self.path(), self.random.choice(["user.x", "system.posix_acl_access"])

    def set_acl(self):
        return os.setxattr, self.path(), "system.posix_acl_" + self.random.choice(["access", "access", "default"]), self.acl()

    def list(self):
        return lambda path: sorted(os.listdir(path)), self.path()

    def access(self):
        return lambda path, how: os.access(path, how, effective_ids=True), self.path(), self.random.randint(0, 7)

    def any(self):
        choice = [self.use] * 5 + [self.mkdir] * 2 + [self.rename] * 2 + [self.chmod] * 2 + [self.store, self.rmdir, self.unlink, self.link]
        choice += [self.symlink, self.mknod, self.chown, self.truncate, self.set_times, self.set_attribute, self.read_attribute]
        choice += [self.remove_attribute, self.set_acl, self.list, self.access]
        return self.random.choice(choice)()


def call_as(folder, user, mask, call):
    os.chdir(folder)
    os.umask(mask)
    os.setgroups(user[2])
    os.setegid(user[1])
    os.seteuid(user[0])
    try:
        return error_of(*call)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


def content(path):
    kind = os.lstat(path).st_mode
    if stat.S_ISREG(kind):
        with open(path, "rb") as file:
            return file.read()
    return os.readlink(path) if stat.S_ISLNK(kind) else None


def attributes(path):
    names = [name for name in os.listxattr(path, follow_symlinks=False) if name.startswith(("user.", "system."))]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def tree(folder):
    os.chdir(folder)
    paths = [os.path.join(where, name) for where, folders, files in os.walk(".") for name in folders + files]
    return {path: (look(path), attributes(path), content(path)) for path in paths}


def kill_worker(mount):
    statistics = os.getxattr(mount, "user.mapshare.stats").decode().split()
    try:
        os.kill(int(dict(pair.split("=") for pair in statistics)["worker_pid"]), signal.SIGKILL)
    except ProcessLookupError:
        pass  # the last one's death has not been noticed yet


def compare(plain, mount, step):
    one, other = tree(plain), tree(mount)
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) != other.get(path):
            sys.exit(f"after call {step} {path} is {one.get(path)}, on the mount {other.get(path)}"[:2000])


def main(plain, mount, seed, calls, kill=0):
    random_calls = Calls(seed)
    for step in range(calls):
        user, mask = random_calls.random.choice(USERS), random_calls.random.choice([0, 0o22, 0o77])
        call = random_calls.any()
        expected = call_as(plain, user, mask, call)
        if random_calls.random.random() * 1000 < kill:
            kill_worker(mount)
        seen = call_as(mount, user, mask, call)
        if seen != expected:
            sys.exit(f"call {step}, user {user}, umask {mask:o}: {call} is {expected}, on the mount {seen}"[:2000])
        if step % 200 == 199 or step == calls - 1:
            compare(plain, mount, step)


main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
