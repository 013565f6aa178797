# shellcheck shell=bash
# What the tests of the manual share. Code and manual are compared both ways: what one has and the other lacks fails the test.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

TOP=${top_srcdir:-$(cd "$TEST_FOLDER/.." && pwd)}
MANUAL=${MANUAL:-$TOP/man} # tests-can-fail.sh puts a changed copy here
PAGES=()                   # pages with content
LINKS=()                   # pages of one line, .so
for page in "$MANUAL"/*.[1-9]; do
    case $(head -n 1 "$page") in
    .so\ *) LINKS+=("$page") ;;
    *) PAGES+=("$page") ;;
    esac
done
[ ${#PAGES[@]} -gt 0 ] || fail "no pages in $MANUAL"

link_target() { # LINK: the page it leads to, name.section
    sed -n 's,^\.so man[1-9]/,,p' "$1"
}

section() { # PAGE TITLE: the source of a section
    awk -v title="$2" '/^\.Sh /{inside = substr($0, 5) == title; next} inside' "$1"
}

subsection() { # PAGE TITLE
    awk -v title="$2" '/^\.S[sh] /{inside = substr($0, 5) == title; next} inside' "$1"
}

rendered() { # PAGE [OUTPUT]: as a terminal shows it, without overstriking
    mandoc -T "${2:-ascii}" -O width=80 "$1" | sed $'s/.\b//g'
}

# Both lists, one name a line, must be the same set.
same_names() { # WHAT-THE-FIRST-IS FIRST WHAT-THE-SECOND-IS SECOND
    local missing
    [ -n "$2" ] || fail "found nothing in $1"
    [ -n "$4" ] || fail "found nothing in $3"
    missing=$(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$4"))
    [ -z "$missing" ] || fail "in $1, not in $3:" $missing
    missing=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$4"))
    [ -z "$missing" ] || fail "in $3, not in $1:" $missing
    echo "$(sort -u <<<"$2" | wc -l) names are both in $1 and in $3"
}
