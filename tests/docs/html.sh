#!/usr/bin/env bash
# The manual in HTML: a file for every name, well linked, with our stylesheet; pictures where the pages have them; an index to search in;
# nothing from elsewhere. How search.js uses the index only a browser tells: look at it when you change it.
. "$(dirname "$0")/manual.sh"
need_program mandoc
need_program python3
scratch
folder=$SCRATCH/html
python3 "$TOP/man/build-html" "$MANUAL" "$folder"

for page in "${PAGES[@]}" "${LINKS[@]}"; do
    file=$folder/$(basename "$page").html
    [ -s "$file" ] || fail "no $(basename "$file")"
    grep -q 'href="mapshare.css"' "$file" || fail "$(basename "$file") is without our stylesheet"
    grep -q "href=\"$(basename "$file")\"" "$folder/index.html" || fail "the index lacks $(basename "$file")"
done
for file in "$folder"/*.html; do
    for target in $(grep -o 'href="[^"]*"' "$file" | cut -d'"' -f2 | sort -u); do
        case $target in
        http*mapshare*) fail "$(basename "$file") looks for a page of ours elsewhere: $target" ;;
        http*) ;;
        \#*) grep -q "id=\"${target#\#}\"" "$file" || fail "$(basename "$file"): $target is not there" ;;
        *) [ -f "$folder/${target%%#*}" ] || fail "$(basename "$file"): $target is not there" ;;
        esac
    done
done

! grep -l '\(src\|action\)="[a-z]*:' "$folder"/*.html || fail "these get something from elsewhere"
while IFS=: read -r page _ name; do
    name=${name##* }
    grep -q "<img src=\"$name.svg\" alt=\"[^\"]" "$folder/$(basename "$page").html" || fail "$(basename "$page").html lacks the picture $name"
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$folder/$name.svg" || fail "$name.svg is no XML"
done < <(grep -n '^\.\\" picture ' "${PAGES[@]}")
cmp "$folder/architecture.svg" "$TOP/man/architecture.svg" || fail "the README's picture is not as man/pictures.py draws it: copy it"
for page in "${PAGES[@]}"; do
    grep -q "\"$(basename "$page").html\",\"DESCRIPTION\"" "$folder/search-index.js" || fail "$(basename "$page") cannot be found"
done
for option in $(section "$MANUAL/mapsharefs.8" DESCRIPTION | sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p'); do
    grep -q "\"mapsharefs.8.html\",\"$option\"" "$folder/search-index.js" || fail "the option $option cannot be found"
done
echo "$(find "$folder" -name '*.html' | wc -l) HTML files, every link leads somewhere"
