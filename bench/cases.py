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
    return [Run("engines", "lmdb", [DISK], settings), Run("engines", "sqlite", [DISK], settings),
            Run("engines", "mapped", [OURS, DISK], settings)]


def all_cases(inodes, dirty):
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
        Case("processes", "processes that each commit a page of a file of their own, over and over",
             [Run("commits", "processes", [DISK, OURS, PEER], {"processes": n, "seconds": 0.5}) for n in (1, 2, 4, 8)],
             goals=[at_least("commits, 8 processes", 4, ("commits, 1 process", OURS))]),
        Case("engines", "the same number of 4,000-byte values committed: databases on the disk, a mapped file on the mount",
             engines(16, 20) + engines(256, 6),
             goals=[faster("16 values, mapped file", 2.5, "16 values, LMDB"),
                    faster("256 values, mapped file", 2, "256 values, LMDB"),
                    faster("16 values, mapped file", 1.1, "16 values, SQLite"),
                    faster("256 values, mapped file", 1.3, "256 values, SQLite")]),
        Case("sustained", "commits of 256 scattered pages without a pause, over a file four times the arena", special="sustained",
             goals=[at_least("sustained, pages made durable", 2, ("sustained, pages made durable", DISK)),
                    at_most("sustained, worst commit", 250)]),
        Case("recovery", "the journal filled, all processes of the daemon killed, the store recovered", special="recovery",
             goals=[at_most("recovery", 3)]),
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
        Case("library", "calls of libmapshare beside what they replace",
             [Run("library", case, [DISK, OURS], {"repeats": 4}) for case in ("lock", "notify", "open", "copy")],
             goals=[at_most("lock and unlock", 30), at_most("notify to wake-up", 2, "futex wake-up"),
                    at_most("mapshare_open, mapshare_close", 3, "open, fstat, mmap, close"),
                    at_most("mapshare_read of 1 MiB", 1.05, "memcpy of 1 MiB")]),
    ]
