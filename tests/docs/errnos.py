#!/usr/bin/env python3
"""The errors that the library's code makes are those that the manual lists, both ways.

An error that a call names in its own body stands on that call's page; one that any file of the library makes stands on some page.
An error on a page is made by the library, or a test asks for it (then the kernel or the daemon makes it).
Negative errors that the library looks for itself pass only between its own functions.
"""
import glob
import os
import re
import sys

top = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
manual = os.environ.get("MANUAL", os.path.join(top, "man"))
failures = []
NAME = r"\bE[A-Z][A-Z0-9]+\b"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def made(code):
    """Errors made, not those only looked for: comparisons, case labels and comments are left out."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"", " ", code, flags=re.S)
    code = re.sub(rf"[=!]= *-?{NAME}|-?{NAME} *[=!]=|case -?{NAME}", " ", code)
    return set(re.findall(NAME, code)) - {"ENOUGH"}


def looked_for(code):
    return set(re.findall(rf"[=!]= *-({NAME})", code))


def bodies(code):
    """Each public function's own body."""
    return dict(re.findall(r"^[\w *]*?\b(mapshare_\w+)\([^;{]*\)\n\{\n(.*?)^\}", code, flags=re.S | re.M))


def listed(page):
    errors = re.search(r"^\.Sh ERRORS\n(.*?)(?=^\.Sh |\Z)", page, flags=re.S | re.M)
    return set(re.findall(rf"^\.It Bq Er ({NAME})", errors[1], flags=re.M)) if errors else set()


exported = set(re.findall(r"^ +(mapshare_\w+);", read(os.path.join(top, "libmapshare/libmapshare.map")), flags=re.M))
code = [read(path) for path in glob.glob(os.path.join(top, "libmapshare/*.[ch]"))]
pages = {}
for path in glob.glob(os.path.join(manual, "mapshare_*.3")):
    text = read(path)
    link = re.match(r"\.so man3/(.*)", text)
    pages[os.path.basename(path)[:-2]] = listed(read(os.path.join(manual, link[1])) if link else text)

bodies_found = 0
for text in code:
    for name, body in bodies(text).items():
        if name in exported:
            bodies_found += 1
            failures.extend(f"{name} gives {error}, its page does not say so" for error in sorted(made(body) - pages.get(name, set())))
if bodies_found != len(exported):
    failures.append(f"found the code of {bodies_found} calls, {len(exported)} are exported")

in_code = set().union(*(made(text) for text in code))
internal = set().union(*(looked_for(text) for text in code))
in_manual = set().union(*pages.values())
tested = set()
for path in glob.glob(os.path.join(top, "tests/**/*.c"), recursive=True):
    tested |= set(re.findall(NAME, read(path)))
failures.extend(f"the library makes {error}, no page says so" for error in sorted(in_code - internal - in_manual))
failures.extend(f"the manual lists {error}, neither the library makes it nor does a test ask for it" for error in sorted(in_manual - in_code - tested))

for failure in failures:
    print("FAIL: errnos:", failure, file=sys.stderr)
if not failures:
    print(f"{len(in_manual)} errors in the manual, {len(in_code)} made by the library")
sys.exit(1 if failures else 0)
