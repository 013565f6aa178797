/* The search of the manual: INDEX, from search-index.js, has [file, place, title, text] of each section and item. */
"use strict";
{
    const field = document.querySelector("input[name=q]");
    const found = document.getElementById("found");
    const overview = document.getElementById("overview");

    function score(entry, words) {
        const title = entry[2].toLowerCase(), text = entry[3].toLowerCase();
        let sum = 0;
        for (const word of words) {
            const last = title.slice(title.lastIndexOf(":") + 1);
            if (last.trim().split("=")[0] === word) sum += 40; /* an option comes with what it takes */
            else if (last.includes(word)) sum += 20;
            else if (title.includes(word)) sum += 8;
            else if (text.includes(word)) sum += 1;
            else return 0;
        }
        return sum;
    }

    function passage(text, words) {
        const at = Math.max(0, ...words.map((word) => text.toLowerCase().indexOf(word)));
        const start = at < 60 ? 0 : text.lastIndexOf(" ", at - 50) + 1;
        const end = start + 180 < text.length ? text.lastIndexOf(" ", start + 180) : text.length;
        return (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    }

    function show() {
        const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
        found.replaceChildren();
        overview.hidden = words.length > 0;
        if (!words.length) return;
        const hits = INDEX.map((entry) => [score(entry, words), entry]).filter(([sum]) => sum > 0);
        hits.sort((a, b) => b[0] - a[0]);
        const count = document.createElement("p");
        count.textContent = hits.length === 0 ? "Nothing found." : hits.length === 1 ? "One place." : `${hits.length} places.`;
        found.append(count);
        for (const [, [file, place, title, text]] of hits.slice(0, 40)) {
            const link = document.createElement("a");
            link.href = `${file}#${place}`;
            link.textContent = title;
            const below = document.createElement("p");
            below.textContent = passage(text, words);
            const hit = document.createElement("div");
            hit.append(link, below);
            found.append(hit);
        }
    }

    field.value = new URLSearchParams(location.search).get("q") || "";
    field.addEventListener("input", show);
    show();
}
