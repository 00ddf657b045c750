// A page opened from disk may not read its neighbours, so the search shows titles without excerpts there.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// What the reader has done is kept in the browser, under the page's path: sections read, exercises ticked off.
const PAGE = location.pathname.split("/").slice(-2).join("/");
const kept = (page) => { try { return JSON.parse(localStorage.getItem("course " + page)) ?? {}; } catch { return {}; } };
const keep = (name, value) => { try { localStorage.setItem("course " + PAGE, JSON.stringify({ ...kept(PAGE), [name]: value })); } catch { /* no storage, no marks */ } };

function make(parent, tag, attributes, text = "") {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(text);
  parent.append(element);
  return element;
}

document.addEventListener("DOMContentLoaded", () => {
  searchHeadings();
  nameArrows();
  foldCuriousSections();
  unfoldForPaper();
  markWhatIsDone();
  showDefinitions();
  labelTableCells();
});

// The arrows that unfold a chapter in the margin have a picture and no name.
function nameArrows() {
  for (const arrow of document.querySelectorAll("nav details > summary"))
    arrow.setAttribute("aria-label", "Pages below " + (arrow.closest("li")?.querySelector("a")?.textContent ?? "this one"));
}

// Sections for the curious are folded below their heading; a link into one opens it.
function foldCuriousSections() {
  for (const section of document.querySelectorAll("section.curious")) {
    const heading = section.querySelector("h2");
    const details = document.createElement("details");
    make(details, "summary", {}, "Show this section");
    while (heading.nextSibling) details.append(heading.nextSibling);
    heading.after(details);
  }
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target?.closest("section.curious")?.querySelector("details");
    if (!details) return;
    details.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
}

// Paper shows what is folded, and the screen folds it again.
function unfoldForPaper() {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll(".bd-article details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
}

// A section is read when its end has been on the screen; the margin shows it. An exercise is ticked off by hand.
function markWhatIsDone() {
  const sections = [...document.querySelectorAll("section[id^='section-']")];
  const links = [...document.querySelectorAll(".bd-sidebar-secondary a[href^='#']")];
  const leadsTo = (link, id) => document.getElementById(decodeURIComponent(link.hash.slice(1)))?.closest("section")?.id === id;
  const mark = (id) => links.find((link) => leadsTo(link, id))?.classList.add("read");
  for (const id of Object.keys(kept(PAGE))) mark(id);
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const id = target.closest("section[id^='section-']").id;
      if (isIntersecting && target.checkVisibility()) { keep(id, true); mark(id); }
    }
  });
  for (const section of sections) if (section.lastElementChild) seen.observe(section.lastElementChild);
  for (const title of document.querySelectorAll(".exercise > .admonition-title")) {
    const name = title.textContent;
    const label = make(title, "label", { className: "solved" });
    const box = make(label, "input", { type: "checkbox", checked: Boolean(kept(PAGE)[name]) });
    label.append(" solved");
    box.addEventListener("change", () => keep(name, box.checked));
  }
}

// The definition of a term appears below its link: by mouse, by keyboard, and at a first tap; a second tap follows it.
function showDefinitions() {
  const box = make(document.body, "div", { className: "definition", id: "definition", role: "tooltip", hidden: true });
  const hide = () => { box.hidden = true; };
  for (const link of document.querySelectorAll("a.reference[title][href*='glossary.html#term']")) {
    const words = link.title;
    link.removeAttribute("title");
    link.classList.add("term");
    const show = () => {
      const place = link.getBoundingClientRect();
      box.textContent = words;
      box.hidden = false;
      const right = document.documentElement.clientWidth - box.offsetWidth - 8;
      box.style.left = `${Math.max(8, Math.min(place.left, right)) + scrollX}px`;
      box.style.top = `${place.bottom + scrollY + 4}px`;
      link.setAttribute("aria-describedby", "definition");
    };
    link.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(); });
    link.addEventListener("pointerleave", hide);
    link.addEventListener("focus", show);
    link.addEventListener("blur", hide);
    let tapped = false;
    link.addEventListener("click", (event) => {
      if (event.pointerType !== "touch" || tapped) return;
      event.preventDefault();
      tapped = true;
      show();
    });
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}

// On a telephone a row of a table becomes a block, in which each cell says what it is.
function labelTableCells() {
  for (const table of document.querySelectorAll(".bd-article table.table")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
    for (const row of table.querySelectorAll("tbody tr")) [...row.children].forEach((cell, i) => { if (heads[i] && cell.textContent.trim()) cell.dataset.head = heads[i]; });
  }
}

// Sphinx finds a heading only if it contains the whole query, and otherwise leads to the top of a page. Here the words of
// a query may be scattered over a heading, rare words count most, and the hit leads to the heading.
function searchHeadings() {
  if (typeof Search === "undefined") return;
  const wholePages = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) =>
    [...wholePages(terms, excluded), ...headingsWith(stems([...terms].join(" ")).filter((term) => term.length > 1))];
}

function stems(text) {
  const stemmer = new Stemmer();
  const words = text.toLowerCase().replaceAll("_", " ").replaceAll("crossentropy", "cross entropy ")
    .replace(/\b(val|acc|ce|ppl)\b/g, (short) => ({ val: "validation", acc: "accuracy", ce: "cross entropy", ppl: "perplexity" })[short]);
  return [...new Set(splitQuery(words).map((word) => stemmer.stemWord(word)))];
}

function headingsWith(wanted) {
  const { alltitles, docnames, filenames, titles } = Search._index;
  const headings = Object.entries(alltitles).map(([title, places]) => {
    const there = stems(title);
    return { title, places, size: there.length, found: wanted.filter((term) => there.includes(term)) };
  });
  const among = (term) => headings.filter(({ found }) => found.includes(term)).length;
  const rarity = Object.fromEntries(wanted.map((term) => [term, Math.log(headings.length / (among(term) || headings.length / 5))]));
  const sum = (terms) => terms.reduce((total, term) => total + rarity[term], 0);
  return headings.flatMap(({ title, places, size, found }) => {
    const share = sum(found) / sum(wanted);
    if (!(share >= 0.35)) return [];
    return places.filter(([file]) => !docnames[file].includes("/api/")).map(([file, id]) => {
      const name = titles[file] === title ? title : `${titles[file]} > ${title}`;
      const score = 15 + 20 * share - 0.1 * size + (docnames[file].includes("/questions/") ? 2 : 0);
      return [docnames[file], name, id === null ? "" : "#" + id, null, score, filenames[file], SearchResultKind.title];
    });
  });
}
