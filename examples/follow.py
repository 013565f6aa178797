#!/usr/bin/env python3
"""Mirrors a file of a mount: after each commit, by whoever, the pages that it changed are copied. For asyncio, without a thread.

    follow.py FILE COPY
"""
import asyncio
import os
import sys

import mapshare

PAGE = 4096


def copy(source, target, changes):
    """Later stores may be copied along; the commit that has them tells of their pages again."""
    for change in changes:
        if change.kind == mapshare.ChangeKind.CUT:
            os.truncate(target, change.first * PAGE)
        last = change.size // PAGE if change.last is None else change.last
        for page in range(change.first, last + 1):
            os.pwrite(target, source.read(PAGE, page * PAGE), page * PAGE)
        os.truncate(target, change.size)


async def follow(source, target):
    with source.events(notices=False) as events:  # before the first look, so that nothing is missed
        changes, upto = everything(source)
        while True:
            copy(source, target, changes)
            os.fsync(target)
            print(f"copied up to commit {upto}", flush=True)
            await events.wait()
            try:
                changes, upto = source.changes(upto)
            except mapshare.Lost:  # we were too slow, or the store was mounted again
                changes, upto = everything(source)


def everything(source):
    """As if all pages were changed by a commit. The number comes first: what is committed meanwhile is copied again."""
    status = source.stat()
    size = os.fstat(source.fileno()).st_size
    return [mapshare.Change(status.commit.sequence, 0, None, size, mapshare.ChangeKind.ANY)], status.commit.sequence


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: follow.py FILE COPY")
    with mapshare.open(sys.argv[1], os.O_RDONLY) as source:
        asyncio.run(follow(source, os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o644)))


if __name__ == "__main__":
    main()
