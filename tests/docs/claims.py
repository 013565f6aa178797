#!/usr/bin/env python3
"""Each claim of the manual has a test, or a reason why there is none: tests/docs/claims has a row for each.

A row is PAGE | WORDS | TESTS. The words stand on the page, or on one of several (*.7); tests are named from tests/, without their endings, or the third column is
a reason in brackets. Each item of a list and each part of the pages below must have a row with words of it. So do the tests exist that
HACKING.md's table of faults and fsd/decisions/ name.
"""
import fnmatch
import glob
import os
import re
import sys

top = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
manual = os.environ.get("MANUAL", os.path.join(top, "man"))
WHOLE = ("mapshare.7", "mapshare-backup.7", "mapshare-durability.7", "mapshare-limits.7", "mapshare-msync.7", "mapshare-operating.7")
ASIDE = ("NAME", "SYNOPSIS", "SEE ALSO", "HISTORY", "EXAMPLES", "Where to read on", "Words", "The parts")
failures = []


def plain(source):
    """A page's words, near to what a reader sees: no drawings and tables, no macros, no blanks before punctuation."""
    source = re.sub(r"^\.Bd -literal.*?^\.Ed|^\.TS.*?^\.TE|^\.\\\".*?$|^\.(?:Bl|El|Sh|Bd|Ed|Dd|Os|Dt)\b.*?$", " ", source, flags=re.S | re.M)
    words = " ".join(spoken(line) if line.startswith(".") else line for line in source.split("\n"))
    return re.sub(r" ([.,:;)])", r"\1", " ".join(words.split()))


def spoken(line):
    line = re.sub(r"\bXr (\S+) (\d)", r"\1(\2)", line[1:])
    return " ".join(word for word in line.split() if not re.fullmatch(r"[A-Z][a-z]", word)).replace('"', "")


def parts(page):
    """The items and subsections, and what stands before them."""
    section = subsection = ""
    for part in re.split(r"^(?=\.(?:It|Ss|Sh|El)\b)", page, flags=re.M):
        if heading := re.match(r"\.Sh (.*)", part):
            section, subsection = heading[1], ""
        elif heading := re.match(r"\.Ss (.*)", part):
            subsection = heading[1]
            part = part[heading.end() :]
        words = plain(part)
        if section not in ASIDE and subsection not in ASIDE and len(words.split()) > 4:
            yield words


pages = {}
for path in glob.glob(os.path.join(manual, "*.[1378]")):
    with open(path, encoding="utf-8") as file:
        pages[os.path.basename(path)] = file.read()
tests = {os.path.splitext(os.path.relpath(path, os.path.join(top, "tests")))[0] for path in glob.glob(os.path.join(top, "tests/*/*.*"))}

words_of = {name: plain(page) for name, page in pages.items()}
folders = {test.split("/")[0] for test in tests}

rows = []
with open(os.path.join(top, "tests/docs/claims"), encoding="utf-8") as file:
    for number, line in enumerate(file, 1):
        if line.startswith("#") or not line.strip():
            continue
        page, words, by = (column.strip() for column in line.split("|"))
        rows.append((page, words))
        if not any(words in words_of[name] for name in fnmatch.filter(pages, page)):
            failures.append(f"line {number}: {page} does not say: {words}")
        if not re.fullmatch(r"\(.+\)", by):
            failures.extend(f"line {number}: there is no test {test}" for test in by.split() if test not in tests)
            if not by:
                failures.append(f"line {number}: neither a test nor a reason")

for page in WHOLE:
    said = [words for where, words in rows if fnmatch.fnmatch(page, where)]
    failures.extend(f"{page}: a row is missing for: {part[:110]}" for part in parts(pages[page]) if not any(words in part for words in said))

named = 0
for path in [os.path.join(top, "HACKING.md"), *glob.glob(os.path.join(top, "fsd/decisions/*.md"))]:
    with open(path, encoding="utf-8") as file:
        for test in re.findall(r"`((?:%s)/[a-z_-]+)(?:\.(?:sh|c|py))?`" % "|".join(folders), file.read()):
            named += 1
            if test not in tests and test != "death/mapsharefs":
                failures.append(f"{os.path.basename(path)} names {test}, which is no test")
if named < 100:
    failures.append(f"only {named} tests are named in HACKING.md and fsd/decisions/")

for failure in failures:
    print("FAIL: claims:", failure, file=sys.stderr)
if not failures:
    print(f"{len(rows)} claims, each with a test or a reason; {named} tests are named elsewhere, and there")
sys.exit(1 if failures else 0)
