"""Cases that need a mount of their own. Each takes the bench and returns nothing: it records samples."""

import os
import re
import shutil
import signal
import subprocess
import time

import systems
from cases import DISK, OURS


def sustained(bench):
    """Not interleaved: what matters is how long it goes on."""
    settings = {"size": min(bench.arguments.arena * 4, 64 << 20 if bench.arguments.smallest else 1 << 40), "pages": 256,
                "seconds": bench.arguments.seconds}
    for name in bench.only([DISK, OURS]):
        system = bench.system(name)
        if name == OURS:
            system = systems.mapsharefs(bench.scratch, bench.arguments.build, f"cache_size={bench.arguments.arena}", "sustained")
        folder = systems.System(name, system.store or system.directory)
        bench.measure("commits", "make-sustained", folder, {"size": settings["size"]})
        if name == OURS:
            system.start()
        try:
            bench.measure("commits", "sustained", system, settings)
        finally:
            if name == OURS:
                system.stop()
        bench.discard(system, "sustained")
    for engine in ("lmdb", "sqlite", "leveldb") if DISK in bench.only([DISK]) else ():
        bench.attempt(f"sustained, {engine}", bench.measure, "engines", f"{engine}-sustained", bench.system(DISK), {**settings, "size": 64 << 20})
    for name in bench.only([OURS]):
        bench.measure("engines", "mapped-sustained", bench.system(name), {**settings, "size": 64 << 20})


def scaling(bench):
    """With so many files in the store, and without them."""
    if OURS not in bench.only([OURS]):
        return
    inodes = bench.arguments.inodes
    system = systems.mapsharefs(bench.scratch, bench.arguments.build, bench.arguments.options, "scaling")
    for made in (0, inodes):
        if made:
            bench.measure("commits", "make-inodes", systems.System(OURS, system.store), {"inodes": made})
        system.start()
        try:
            bench.measure("crowd", "plain", system, {"repeats": 40, "inodes": made})
        finally:
            system.stop()
    shutil.rmtree(system.store)


def statistics(system):
    """The counters of a mount of ours."""
    lines = os.getxattr(system.directory, "user.mapshare.stats").decode().split("\n")
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def recovery(bench):
    if OURS not in bench.only([OURS]):
        return
    journal = 256 << 20
    options = f"journal_size={journal},cache_size={1 << 30}"
    system = systems.mapsharefs(bench.scratch, bench.arguments.build, options, "recovery")
    tool = systems.find_program("mapshare", bench.arguments.build)
    for _ in range(bench.rounds):
        system.start()
        writer = subprocess.Popen(bench.command("commits", "fill-journal", system, {"pages": 2048, "size": 1 << 29, "seconds": 30}),
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            writer.stdout.readline()
            used, deadline = 0, time.monotonic() + 10
            while used < journal * 0.9 and time.monotonic() < deadline and writer.poll() is None:
                used = max(used, int(statistics(system)["journal_used"]))
        finally:
            system.kill()
            writer.kill()
            writer.wait()
        bench.record("recovery, journal in use at the kill", OURS, used / 2**20, "MiB")
        begin = time.monotonic()
        subprocess.run([tool, "recover", system.store], check=True, stdout=subprocess.DEVNULL, timeout=120)
        bench.record("recovery", OURS, time.monotonic() - begin, "s")
    bench.discard(system, "sustained")


def beyond_the_arena(system):
    """MiB of all the daemon's processes that are not shared memory, each page counted once."""
    total = 0
    for pid in system.pids():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            total += sum(int(kilobytes) for kilobytes in re.findall(r"^Pss_(?:Anon|File): +(\d+)", rollup.read(), re.M))
    return total / 1024


def memory(bench):
    if OURS not in bench.only([OURS]):
        return
    inodes = bench.arguments.inodes
    system = bench.fresh_mount(OURS)
    before = beyond_the_arena(system)
    bench.measure("commits", "look-up", system, {"inodes": inodes})
    after = beyond_the_arena(system)
    bench.record("memory beyond the arena, just mounted", OURS, before, "MiB")
    bench.record(f"memory beyond the arena, {inodes} inodes", OURS, after, "MiB")
    bench.record("memory beyond the arena, each inode", OURS, (after - before) * 2**20 / inodes, "bytes")


def as_user(user, words):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "python3", *words]


