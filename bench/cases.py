"""What is measured, where, and what is to be reached."""

from dataclasses import dataclass, field

DISK, SMALL, OURS, PEER, MEMORY = "disk", "disk-small", "mapsharefs", "passthrough_ll", "tmpfs"
TIMELESS = "mapsharefs-without-times"  # the same program without the rules of time stamps
PEERS = [PEER, "bindfs", "mergerfs"]
MOUNTS = [DISK, OURS] + PEERS
WITH_SMALL = [DISK, SMALL, OURS] + PEERS
EVERY_SYSTEM = WITH_SMALL + [MEMORY, TIMELESS]


@dataclass(frozen=True)
class Run:
    """One start of a measuring program, on each system in turn."""
    program: str
    case: str
    systems: list
    settings: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """`above` divided by `below`, both (metric, system), compared with `limit`. Without `below`, the value itself."""
    above: tuple
    below: tuple
    comparison: str
    limit: float


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    runs: list = field(default_factory=list)
    special: str = ""  # the name of a function in special.py, for what needs a mount of its own
    goals: list = field(default_factory=list)


def no_slower(metric, limit, than=DISK):
    """Our time is at most `limit` times theirs."""
    return Goal((metric, OURS), (metric, than), "<=", limit)


def faster(metric, limit, theirs=None):
    """Their time is at least `limit` times ours."""
    return Goal((theirs or metric, DISK), (metric, OURS), ">=", limit)


def at_most(metric, limit, of=None):
    return Goal((metric, OURS), (of, OURS) if of else None, "<=", limit)


def at_least(metric, limit, of):
    return Goal((metric, OURS), of, ">=", limit)


def msync(pages, repeats):
    return Run("pages", "msync", WITH_SMALL, {"pages": pages, "repeats": repeats})


def engines(pages, repeats):
    settings = {"pages": pages, "repeats": repeats}
    return [Run("engines", name, [DISK], settings) for name in ("lmdb", "sqlite", "leveldb")] + [
        Run("engines", "mapped", [OURS, DISK], settings)]


def together(case, numbers, **settings):
    return [Run("crowd", case, [DISK, OURS, PEER], {"processes": number, "seconds": 0.5, **settings}) for number in numbers]


def processes_are(number, limit, than=PEER):
    return at_least(f"commits, {number} processes", limit, (f"commits, {number} processes", than))


