"""The package, in the current folder. ON_MOUNT=1 in the environment says that it is on a mount. For pytest or unittest."""
import array
import asyncio
import errno
import gc
import mmap
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

import mapshare
from mapshare import ChangeKind, Lock, PageState

ON_MOUNT = os.environ.get("ON_MOUNT") == "1"
CREATE = os.O_RDWR | os.O_CREAT


def in_child(work):
    """Runs work in a child of ours, which must end well."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as failure:
            print(repr(failure))
            os._exit(1)
    return child


def ended_well(child):
    return os.waitpid(child, 0)[1] == 0


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=".")
        self.path = os.path.join(self.folder.name, "file")
        self.file = mapshare.open(self.path, CREATE, size=8192)

    def tearDown(self):
        self.file.close()
        self.folder.cleanup()

    def fails(self, number, call, *arguments, **more):
        with self.assertRaises(OSError) as caught:
            call(*arguments, **more)
        self.assertEqual(caught.exception.errno, number)
        return caught.exception


class Opening(Case):
    def test_open(self):
        self.assertEqual((self.file.size, len(self.file)), (8192, 8192))
        self.assertEqual(os.fstat(self.file.fileno()).st_size, 8192)
        self.assertGreater(mapshare.version(), 0)
        failure = self.fails(errno.ENOENT, mapshare.open, self.path + "-none")
        self.assertIsInstance(failure, FileNotFoundError)
        self.assertEqual(failure.filename, self.path + "-none")

    def test_closed(self):
        with mapshare.open(self.path) as file:
            self.assertFalse(file.closed)
        self.assertTrue(file.closed)
        file.close()
        for call in file.view, file.sync, file.fileno, file.stat, Lock(file).acquire:
            self.assertRaises(ValueError, call)

    def test_fdopen(self):
        with mapshare.fdopen(os.open(self.path, os.O_RDONLY)) as file:
            self.assertTrue(file.view().readonly)
            self.fails(errno.EBADF, file.resize, 10000)
        self.fails(errno.EBADF, mapshare.fdopen, -1)

    def test_not_supported(self):
        if ON_MOUNT:
            with mapshare.open(self.path, atomic=True) as file:
                self.assertTrue(file.stat().atomic)
        else:
            self.assertIsInstance(self.fails(errno.ENOTSUP, mapshare.open, self.path, atomic=True), mapshare.NotSupported)

    def test_dropped(self):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            mapshare.open(self.path)
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Views(Case):
    def test_shared(self):
        with mapshare.open(self.path) as other:
            self.file.view(100, 3)[:] = b"abc"
            self.assertEqual(bytes(other.view()[100:103]), b"abc")
            numbers = other.view(8, 16).cast("q")
            numbers[1] = 5
            self.assertEqual(array.array("q", self.file.view(8, 16).tobytes())[1], 5)
            numbers.release()
        self.assertRaises(ValueError, self.file.view, 0, 8193)
        self.assertRaises(ValueError, self.file.view, -1)

    def test_end_with_the_file(self):
        view = self.file.view()
        part = view[10:20]
        self.assertRaises(BufferError, self.file.close)
        self.assertFalse(self.file.closed)
        part[0] = 1  # not unmapped under it
        del part
        view = self.file.view()
        self.file.close()
        self.assertRaises(ValueError, view.tobytes)

    def test_keep_the_file(self):
        view = mapshare.open(self.path).view()
        gc.collect()
        view[5] = 7
        self.assertEqual(self.file.view()[5], 7)

    def test_resize(self):
        view = self.file.view()
        self.file.resize(3 * 8192)
        self.assertEqual((len(view), len(self.file.view())), (8192, 3 * 8192))
        self.assertRaises(BufferError, self.file.resize, 4096)
        del view
        self.file.resize(4096)
        self.assertEqual(self.file.size, 4096)
        self.fails(errno.EINVAL, self.file.resize, 0)

    def test_empty(self):
        with open(self.path + "-empty", "w"):
            pass
        with mapshare.open(self.path + "-empty", os.O_RDONLY) as file:
            self.assertEqual(len(file.view()), 0)

    def test_copies(self):
        mapshare.guard()
        self.assertEqual(self.file.write(b"abcdef", 8190), 2)
        self.assertEqual(self.file.read(100, 8189), b"\0ab")
        self.assertEqual(self.file.read(100, 10000), b"")
        os.truncate(self.path, 4096)
        self.assertEqual(self.file.read(100, 5000), b"")
        os.truncate(self.path, 8192)

    def test_numpy(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("no numpy")
        numbers = numpy.frombuffer(self.file.view(), dtype="<u4")
        numbers[3] = 0x01020304
        self.assertEqual(bytes(self.file.view(12, 4)), b"\4\3\2\1")
        self.assertRaises(BufferError, self.file.close)
        del numbers

    @unittest.skipIf(sys.version_info < (3, 12), "needs Python 3.12")
    def test_buffer(self):
        with memoryview(self.file) as view:
            view[3] = 4
        self.assertEqual(self.file.view()[3], 4)

    def test_mapping(self):
        with mapshare.Mapping(4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self.file.fileno(), 4096) as mapping:
            mapping.view()[0] = 9
            mapping.sync()
            self.fails(errno.EINVAL, mapping.sync, 0)
        self.assertEqual(self.file.view()[4096], 9)
        self.fails(errno.EINVAL, mapshare.Mapping, 4096, mmap.PROT_READ, 0, self.file.fileno())


class Commits(Case):
    def test_sync(self):
        receipt = self.file.sync()
        self.assertEqual(receipt.sequence > 0, ON_MOUNT)
        status = self.file.stat()
        self.assertEqual((status.size, status.on_mount, status.error), (8192, ON_MOUNT, 0))
        self.fails(errno.EINVAL, self.file.sync, 10000)

    @unittest.skipUnless(ON_MOUNT, "needs the mount")
    def test_commit(self):
        with mapshare.open(self.path + "-2", CREATE, size=1 << 20, atomic=True) as other:
            other.sync()
            self.file.view()[0] = 1
            memory = other.view()
            for page in range(0, 256, 2):
                memory[page * 4096] = 1
            runs = other.dirty()
            self.assertEqual((len(runs), runs[127].first, runs[127].last), (128, 254, 254))
            self.assertIn(runs[0].state, (PageState.KERNEL, PageState.RECEIVED))
            receipt = mapshare.commit([self.file, other])
            self.assertEqual(receipt, other.stat().commit)
            self.assertGreaterEqual(self.file.stat().commit, receipt)
            memory[0] = self.file.view()[0] = 2
            self.assertGreaterEqual(mapshare.rollback([self.file, other]), receipt)
            self.assertEqual((memory[0], self.file.view()[0]), (1, 1))
            with mapshare.Snapshot([self.file, other]) as snapshot:
                self.assertGreaterEqual(snapshot.sequence, receipt.sequence)
                memory[0] = 3
                mapshare.commit([other])
                self.assertEqual(snapshot.read(1, 0, 1), b"\1")
                self.assertEqual(snapshot.size(1), other.size)
                self.assertEqual(snapshot.read(9, snapshot.size()), b"")
                self.fails(errno.EINVAL, snapshot.read, 1, 0, 2)
            snapshot.close()
            self.assertRaises(ValueError, snapshot.size)
            other.wait(receipt.sequence)
            self.assertRaises(TimeoutError, other.wait, receipt.sequence + 1000, 0.001)
            asyncio.run(other.wait_async(receipt.sequence))
            with self.assertRaises(TimeoutError):
                asyncio.run(other.wait_async(receipt.sequence + 1000, 0.001))

    @unittest.skipUnless(ON_MOUNT, "needs the mount")
    def test_changes(self):
        with mapshare.open(self.path + "-3", CREATE, size=8 * 4096, atomic=True) as other:
            since = other.sync().sequence
            other.view()[5 * 4096] = 1
            first = other.sync().sequence
            os.truncate(other.fileno(), 4096)
            second = other.sync().sequence
            changes, upto = other.changes(since)
            self.assertEqual(changes, [(first, 5, 5, 8 * 4096, ChangeKind.STORED), (second, 1, None, 4096, ChangeKind.CUT)])
            self.assertGreaterEqual(upto, second)
            self.assertEqual(other.changes(upto)[0], [])
            with self.assertRaises(mapshare.Lost) as caught:
                other.changes(upto + 1000000)
            self.assertGreaterEqual(caught.exception.upto, upto)

    @unittest.skipUnless(ON_MOUNT, "needs the mount")
    def test_events(self):
        async def follow():
            with self.file.events() as events:
                self.assertIsNone(events.read())
                self.assertEqual(select.select([events], [], [], 0)[0], [])
                child = in_child(self.file.notify)
                async for event in events:
                    break
                self.assertTrue(ended_well(child))
                self.file.view()[0] = 9
                sequence = self.file.sync().sequence
                self.assertEqual(select.select([events], [], [], 0)[0], [events])
                self.assertEqual(await events.wait(), (sequence, event.notices))
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(events.wait(), 0.01)
            self.assertEqual(events.fileno(), -1)

        asyncio.run(follow())
        self.fails(errno.EINVAL, self.file.events, False, False)

    @unittest.skipIf(ON_MOUNT, "needs another file system")
    def test_elsewhere(self):
        for call, arguments in ((mapshare.commit, ([self.file],)), (mapshare.rollback, ([self.file],)), (mapshare.Snapshot, ([self.file],)),
                                (self.file.wait, (1,)), (self.file.dirty, ()), (self.file.changes, (1,)), (self.file.events, ())):
            self.assertIsInstance(self.fails(errno.ENOTSUP, call, *arguments), mapshare.NotSupported)


class Notices(Case):
    def test_watch(self):
        self.assertRaises(TimeoutError, self.file.watch, 0, 0.001)
        thread = threading.Thread(target=self.file.notify)
        thread.start()
        self.assertEqual(self.file.watch(), 1)
        thread.join()

    def test_close_amid(self):
        thread = threading.Thread(target=self.file.watch)
        thread.start()
        while not self.file._calls:
            time.sleep(0.001)
        self.assertRaises(BufferError, self.file.close)
        self.file.notify()
        thread.join()

    def test_asyncio(self):
        async def both():
            watcher = asyncio.create_task(self.file.watch_async())
            await asyncio.sleep(0)
            self.file.notify()
            return await watcher

        self.assertEqual(asyncio.run(both()), 1)

    def test_cancelled(self):
        async def cancel():
            watcher = asyncio.create_task(self.file.watch_async())
            await asyncio.sleep(0)
            while not ON_MOUNT and not self.file._calls:
                await asyncio.sleep(0.001)
            watcher.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await watcher
            self.file.close()  # no thread is in it any more

        asyncio.run(cancel())

    def test_signal(self):
        def ring(*_):
            self.file.notify()  # the wait goes on after the handler, and sees it

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            self.assertEqual(self.file.watch(), 1)
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_send(self):
        ours, theirs = socket.socketpair()
        with ours, theirs, mapshare.anonymous(4096) as memory:
            memory.send(ours)

            def receive():
                with mapshare.receive(theirs) as received:
                    received.view()[9] = 1

            self.assertTrue(ended_well(in_child(receive)))
            self.assertEqual(memory.view()[9], 1)
        self.fails(errno.EINVAL, mapshare.anonymous, 0)


class Locks(Case):
    def elsewhere(self, call):
        """What call gives in another thread."""
        results = []
        thread = threading.Thread(target=lambda: results.append(call()))
        thread.start()
        thread.join()
        return results[0]

    def test_alone_and_shared(self):
        lock = Lock(self.file)
        with lock:
            self.fails(errno.EDEADLK, lock.acquire)
            self.fails(errno.EBUSY, self.file.close)
            self.assertFalse(self.file.closed)
            self.assertFalse(self.elsewhere(lambda: lock.acquire(blocking=False)))
            self.assertFalse(self.elsewhere(lambda: lock.acquire(timeout=0.001)))
            self.assertFalse(self.elsewhere(lambda: lock.acquire_shared(timeout=0)))
            self.assertTrue(Lock(self.file, 31).acquire(blocking=False))
            Lock(self.file, 31).release()
        with lock.shared():
            self.assertTrue(self.elsewhere(lambda: lock.acquire_shared(blocking=False) and lock.release() is None))
            self.assertFalse(self.elsewhere(lambda: lock.acquire(blocking=False)))
        self.fails(errno.EPERM, lock.release)
        self.fails(errno.EINVAL, Lock(self.file, 32).acquire)

    def test_counting(self):
        def count():
            with mapshare.open(self.path) as file, file.view().cast("q") as numbers:
                for _ in range(200):
                    with Lock(file):
                        numbers[0] += 1

        children = [in_child(count) for _ in range(4)]
        self.assertTrue(all([ended_well(child) for child in children]))
        self.assertEqual(int.from_bytes(self.file.read(8), "little"), 800)

    def die(self):
        def half():
            file = mapshare.open(self.path)
            Lock(file, repair=lambda: None).acquire()
            file.view()[0] += 1
            os._exit(0)

        self.assertTrue(ended_well(in_child(half)))

    def test_owner_died(self):
        memory = self.file.view()

        def repair():
            memory[1] = memory[0]

        careless, careful = Lock(self.file), Lock(self.file, repair=repair)
        self.die()
        self.assertRaises(mapshare.OwnerDied, careless.acquire)
        self.assertRaises(mapshare.OwnerDied, careless.acquire_shared)
        self.assertRaises(ZeroDivisionError, Lock(self.file, repair=lambda: 1 // 0).acquire)
        with careful:
            self.assertEqual(memory[1], 1)
        with careless:
            pass
        self.die()
        with careful.shared():
            self.assertEqual(memory[1], 2)


if __name__ == "__main__":
    unittest.main()