def hostile(bench):
    """A user's 99th percentiles beside each of another user's hogs."""
    if OURS not in bench.only([OURS]):
        return
    if os.geteuid():
        raise systems.Unavailable("hostile needs root, to be two users")
    os.chmod(bench.scratch, 0o711)
    program = os.path.join(bench.scratch, "hostile.py")
    shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile.py"), program)
    os.chmod(program, 0o644)
    for hog in ("alone", "memory", "waits", "questions", "removed", "busy"):
        system = systems.mapsharefs(bench.scratch, bench.arguments.build, "allow_other,cache_size=128M,journal_size=64M", "hostile")
        os.chmod(system.store, 0o1777)
        system.start()
        hogs = None
        try:
            if hog != "alone":
                hogs = subprocess.Popen(as_user(4002, [program, hog, system.directory]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                if hogs.stdout.readline() != "on\n":
                    raise RuntimeError(f"hostile: the hog {hog} does not begin")
            seconds = bench.arguments.hostile_seconds
            seen = subprocess.run(as_user(4001, [program, "victim", system.directory, str(seconds)]), check=True,
                                  stdout=subprocess.PIPE, text=True, timeout=600).stdout
            for line in seen.splitlines():
                name, value = line.split()
                bench.record(f"{name}, p99, {'beside ' if hog != 'alone' else ''}{hog}", OURS, float(value), "us")
        finally:
            if hogs:
                hogs.kill()
                hogs.wait()
            system.stop()
            shutil.rmtree(system.store)


def pages_in(system, seconds):
    """Pages written and synced a second, and what the worker was on a processor for each, in microseconds."""
    done, begin, before = 0, time.monotonic(), worker_time(system)
    with open(os.path.join(system.directory, "pages"), "wb", buffering=0) as file:
        while not done or time.monotonic() < begin + seconds:
            os.pwrite(file.fileno(), b"x" * 4096, done % 256 * 4096)
            if done % 8 == 7:
                os.fsync(file.fileno())
            done += 1
    return done / (time.monotonic() - begin), (worker_time(system) - before) / done


def worker_time(system):
    """Of all its threads, microseconds."""
    tasks = f"/proc/{statistics(system)['worker_pid']}/task"
    total = 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1000


def keeper(bench):
    """What keeping costs while nothing dies: pairs on one mount, keeper and stand-by running, and stopped."""
    if OURS not in bench.only([OURS]):
        return
    system = systems.mapsharefs(bench.scratch, bench.arguments.build, bench.arguments.options, "keeper")
    system.start()
    try:
        now = statistics(system)
        keepers = [int(now[key]) for key in ("keeper_pid", "standby_pid")]
        pages_in(system, 0.2)
        for turn in range(10 * bench.arguments.kills):
            seen = {}
            for stopped in (turn % 2, 1 - turn % 2):
                for pid in keepers if stopped else ():  # the keeper first, which kills a stand-by that it sees stopped
                    os.kill(pid, signal.SIGSTOP)
                try:
                    seen[stopped] = pages_in(system, 0.05)
                finally:
                    for pid in reversed(keepers) if stopped else ():
                        os.kill(pid, signal.SIGCONT)
            bench.record("a page written and synced, with a keeper / without", OURS, seen[1][0] / seen[0][0], "")
            bench.record("the worker's processor time for a page, with a keeper / without", OURS, seen[0][1] / seen[1][1], "")
    finally:
        system.stop()
    shutil.rmtree(system.store)


def beside(bench, system, what, work):
    """Samples of eight processes that each write a page and sync it while `work` is done. Returns how long that took."""
    with subprocess.Popen(bench.command("crowd", "until-told", system, {"processes": 8, "seed": 1}), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as writers:
        writers.stdout.readline()
        begin = time.monotonic()
        work()
        took = time.monotonic() - begin
        for line in writers.communicate()[0].splitlines():
            metric, value, unit = line.split("\t")
            bench.record(f"{metric}, {what}", OURS, float(value), unit)
    if writers.returncode:
        raise RuntimeError(f"writers {what}: exit status {writers.returncode}")
    return took


def backup(bench):
    """Writers alone, beside a backup of their mount onto the same disk, and beside a plain copy of its store."""
    if OURS not in bench.only([OURS]):
        return
    system = systems.mapsharefs(bench.scratch, bench.arguments.build, "", "backup")
    tool = systems.find_program("mapshare", bench.arguments.build)
    target = os.path.join(bench.scratch, "backup-target")
    system.start()
    try:
        for i in range(bench.arguments.backup_files):
            with open(os.path.join(system.directory, f"data-{i}"), "wb") as file:
                file.write(os.urandom(1 << 20))
                os.fsync(file.fileno())
        works = {"beside a backup": [tool, "backup", system.directory, target],
                 "beside cp and sync": ["sh", "-c", f"cp -a '{system.store}' '{target}' && sync -f '{target}'"]}
        for _ in range(bench.rounds):
            for what, command in works.items():
                took = beside(bench, system, what, lambda command=command: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
                shutil.rmtree(target)
                if what == "beside a backup":
                    bench.record("backup", OURS, took, "s")
                    beside(bench, system, "alone", lambda took=took: time.sleep(took))
    finally:
        shutil.rmtree(target, ignore_errors=True)
        system.stop()
        shutil.rmtree(system.store)


BUSY = 50


def stall(system, key):
    """The mount's longest answer, in milliseconds, from the death of a process until another one is in its place."""
    before = now = statistics(system)
    longest = 0
    os.kill(int(before[key]), signal.SIGKILL)
    while now[key] == before[key]:
        begin = time.monotonic()
        now = statistics(system)
        longest = max(longest, time.monotonic() - begin)
    return longest * 1000


def first_thread(pid):
    """Of a worker that has just begun to serve, in milliseconds: on a processor, and in wait for one. Its first thread takes over and then sleeps."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        ran, waited, _ = map(int, file.read().split())
    return ran / 1e6, waited / 1e6


def know(system):
    for folder, _, files in os.walk(system.directory):
        for name in files:
            os.stat(os.path.join(folder, name))


def fill(system, mebibytes):
    """Received pages that nothing commits."""
    with open(os.path.join(system.directory, "fill"), "wb") as file:
        os.setxattr(file.fileno(), "user.mapshare.atomic", b"1")
        for _ in range(mebibytes):
            file.write(os.urandom(1 << 20))


def kill(bench):
    """How long clients wait when the worker dies. Beside busy tasks it is the daemon that is measured: who asks goes before them."""
    if OURS not in bench.only([OURS]):
        return
    inodes, mebibytes = bench.arguments.inodes, bench.arguments.received
    options = "cache_size=1G,journal_size=256M,max_restarts=1000000,commit_interval=3600,user_share=100"
    system = systems.mapsharefs(bench.scratch, bench.arguments.build, options, "kill")
    for what, cached, received, busy in (("empty", 0, 0, 0), (f"{inodes} inodes", inodes, 0, 0),
                                         (f"{mebibytes} MiB received", 0, mebibytes, 0), ("both", inodes, mebibytes, 0),
                                         (f"empty, {BUSY} busy tasks", 0, 0, BUSY)):
        shutil.rmtree(system.store, ignore_errors=True)
        os.makedirs(system.store)
        for i in range(cached):
            os.close(os.open(os.path.join(system.store, str(i)), os.O_CREAT | os.O_WRONLY, 0o600))
        system.start()
        tasks = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(busy)]
        if busy:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        try:
            know(system)
            fill(system, received)
            for _ in range(bench.arguments.kills):
                time.sleep(0.2)
                bench.record(f"longest answer at the worker's death, {what}", OURS, stall(system, "worker_pid"), "ms")
                ran, waited = first_thread(statistics(system)["worker_pid"])
                bench.record(f"the next worker takes over: on a processor, {what}", OURS, ran, "ms")
                bench.record(f"the next worker takes over: waits for a processor, {what}", OURS, waited, "ms")
            if what == "empty":
                for _ in range(bench.arguments.kills):
                    time.sleep(0.2)
                    bench.record("longest answer at the keeper's death", OURS, stall(system, "keeper_pid"), "ms")
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            for task in tasks:
                task.kill()
                task.wait()
            subprocess.run([systems.find_program("mapshare", bench.arguments.build), "unmount", system.directory], check=True)
            system.process.wait()
            system.process = None
    shutil.rmtree(system.store)
