// search.js in a page that has no more than it asks for.
"use strict";
const fs = require("fs");
const vm = require("vm");
const folder = process.argv[2];
let failed = false;

class Element {
    constructor() {
        this.children = [];
        this.textContent = "";
        this.hidden = false;
    }
    append(...children) {
        this.children.push(...children);
    }
    replaceChildren() {
        this.children = [];
    }
    addEventListener(event, heard) {
        this[event] = heard;
    }
}

function open(query) {
    const page = {field: new Element(), found: new Element(), overview: new Element()};
    const document = {
        querySelector: () => page.field,
        getElementById: (name) => page[name],
        createElement: () => new Element(),
    };
    const context = vm.createContext({document, location: {search: query}, URLSearchParams});
    for (const script of ["search-index.js", "search.js"]) vm.runInContext(fs.readFileSync(`${folder}/${script}`, "utf8"), context);
    return page;
}

function type(page, text) {
    page.field.value = text;
    page.field.input();
    const [count, ...hits] = page.found.children;
    return {count: count ? count.textContent : "", first: hits.length ? hits[0].children[0].href : "", hits: hits.length};
}

function check(holds, what) {
    if (holds) return;
    console.error(`FAIL: search: ${what}`);
    failed = true;
}

const page = open("");
check(!page.overview.hidden && page.found.children.length === 0, "without a word the overview is not there");
for (const [words, start] of [["journal_size", "mapsharefs.8.html#"], ["JOURNAL_SIZE", "mapsharefs.8.html#"], ["mapshare_resize", "libmapshare.3.html#mapshare_resize"],
    ["containers", "mapshare-operating.7.html#"], ["hang_timeout", "mapsharefs.8.html#"]]) {
    const {first} = type(page, words);
    check(first.startsWith(start), `${words}: first comes ${first || "nothing"}, not ${start}`);
    check(page.overview.hidden, `${words}: the overview is in the way`);
}
const [one, both] = [type(page, "journal"), type(page, "journal cut")];
check(one.count.match(/^[1-9][0-9]* places\.$/) && one.hits <= 40, `journal: ${one.count}, ${one.hits} are shown`);
check(parseInt(both.count) < parseInt(one.count), "a second word does not leave out what has only the first");
check(type(page, "nosuchword").count === "Nothing found.", "what is not there is found");
type(page, "  ");
check(!page.overview.hidden && page.found.children.length === 0, "the overview does not come back");
check(open("?q=hang_timeout").found.children.length > 1, "the address is not asked");
process.exit(failed ? 1 : 0);
