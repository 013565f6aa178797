"""The file systems that are compared: how each is mounted, and unmounted whatever happens."""

import os
import shutil
import signal
import subprocess
import time

from cases import DISK, MEMORY, OURS, PEER, SMALL, TIMELESS

PASSTHROUGH_SOURCE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"


class Unavailable(Exception):
    """A system that cannot be measured here, and why."""


class System:
    """A folder to measure in. `store` is the folder behind it, for a FUSE mount."""

    def __init__(self, name, directory, store=None, command=None):
        self.name, self.directory, self.store, self.command = name, directory, store, command
        self.process = None

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        if not self.command:
            return
        quiet = None if self.name == OURS else subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=quiet)
        deadline = time.monotonic() + 30
        while not os.path.ismount(self.directory):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name}: exit {self.process.returncode} of {' '.join(self.command)}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name}: not mounted after 30 s")
            time.sleep(0.02)

    def stop(self):
        """Unmounts, and returns when the daemon has ended: its store is complete then."""
        if os.path.ismount(self.directory):
            unmount(self.directory)
        if self.process and self.process.poll() is None:
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"{self.name}: still running 60 s after the unmount") from None
        self.process = None

    def pids(self):
        """The daemon's processes, the first one being the oldest."""
        found = [self.process.pid]
        for pid in found:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                    found += [int(child) for child in children.read().split()]
        return found

    def kill(self):
        """Ends all processes of the daemon at once and takes the dead mount away."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        unmount(self.directory, lazy=True)


def unmount(directory, lazy=False):
    if os.geteuid() == 0:
        command = ["umount"] + (["-l"] if lazy else []) + [directory]
    else:
        command = ["fusermount3", "-u"] + (["-z"] if lazy else []) + [directory]
    subprocess.run(command, check=not lazy, stderr=subprocess.DEVNULL if lazy else None)


def file_system_type(directory):
    return subprocess.run(["stat", "-f", "-c", "%T", directory], check=True, capture_output=True, text=True).stdout.strip()


def find_program(name, build):
    for folder in (build, os.path.join(build, "bench")):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    found = shutil.which(name)
    if not found:
        raise Unavailable(f"{name} is not installed" if name in ("bindfs", "mergerfs") else f"{name} is not built (make bench)")
    return found


def build_passthrough(scratch):
    binary = os.path.join(scratch, PEER)
    if not os.path.exists(binary):
        if not os.path.exists(PASSTHROUGH_SOURCE):
            raise Unavailable("the examples of libfuse3-dev are not installed")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], check=True, capture_output=True, text=True)
        subprocess.run(["gcc", "-O2", "-w", PASSTHROUGH_SOURCE, "-o", binary] + flags.stdout.split(), check=True)
    return binary


def mapsharefs(scratch, build, options, name="ours", system=OURS):
    """A store and a mount of ours. `options` as for -o. `system` is also the program's name."""
    store, mount = os.path.join(scratch, f"{name}-store"), os.path.join(scratch, f"{name}-mount")
    os.makedirs(store, exist_ok=True)
    command = [find_program(system, build), "-f"] + (["-o", options] if options else []) + [store, mount]
    return System(system, mount, store, command)


def make(name, scratch, build, options):
    """The system of that name, not started."""
    if name in (DISK, SMALL):
        return System(name, os.path.join(scratch, name))
    if name == MEMORY:
        if not os.access("/dev/shm", os.W_OK):
            raise Unavailable("/dev/shm is not writable")
        return System(name, os.path.join("/dev/shm", os.path.basename(scratch)))
    if name in (OURS, TIMELESS):
        return mapsharefs(scratch, build, options, name, name)
    store, mount = os.path.join(scratch, f"{name}-store"), os.path.join(scratch, f"{name}-mount")
    os.makedirs(store, exist_ok=True)
    if name == PEER:
        command = [build_passthrough(scratch), "-f", "-o", f"source={store}", mount]
    elif name == "bindfs":
        command = [find_program(name, build), "-f", store, mount]
    else:
        command = [find_program(name, build), "-f", "-o", "cache.files=partial", store, mount]
    return System(name, mount, store, command)
