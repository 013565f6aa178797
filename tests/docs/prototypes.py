#!/usr/bin/env python3
"""The synopses are the header's declarations, word by word; each constant and structure member of the header is explained."""
import glob
import os
import re
import sys

top = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
manual = os.environ.get("MANUAL", os.path.join(top, "man"))
failures = []


def plain(text):
    """C without comments, white space made even."""
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.S).split())


def prototype(kind, name, arguments):
    return f"{kind.strip()} {name}({', '.join(argument.strip() for argument in arguments)})".replace("* ", "*")


def compare(here, there, what_is_here, what_is_there):
    if not here or not there:
        failures.append(f"nothing found in {what_is_here if not here else what_is_there}")
    failures.extend(f"in {what_is_here}, not in {what_is_there}: {item}" for item in sorted(here - there))
    failures.extend(f"in {what_is_there}, not in {what_is_here}: {item}" for item in sorted(there - here))


def section(page, title):
    return "".join(re.findall(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, flags=re.S | re.M))


def synopsis_prototypes(text):
    found = set()
    for kind, rest in re.findall(r"^\.Ft (.*)\n((?:\.F[noac].*\n)+)", text, flags=re.M):
        one_line = re.match(r"\.Fn (\w+)(.*)", rest)
        if one_line:
            found.add(prototype(kind, one_line[1], re.findall(r'"([^"]*)"', one_line[2])))
        else:
            name = re.match(r"\.Fo (\w+)", rest)[1]
            found.add(prototype(kind, name, re.findall(r'^\.Fa "?([^"\n]*)"?', rest, flags=re.M)))
    return found


header_text = ""
for header_name in ("mapshare.h", "mapshare-mmap.h"):
    with open(os.path.join(top, "include", header_name), encoding="utf-8") as file:
        header_text += file.read()
header = plain(re.sub(r"^#.*$", "", header_text, flags=re.M))
pages = {}
for path in glob.glob(os.path.join(manual, "*.3")):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if not text.startswith(".so "):
        pages[os.path.basename(path)] = text

declared = {
    prototype(kind, name, arguments.split(","))
    for kind, name, arguments in re.findall(r"MAPSHARE_API ([\w *]+?)(\w+)\(([^)]*)\)", header)
}
shown = set().union(*(synopsis_prototypes(section(page, "SYNOPSIS")) for page in pages.values()))
compare(declared, shown, "mapshare.h", "the synopses")

constants = set(re.findall(r"#define (MAPSHARE_\w+) [0-9(]", header_text)) | set(re.findall(r"(MAPSHARE_\w+) = ", header))
explained = set().union(*(re.findall(r"^\.(?:It )?Dv (MAPSHARE_\w+)", page, flags=re.M) for page in pages.values()))
compare(constants, explained, "mapshare.h", "the constants explained")

structures = dict(re.findall(r"struct (mapshare_\w+) \{(.*?)\}", header))
structure_count = 0
for name, page in pages.items():
    for structure, members in re.findall(r"struct (mapshare_\w+) \{(.*?)\}", plain(section(page, "SYNOPSIS"))):
        structure_count += 1
        if structures.get(structure) != members:
            failures.append(f"{name} shows another struct {structure} than mapshare.h")
for structure, members in structures.items():
    about = [page for page in pages.values() if structure in page]
    for member in re.findall(r"(\w+)(?:\[\d+\])?;", members):
        if not any(re.search(rf"^\.It Va (?:\w+ , )*{member}\b|^    \w[^.=\n]*\b{member}(?:\[\d+\])?;", page, flags=re.M) for page in about):
            failures.append(f"nothing is said of {structure}.{member}")

for failure in failures:
    print("FAIL: prototypes:", failure, file=sys.stderr)
if not failures:
    print(f"{len(declared)} prototypes, {len(constants)} constants, {len(structures)} structures ({structure_count} shown)")
sys.exit(1 if failures else 0)
