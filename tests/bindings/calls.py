#!/usr/bin/env python3
"""Each call that the library exports is used by mapshare.hpp and by the Python package, or is a short form of one that is; and Python's
declarations are the header's, type by type and member by member. A new call fails here until it has its bindings."""
import ctypes
import glob
import importlib.util
import os
import re
import sys
from unittest import mock

top = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
failures = []

# What the bindings reach through the general form.
SHORT_FORMS = {"lock": "lock_at", "trylock": "lock_at", "timedlock": "lock_at", "lock_shared": "lock_at", "unlock": "unlock_at",
               "consistent": "consistent_at", "wait": "wait_until", "watch": "watch_until"}


def read(name):
    with open(os.path.join(top, name), encoding="utf-8") as file:
        return file.read()


def compare(binding, reached, calls):
    failures.extend(f"mapshare_{call} has no binding in {binding}" for call in sorted(calls - reached - set(SHORT_FORMS)))
    failures.extend(f"mapshare_{SHORT_FORMS[call]}, of which mapshare_{call} is a short form, has none in {binding}"
                    for call in SHORT_FORMS if SHORT_FORMS[call] not in reached)
    failures.extend(f"{binding} has mapshare_{call}, which is not exported" for call in sorted(reached - calls))


SCALARS = {"int": ctypes.c_int, "unsigned int": ctypes.c_uint, "mode_t": ctypes.c_uint, "off_t": ctypes.c_long,
           "size_t": ctypes.c_size_t, "ssize_t": ctypes.c_ssize_t, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32,
           "uint64_t": ctypes.c_uint64}
POINTERS = {"void *": ctypes.c_void_p, "char *": ctypes.c_char_p, "struct mapshare *": ctypes.c_void_p, "struct mapshare_view *": ctypes.c_void_p,
            "struct mapshare * []": ctypes.POINTER(ctypes.c_void_p)}


def python_type(declared):
    """How ctypes calls a type of the header."""
    kind = " ".join(re.sub(r"\bconst\b", " ", declared).split())
    if kind in POINTERS:
        return POINTERS[kind]
    if kind.endswith(" *"):
        return ctypes.POINTER(python_type(kind[:-2]))
    structure = re.match(r"struct (?:mapshare_)?(\w+)", kind)
    return getattr(library, structure[1].capitalize()) if structure else SCALARS[kind]


def declared_type(text):
    """Of a parameter or member, without its name."""
    kind, brackets = re.match(r"(.*?)\w+((?:\[\d*\])?)$", text.strip()).groups()
    return kind.strip() + brackets


exported = set(re.findall(r"^ +mapshare_(\w+);", read("libmapshare/libmapshare.map"), flags=re.M))
if len(exported) < 20:
    failures.append(f"found only {sorted(exported)} in libmapshare.map")
failures.extend(f"{short} is no call any more" for short in set(SHORT_FORMS) - exported)

cpp = re.sub(r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"", " ", read("include/mapshare.hpp") + read("include/mapshare-mmap.hpp"), flags=re.S)
in_cpp = set(re.findall(r"::mapshare_(\w+)[(,]", cpp))
compare("mapshare.hpp", in_cpp, exported)
explained = set(re.findall(r"^\.Xr mapshare_(\w+) 3", read("man/mapshare.hpp.3"), flags=re.M))
failures.extend(f"mapshare.hpp(3) does not say what is mapshare_{call} in C++" for call in sorted(in_cpp - explained))

package = "".join(read(path) for path in glob.glob(os.path.join(top, "python/mapshare/*.py")))
compare("the Python package", set(re.findall(r"\b_?call(?:_of_all)?\(\"(\w+)\"", package)), exported)

specification = importlib.util.spec_from_file_location("library", os.path.join(top, "python/mapshare/_library.py"))
library = importlib.util.module_from_spec(specification)
sys.dont_write_bytecode = True
with mock.patch("ctypes.CDLL"):
    specification.loader.exec_module(library)
header = re.sub(r"/\*.*?\*/|^#[^\n]*", " ", read("include/mapshare.h") + read("include/mapshare-mmap.h"), flags=re.S | re.M)
prototypes = {name: (kind, arguments) for kind, name, arguments in re.findall(r"MAPSHARE_API ([^;]*?)mapshare_(\w+)\(([^)]*)\)", header)}
for name, signature in library.SIGNATURES.items():
    kind, arguments = prototypes[name]
    expected = (python_type(kind),) + tuple(python_type(declared_type(each)) for each in arguments.split(",") if each != "void")
    if signature != expected:
        failures.append(f"Python declares mapshare_{name} as {signature}, the header as {expected}")

structures = 0
for name, body in re.findall(r"struct mapshare_(\w+) \{(.*?)\};", header, flags=re.S):
    structures += 1
    fields = []
    for member in body.replace("\n", " ").split(";")[:-1]:
        count = re.search(r"\[(\d+)\]", member)
        kind = python_type(declared_type(re.sub(r"\[\d+\]", "", member)))
        fields.append((re.search(r"(\w+)(\[\d+\])?$", member.strip())[1], kind * int(count[1]) if count else kind))
    if getattr(library, name.capitalize())._fields_ != fields:
        failures.append(f"Python's struct mapshare_{name} is not the header's: {fields}")
if structures != 6:
    failures.append(f"found {structures} structures in the header")
constants = dict(re.findall(r"#define MAPSHARE_((?:OPEN|LOCK|EVENT)_\w+) 0x(\d)u", read("include/mapshare.h")))
failures.extend(f"Python's {name} is not the header's" for name, value in constants.items() if getattr(library, name, None) != int(value))

version = ".".join(re.findall(r"#define MAPSHARE_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", read("include/mapshare.h")))
if f'\nversion = "{version}"\n' not in read("python/pyproject.toml"):
    failures.append(f"the Python package is not of version {version}, as the header is")

for failure in failures:
    print("FAIL: calls:", failure, file=sys.stderr)
if not failures:
    print(f"{len(exported)} calls, {len(library.SIGNATURES)} declared in Python, {structures} structures, {len(constants)} constants")
sys.exit(1 if failures else 0)
