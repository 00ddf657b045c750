// A page opened from disk may not read its neighbours, so the search shows titles without excerpts there.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The arrows that unfold a chapter in the margin have a picture and no name.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll("nav details > summary")) {
    arrow.setAttribute("aria-label", "Pages below " + (arrow.closest("li")?.querySelector("a")?.textContent ?? "this one"));
  }
});
