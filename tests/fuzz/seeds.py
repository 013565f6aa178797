# Writes the corpora of tests/fuzz: messages that do something, to begin with.
import os, struct, sys
out = sys.argv[1]
OP = dict(LOOKUP=1, FORGET=2, GETATTR=3, SETATTR=4, READLINK=5, SYMLINK=6, MKNOD=8, MKDIR=9, UNLINK=10, RMDIR=11, RENAME=12, LINK=13, OPEN=14,
          READ=15, WRITE=16, STATFS=17, RELEASE=18, FSYNC=20, SETXATTR=21, GETXATTR=22, LISTXATTR=23, REMOVEXATTR=24, FLUSH=25, OPENDIR=27,
          READDIR=28, RELEASEDIR=29, FSYNCDIR=30, ACCESS=34, CREATE=35, INTERRUPT=36, IOCTL=39, BATCH_FORGET=42, FALLOCATE=43, READDIRPLUS=44,
          RENAME2=45, LSEEK=46)
def m(op, node=0, handle=0, user=0, body=b""):
    body += b"\0" * (-len(body) % 4)
    return bytes([OP[op], node, handle, user, len(body) // 4]) + body
def name(s): return s.encode() + b"\0"
look = m("LOOKUP", body=name("file-0"))          # node 1
open_ = m("OPEN", 1, body=struct.pack("<II", 2, 0))
def write(data, at=0): return m("WRITE", 1, body=struct.pack("<QQIIQII", 0, at, len(data), 0, 0, 2, 0) + data)
fsync = m("FSYNC", 1, body=struct.pack("<QII", 0, 0, 0))
def ioctl(n, data=b"", user=0): return m("IOCTL", 1, 0, user, struct.pack("<QIIQII", 0, 0, n, 0, len(data), 0) + data)
groups = {"requests": {
    "write-fsync": look + open_ + write(b"x" * 100) + fsync + m("GETATTR", 1, body=b"\0" * 16),
    "create": m("CREATE", body=struct.pack("<IIII", 0x42, 0o100644, 0, 0) + name("new")) + write(b"y" * 300, 4000) + fsync,
    "names": m("MKDIR", body=struct.pack("<II", 0o755, 0) + name("d")) + m("RENAME2", body=struct.pack("<QII", 1, 0, 0) + name("file-1") + name("e")) +
             m("LINK", body=struct.pack("<Q", 1) + name("l")) + m("SYMLINK", body=name("s") + name("t")) + m("UNLINK", body=name("e")) + m("RMDIR", body=name("d")),
    "setattr": look + m("SETATTR", 1, body=struct.pack("<IIQQQQQQIIIIIIII", 0x3f, 0, 0, 5000, 0, 1, 2, 3, 4, 5, 6, 0o644, 0, 0, 0, 0)),
    "truncate": look + open_ + write(b"z" * 800) + m("SETATTR", 1, body=struct.pack("<IIQQQQQQIIIIIIII", 8, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) + fsync,
    "fallocate": look + open_ + m("FALLOCATE", 1, body=struct.pack("<QQQII", 0, 0, 9000, 0, 0)) + m("FALLOCATE", 1, body=struct.pack("<QQQII", 0, 0, 4096, 3, 0)) +
                 m("LSEEK", 1, body=struct.pack("<QQII", 0, 0, 4, 0)),
    "rollback": look + open_ + write(b"r" * 900) + fsync + write(b"s" * 800, 4000) + m("FALLOCATE", 1, body=struct.pack("<QQQII", 0, 0, 0x7fff6d6170736861, 3, 0)) +
                m("READ", 1, body=struct.pack("<QQIIQII", 0, 0, 4096, 0, 0, 0, 0)) + m("OPEN", 1, body=struct.pack("<II", 0, 0)),
    "folder": m("OPENDIR", body=b"\0" * 8) + m("READDIRPLUS", body=struct.pack("<QQIIQII", 0, 0, 4096, 0, 0, 0, 0)) + m("RELEASEDIR", body=b"\0" * 24),
    "unlinked": look + open_ + m("UNLINK", body=name("file-0")) + write(b"q" * 50) + fsync + m("RELEASE", 1, body=b"\0" * 24),
    "forget": look + m("FORGET", 1, body=struct.pack("<Q", 1)) + m("BATCH_FORGET", body=struct.pack("<IIQQ", 1, 0, 1, 1)),
    "read": look + open_ + m("READ", 1, body=struct.pack("<QQIIQII", 0, 0, 4096, 0, 0, 0, 0)) + m("FLUSH", 1, body=b"\0" * 24),
}, "ioctls": {"%d" % n: look + open_ + write(b"i" * 64) + ioctl(n, bytes(range(1, 97)), n) for n in range(10)}, "attributes": {}}
groups["ioctls"]["group"] = look + open_ + ioctl(4, struct.pack("<Q", 77)) + ioctl(2, struct.pack("<QIIQqI", 77, 1, 0, 0, 0, 0) + b"\0" * 16)
groups["ioctls"]["wait"] = look + open_ + ioctl(3, struct.pack("<QqQ", 99, 1000000, 0) + b"\0" * 16, 1) + m("INTERRUPT", body=struct.pack("<Q", 106))
for n in "dirty dirty.kernel committed ranges commit error atomic stats other".split():
    groups["attributes"][n] = look + open_ + write(b"a" * 64) + m("GETXATTR", 1 if n != "stats" else 0, body=struct.pack("<II", 4096, 0) + name("user.mapshare." + n)) + \
        m("SETXATTR", 1, body=struct.pack("<II", 1, 0) + name("user.mapshare." + n) + b"1")
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", t, p, i) for t, p, i in ((1, 6, 0xffffffff), (2, 4, 1001), (4, 4, 0xffffffff), (16, 6, 0xffffffff), (32, 0, 0xffffffff)))
groups["attributes"]["acl"] = look + m("SETXATTR", 1, body=struct.pack("<II", len(acl), 0) + name("system.posix_acl_access") + acl) + m("LISTXATTR", 1, body=struct.pack("<II", 4096, 0))
groups["attributes"]["user"] = look + m("SETXATTR", 1, body=struct.pack("<II", 5, 1) + name("user.x") + b"value") + m("REMOVEXATTR", 1, body=name("user.x"))
groups["options"] = {str(i): s.encode() for i, s in enumerate((
    "-f\0-o\0cache_size=64M,threads=4,user_share=50,atomic\0store\0mount", "-oro,nosuid,noatime,commit_interval=5\0a\0b", "-d\0--help", "-V",
    "-o\0fault=write/store/eio/1/2:flush/journal/enospc,remount\0a\0b", "-o\0x-systemd.automount,defaults,user_handles=100,user_waits=99999999999999999999\0a\0b",
    "-o\0cache_size=010K,journal_size=1GG\0a\0b\0c"))}
for group, files in groups.items():
    os.makedirs(out + "/" + group, exist_ok=True)
    for key, data in files.items():
        open(out + "/" + group + "/" + key, "wb").write(data)
