"""Says to mapshare receive what a follower would, or what none would: receive.py FOLDER CASE. Prints what came of it: STATUS MESSAGE."""
import os
import struct
import subprocess
import sys

KINDS = {name: number + 1 for number, name in enumerate("HELLO ID NAME STATE BEGIN DROP ENTRY GONE FILE DATA HOLE ASK HASHES COMMIT DONE PING".split())}
SOURCE = (1, 2)
folder, case = sys.argv[1:3]


def message(kind, payload=b"", length=None):
    return struct.pack("=II", KINDS.get(kind, kind), len(payload) if length is None else length) + payload


def hello(magic=b"mapshare", order=0x01020304, version=1, source=SOURCE):
    return message("HELLO", magic + struct.pack("=IIQQ", order, version, *source))


def entry(path, mode, inode=0, target=b"", attributes=b"", nanoseconds=0, lengths=None):
    path_length, target_length, attributes_length = lengths or (len(path), len(target), len(attributes))
    return message("ENTRY", struct.pack("=IIIIIIQQQqq", mode, os.getuid(), os.getgid(), path_length, target_length, attributes_length,
                                        0, inode, 0, 1000000000, nanoseconds) + path + target + attributes)


def attribute(name, value):
    return name + b"\0" + struct.pack("=I", len(value)) + value


def file(inode, size):
    return message("FILE", struct.pack("=QQQ", inode, 0, size))


def data(offset, text):
    return message("DATA", struct.pack("=Q", offset) + text)


def hole(offset, length):
    return message("HOLE", struct.pack("=QQ", offset, length))


def ask(inode, offset, length):
    return message("ASK", struct.pack("=QQQQ", inode, 0, offset, length))


def commit(sequence):
    return message("COMMIT", struct.pack("=Qqq", sequence, 1000000000, 0))


FILE, FOLDER, LINK = 0o100644, 0o040755, 0o120777
BEGIN = hello() + message("BEGIN")
first = BEGIN + entry(b"", FOLDER) + entry(b"a", FILE, 10) + entry(b"d", FOLDER) + entry(b"d/b", FILE, 11) + file(10, 5000) + data(0, b"x" * 5000) \
    + file(11, 3) + data(0, b"old") + commit(7)
cases = {
    "first": first,
    "half": BEGIN + entry(b"never", FILE, 11) + file(11, 3) + data(0, b"new") + file(10, 4000),
    "parts": BEGIN + file(12, 40 << 20) + b"".join(data(at << 16, b"y" * 65536) for at in range(300)),
    "link": BEGIN + entry(b"l", LINK, target=b"../plain") + commit(8) + message("BEGIN") + entry(b"l/made", FILE, 10) + entry(b"l/f", FOLDER)
    + message("DROP", b"l/precious") + commit(9),
    "replace": BEGIN + entry(b"d", FILE, 10) + entry(b"a", FOLDER) + entry(b"a/c", FILE, 11) + commit(10),
}
odd = {
    "magic": hello(magic=b"MAPSHARE"),
    "order": hello(order=0x04030201),
    "version": hello(version=99),
    "not-hello": message("PING"),
    "kind-0": hello() + message(0),
    "kind-99": hello() + message(99),
    "answer": hello() + message("DONE", bytes(16)),
    "too-long": hello() + message("DATA", b"", length=1 << 30),
    "cut-head": hello() + b"\1\0",
    "cut-message": hello() + message("NAME", b"abc", length=100),
    "data-first": BEGIN + data(0, b"x"),
    "data-beyond": BEGIN + file(10, 5000) + data(4999, b"xx"),
    "data-far-beyond": BEGIN + file(10, 5000) + data((1 << 64) - 1, b"xx"),
    "data-empty": BEGIN + file(10, 5000) + data(0, b""),
    "hole-beyond": BEGIN + file(10, 5000) + hole(4096, 1 << 63),
    "hole-large": BEGIN + file(10, 1 << 40) + hole(0, 1 << 30),
    "size": BEGIN + file(10, 1 << 63),
    "short-file": BEGIN + message("FILE", b"1234"),
    "ask-much": BEGIN + ask(10, 0, 1 << 40),
    "ask-far": BEGIN + ask(10, 1 << 63, 1),
    "short-commit": BEGIN + message("COMMIT", b""),
    "no-folder": BEGIN + entry(b"", FILE, 10),
    "kind-of-file": BEGIN + entry(b"q", 0o170644, 10),
    "link-nowhere": BEGIN + entry(b"q", LINK),
    "link-nul": BEGIN + entry(b"q", LINK, target=b"a\0b"),
    "lengths": BEGIN + entry(b"q", FILE, 10, lengths=(1, 1, 1)),
    "lengths-huge": BEGIN + entry(b"q", FILE, 10, lengths=(0xFFFFFFFF, 2, 0)),
    "nanoseconds": BEGIN + entry(b"q", FILE, 10, nanoseconds=1 << 40),
    "attributes": BEGIN + entry(b"q", FILE, 10, attributes=b"user.a\0\xff\xff\xff\xff"),
    "attributes-own": BEGIN + entry(b"q", FILE, 10, attributes=attribute(b"user.mapshare.atomic", b"0")),
    "attributes-cut": BEGIN + entry(b"q", FILE, 10, attributes=b"user.a"),
    "gone-short": BEGIN + message("GONE", b"1"),
}
for path in (b"..", b"../plain/x", b"d/../../plain/x", b"/etc/x", b"d//b", b"d/", b".", b"d/./b", b".mapshare-follow", b".mapshare-follow/state",
             b".mapshare/x", b"q\0/../x", b"q" * 256, b"q/" * 3000 + b"q"):
    odd["entry-" + repr(path)[2:20]] = BEGIN + entry(path, FILE, 10)
    odd["drop-" + repr(path)[2:20]] = BEGIN + message("DROP", path)
odd["drop-nothing"] = BEGIN + message("DROP")

failed = False
for name in sorted(odd) if case == "odd" else [case]:
    run = subprocess.run([os.environ["MAPSHARE"], "receive", folder], input=(odd if case == "odd" else cases)[name], capture_output=True, timeout=60)
    if case != "odd":
        print(run.returncode, run.stderr.decode())
    elif run.returncode != 1 or b"makes no sense" not in run.stderr:
        print(f"{name}: status {run.returncode}: {run.stderr.decode()}")
        failed = True
print(f"{len(odd)} cases") if case == "odd" else None
sys.exit(failed)
