#!/usr/bin/env python3
"""The manual in HTML: a file for every name, well linked, with our stylesheet; pictures where the pages have them; an index to search in;
nothing from elsewhere. How search.js uses the index: search.sh, and a browser.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

top = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
manual = os.environ.get("MANUAL", os.path.join(top, "man"))
failures = []


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check(condition, what):
    if not condition:
        failures.append(what)


if not shutil.which("mandoc"):
    print("SKIP: html: needs the program mandoc")
    sys.exit(77)
with tempfile.TemporaryDirectory() as folder:
    made = subprocess.run([sys.executable, os.path.join(top, "man/build-html"), manual, folder], stderr=subprocess.PIPE, encoding="utf-8")
    if made.returncode:
        sys.exit(f"FAIL: html: {made.stderr}")
    files = {os.path.basename(path): read(path) for path in glob.glob(os.path.join(folder, "*"))}

html = {name: text for name, text in files.items() if name.endswith(".html")}
index = json.loads(re.match(r"const INDEX = (.*);", files["search-index.js"])[1])
places = {(file, place) for file, place, *_ in index}
sources = {os.path.basename(path): read(path) for path in glob.glob(os.path.join(manual, "*.[1-9]"))}
for name, source in sources.items():
    file = f"{name}.html"
    check(file in html, f"no {file}")
    check('href="mapshare.css"' in html.get(file, ""), f"{file} is without our stylesheet")
    check(f'href="{file}"' in html["index.html"], f"the overview lacks {file}")
    if source.startswith(".so "):
        continue
    check((file, "DESCRIPTION") in places, f"{file} cannot be found")
    for line in re.findall(r'^\.\\" picture (.*)\n', source, flags=re.M):
        check(re.search(rf'<img src="{re.escape(line)}\.svg" alt="[^"]', html.get(file, "")), f"{file} lacks the picture {line}")
options = re.findall(r"^\.It Cm ([a-z_]+)", sources["mapsharefs.8"].split("\n.Ss Mount options")[1].split("\n.Ss ")[0], flags=re.M)
check(len(options) > 15, "no mount options found")
for option in options:
    check(("mapsharefs.8.html", option) in places, f"the option {option} cannot be found")

for file, text in html.items():
    check(not re.search(r'(src|action)="[a-z]+:', text), f"{file} gets something from elsewhere")
    for target in set(re.findall(r'(?:href|src)="([^"]*)"', text)) - {""}:
        name, _, place = target.partition("#")
        if target.startswith("http"):
            check("mapshare" not in target, f"{file} looks for a page of ours elsewhere: {target}")
        elif place:
            check(f'id="{place}"' in html.get(name or file, ""), f"{file}: {target} is not there")
        else:
            check(name in files, f"{file}: {target} is not there")
pictures = {name: text for name, text in files.items() if name.endswith(".svg")}
check(len(pictures) >= 9, f"only {len(pictures)} pictures")
for picture in pictures.values():
    xml.dom.minidom.parseString(picture)
check(pictures["architecture.svg"] == read(os.path.join(top, "man/architecture.svg")),
      "man/architecture.svg, the README's picture, is not as man/pictures.py draws it: copy it")

for failure in failures:
    print("FAIL: html:", failure, file=sys.stderr)
if not failures:
    print(f"{len(html)} HTML files, every link leads somewhere; {len(pictures)} pictures; {len(index)} places to be found")
sys.exit(1 if failures else 0)
