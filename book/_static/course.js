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
  searchSections();
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

// Sphinx finds whole pages. Here each section is a text of its own, whose heading counts more than its text, and rare words
// more than frequent ones (BM25F: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009).
function searchSections() {
  if (typeof Search === "undefined" || typeof SECTIONS === "undefined") return;
  let index;
  const pages = Search._performSearch;
  Search._performSearch = (query, ...rest) => {
    const best = ranked(index ??= indexed(SECTIONS), words(query));
    const there = new Set(best.map((result) => result[0] + result[2]));
    return [...pages(query, ...rest).filter((result) => !there.has(result[0] + result[2])), ...best.reverse()];
  };
}

const SHORT = {
  acc: "accuracy", batchsize: "batch size", bce: "binary cross entropy", ce: "cross entropy", crossentropy: "cross entropy", hf: "hugging face",
  kldiv: "kl div", logsoftmax: "log softmax", ppl: "perplexity", sft: "fine tuning", sklearn: "scikit learn", val: "validation",
};
const STEMS = new Map();

// The stems of a text's words; CamelCase and snake_case count whole and in parts.
function words(text) {
  const whole = text.match(/\w*[a-z][A-Z]\w*/g) ?? [];
  const parts = text.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const stem = (word) => STEMS.get(word) ?? STEMS.set(word, new Stemmer().stemWord(word)).get(word);
  return splitQuery([parts, ...whole].join(" ").toLowerCase()).flatMap((word) => (SHORT[word] ?? word).split(" ")).map(stem);
}

function counted(list) {
  const counts = new Map();
  for (const word of list) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function indexed(sections) {
  const texts = sections.map(([page, anchor, title, text]) => {
    const body = words(text);
    return { page, anchor, title, heading: counted(words(title)), body: counted(body), size: body.length };
  });
  const mean = texts.reduce((sum, { size }) => sum + size, 0) / texts.length;
  for (const text of texts) text.length = 0.5 + 0.5 * text.size / mean;
  return texts;
}

function ranked(texts, wanted) {
  const terms = [...new Set(wanted)];
  const frequency = (text, term) => 3 * (text.heading.get(term) ?? 0) + (text.body.get(term) ?? 0) / text.length;
  const rarity = terms.map((term) => {
    const among = texts.filter((text) => frequency(text, term)).length;
    return Math.log(1 + (texts.length - among + 0.5) / (among + 0.5));
  });
  const all = rarity.reduce((sum, one) => sum + one, 0);
  const scored = texts.map((text) => {
    const found = terms.map((term) => frequency(text, term));
    const share = found.reduce((sum, one, k) => sum + (one ? rarity[k] : 0), 0) / all;
    const score = share * found.reduce((sum, one, k) => sum + rarity[k] * one / (1.2 + one), 0);
    return { text, share, score: score * (text.page.includes("/questions/") ? 1.4 : 1) };
  });
  const { docnames, filenames, titles } = Search._index;
  return scored.filter(({ share }) => share > 0.35).sort((a, b) => b.score - a.score).slice(0, 10).map(({ text, score }) => {
    const file = docnames.indexOf(text.page);
    const name = text.anchor ? `${titles[file]} > ${text.title}` : text.title;
    return [text.page, name, text.anchor && "#" + text.anchor, null, score, filenames[file], SearchResultKind.title];
  });
}
