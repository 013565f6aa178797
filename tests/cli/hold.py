"""usage: hold.py READY-FILE FILE PAGE...: stores into the pages through a shared mapping, keeps it until standard input ends."""
import mmap
import os
import sys

PAGE = 4096


def stores(path, pages):
    descriptor = os.open(path, os.O_RDWR)
    memory = mmap.mmap(descriptor, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(descriptor)
    for page in pages:
        memory[page * PAGE] = (memory[page * PAGE] + 1) % 256
    return memory


def main():
    ready, path, pages = sys.argv[1], sys.argv[2], [int(page) for page in sys.argv[3:]]
    try:
        memory = stores(path, pages)
        said = "ready"
    except (OSError, ValueError) as error:
        said = str(error)
    with open(ready + ".new", "w") as out:
        out.write(said)
    os.rename(ready + ".new", ready)
    sys.stdin.read()
    if said == "ready":
        memory.close()


main()
