#!/usr/bin/env python3
"""What programs do with names: metadata.py CASE DIRECTORY [NAME=VALUE...] prints lines of metric, value, unit, as the other programs do.

names: files in folders are made, looked at, removed. tree: a source tree is unpacked, copied, compiled, committed to git, removed."""

import glob
import os
import shutil
import subprocess
import sys
import time

FOLDER_FILES = 100


def timed(metric, work):
    begin = time.monotonic()
    work()
    print(f"{metric}\t{(time.monotonic() - begin) * 1e3:.3f}\tms", flush=True)


def run(*command, folder=None):
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def names(directory, settings):
    files = int(settings.get("files", 3000))
    top = os.path.join(directory, "names")
    shutil.rmtree(top, ignore_errors=True)
    os.mkdir(top)
    paths = [os.path.join(top, str(i // FOLDER_FILES), f"file-{i}") for i in range(files)]
    for i in range(0, files, FOLDER_FILES):
        os.mkdir(os.path.dirname(paths[i]))

    def make():
        for path in paths:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))

    timed(f"{files} files made", make)
    timed(f"find -newer, {files} files", lambda: run("find", top, "-newer", paths[0]))
    timed(f"{files} times stat", lambda: [os.stat(path) for path in paths])
    timed(f"{files} times unlink", lambda: [os.unlink(path) for path in paths])
    make()
    timed(f"rm -rf, {files} files", lambda: run("rm", "-rf", top))


def pack(source, to):
    """Sources as they are in the project; git's and the builds' files stay out."""
    folders = [name for name in ("fsd", "libmapshare", "cli", "include", "man", "tests") if os.path.isdir(os.path.join(source, name))]
    run("tar", "-cf", to, "--exclude=*.o", "--exclude=*.a", *folders, folder=source)


def tree(directory, settings):
    source, build = settings["source"], settings["build"]
    top, copy, archive = (os.path.join(directory, name) for name in ("tree", "copy", "tree.tar"))
    for folder in (top, copy):
        shutil.rmtree(folder, ignore_errors=True)
    pack(source, archive)
    os.mkdir(top)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "init.defaultBranch=main", "-c", "gc.auto=0"]
    flags = subprocess.run(["pkg-config", "--cflags", "libbsd-overlay"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    flags += ["-std=gnu17", "-D_GNU_SOURCE", f"-I{build}", f"-I{top}/fsd", f"-I{top}/include"]
    sources = sorted(glob.glob(os.path.join(source, "fsd/journal/*.c")))[:8]

    def compile_all():
        for path in sources:
            own = os.path.join(top, os.path.relpath(path, source))
            run("gcc", *flags, "-c", own, "-o", own + ".o")

    def commit():
        run(*git, "init", folder=top)
        run(*git, "add", ".", folder=top)
        run(*git, "commit", "-m", "all", folder=top)

    timed("a source tree unpacked", lambda: run("tar", "-xf", archive, folder=top))
    timed("cp -a of a source tree", lambda: run("cp", "-a", top, copy))
    timed(f"{len(sources)} files compiled", compile_all)
    timed("git init, add, commit of a source tree", commit)
    timed("git status of a source tree", lambda: run(*git, "status", folder=top))
    timed("rm -rf of a source tree", lambda: run("rm", "-rf", top))
    shutil.rmtree(copy)
    os.unlink(archive)


if __name__ == "__main__":
    {"names": names, "tree": tree}[sys.argv[1]](sys.argv[2], dict(setting.split("=", 1) for setting in sys.argv[3:]))