def all_cases(inodes, dirty, files, tail_seconds):
    scattered = "msync {} pages scattered".format
    alone = "fsync of a small file, alone"
    return [
        Case("resident", "stores and loads on resident pages", [Run("pages", "resident", MOUNTS, {"repeats": 5})],
             goals=[no_slower("resident store", 1.05), no_slower("resident load", 1.05)]),
        Case("faults", "faults on pages that are in the page cache", [Run("pages", "faults", EVERY_SYSTEM, {"repeats": 4})],
             goals=[no_slower("minor fault", 1.0, MEMORY), no_slower("first-touch write fault", 1.3)]),
        Case("msync", "changes of a 64 MiB file made durable",
             [msync(1, 40), msync(16, 20), msync(256, 6), msync(4096, 3), msync(16384, 3)],
             goals=[faster("msync 1 page", 1.0), faster(scattered(16), 8), no_slower(scattered(16), 1, PEER),
                    faster(scattered(256), 5), no_slower(scattered(256), 1, PEER), faster(scattered(4096), 1.2),
                    no_slower(scattered(4096), 1, PEER), faster("msync 64 MiB contiguous", 0.7)]),
        Case("cold", "faults on pages that must come from the disk, 64 MiB file",
             [Run("pages", "cold-sequential", MOUNTS, {"repeats": 2}), Run("pages", "cold-random", MOUNTS, {"repeats": 2})],
             goals=[at_least("cold sequential fault", 0.9, ("cold sequential fault", DISK)),
                    no_slower("cold random fault", 1.2)]),
        Case("pwrite", "write(2) of single pages", [Run("pages", "pwrite", MOUNTS, {"repeats": 5})]),
        Case("stream", "a file of 256 MiB written from front to end and synced, when it is new and when it is not",
             [Run("pages", "stream", [DISK, OURS, PEER], {"size": 256 << 20, "repeats": 2})]),
        Case("stat", "stat(2) beside mapped stores", [Run("pages", "stat", MOUNTS, {"repeats": 3})]),
        Case("times", "what the rules of time stamps cost: msync with and without them",
             [Run("pages", "msync", [OURS, TIMELESS], {"pages": pages, "repeats": repeats})
              for pages, repeats in ((1, 1000), (16, 500), (256, 60))],
             goals=[no_slower(metric, 1.02, TIMELESS) for metric in ("msync 1 page", scattered(16), scattered(256))]),
        Case("runs", "whole runs of 64 KiB written, of which one page differs, or all",
             [Run("pages", "runs", [DISK, OURS, PEER], {"pages": pages, "repeats": 10}) for pages in (1, 16)]),
        Case("two", "processes that each commit a page over and over: of their own files, of one file, beside readers",
             together("own-files", (1, 2, 4, 8, 16)) + together("one-file", (2, 8)) + together("readers", (1, 4)),
             goals=[at_least("commits, 8 processes", 4, ("commits, 1 process", OURS)), processes_are(2, 1), processes_are(4, 1.1),
                    processes_are(8, 1.2), processes_are(8, 1, DISK)]),
        Case("tail", "each commit's time while checkpoints run",
             [Run("crowd", "tail", [DISK, OURS, PEER], {"processes": n, "seconds": tail_seconds, "pages": 16}) for n in (1, 8)],
             goals=[no_slower(f"commit, 16 pages, {clients}, {place}", 1)
                    for clients in ("1 client", "8 clients") for place in ("99th of 100", "worst")]),
        Case("scaling", "a commit of a page beside much else: size of the file, mappings, files in the store",
             [Run("crowd", "scaling", [DISK, OURS], {"repeats": 40})], special="scaling",
             goals=[at_most(f"commit of 1 page{what}", 1.3, "commit of 1 page")
                    for what in (" of 1 TiB sparse", ", 1000 mappings", f", {inodes} files in the store")]),
        Case("metadata", "what programs do with names",
             [Run("metadata.py", name, [DISK, OURS, PEER], {"files": files}) for name in ("names", "tree")],
             goals=[no_slower(metric, 1, PEER) for metric in (f"find -newer, {files} files", f"{files} times stat",
                                                               f"{files} times unlink", f"rm -rf, {files} files")] +
             [no_slower(metric, 0.7, PEER) for metric in ("a source tree unpacked", "cp -a of a source tree", "8 files compiled",
                                                          "git init, add, commit of a source tree")]),
        Case("engines", "the same number of 4,000-byte values committed: databases on the disk, a mapped file on the mount",
             engines(16, 20) + engines(256, 6),
             goals=[faster("16 values, mapped file", 2.5, "16 values, LMDB"),
                    faster("256 values, mapped file", 2, "256 values, LMDB"),
                    faster("16 values, mapped file", 1.1, "16 values, SQLite"),
                    faster("256 values, mapped file", 1.3, "256 values, SQLite")]),
        Case("sustained", "commits of 256 scattered pages without a pause, over a file four times the arena; of 256 values, by databases",
             special="sustained",
             goals=[at_least("sustained, pages made durable", 2, ("sustained, pages made durable", DISK)),
                    at_most("commit, sustained, worst", 250)]),
        Case("recovery", "the journal filled, all processes of the daemon killed, the store recovered", special="recovery",
             goals=[at_most("recovery", 3)]),
        Case("keeper", "what keeper and stand-by cost while nothing dies", special="keeper",
             goals=[at_most("a page written and synced, with a keeper / without", 1.03)]),
        Case("kill", "the wait of clients when the worker or the keeper is killed", special="kill",
             goals=[at_most("longest answer at the worker's death, both", 15),
                    at_most("longest answer at the worker's death, empty, 50 busy tasks", 150)]),
        Case("crowded", "fsync of a small file beside much else",
             [Run("commits", "crowded", [DISK, OURS], {"inodes": inodes, "pages": dirty, "repeats": 40})],
             goals=[at_most(f"fsync of a small file, {inodes} inodes cached", 1.2, alone),
                    at_most(f"fsync of a small file, {dirty} pages dirty", 1.2, alone)]),
        Case("memory", "memory of the daemon's processes beyond the arena", special="memory",
             goals=[at_most(f"memory beyond the arena, {inodes} inodes", 64 + inodes * 300 / 2**20)]),
        Case("hostile", "99th percentiles of one user's calls beside another user's hogs", special="hostile",
             goals=[at_most(f"{call}, p99, beside {hog}", 3, f"{call}, p99, alone")
                    for hog in ("memory", "waits", "questions", "removed") for call in ("fsync", "open", "utimensat")]),
        Case("backup", "eight writers beside a backup of their mount, and beside a copy of its store", special="backup",
             goals=[at_most("commit, 8 writers, 99th of 100, beside a backup", 2, "commit, 8 writers, 99th of 100, alone")]),
        Case("library", "calls of libmapshare beside what they replace",
             [Run("library", case, [DISK, OURS], {"repeats": 4}) for case in ("lock", "notify", "open", "copy")],
             goals=[at_most("lock and unlock", 30), at_most("notify to wake-up", 2, "futex wake-up"),
                    at_most("mapshare_open, mapshare_close", 3, "open, fstat, mmap, close"),
                    at_most("mapshare_read of 1 MiB", 1.05, "memcpy of 1 MiB")]),
    ]
