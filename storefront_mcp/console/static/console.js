"use strict";
// What a page cannot do without a script: copy, and say that what it keeps up to date no longer is.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const from = document.getElementById(button.dataset.copies);
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(from.textContent.trim());
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(from);
    button.textContent = "Selected: press Ctrl-C";
  }
  setTimeout(() => { button.textContent = said; }, 2500);
});
for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;
for (const [name, stale] of [["htmx:sendError", true], ["htmx:responseError", true], ["htmx:timeout", true], ["htmx:afterSwap", false]]) {
  document.addEventListener(name, () => { const note = document.getElementById("stale"); if (note) note.hidden = !stale; });
}
