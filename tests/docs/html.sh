#!/usr/bin/env bash
# The manual in HTML: a file for every name, well linked, with our stylesheet.
. "$(dirname "$0")/manual.sh"
need_program mandoc
scratch
folder=$SCRATCH/html
sh "$TOP/man/build-html" "$MANUAL" "$folder"

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
echo "$(find "$folder" -name '*.html' | wc -l) HTML files, every link leads somewhere"
