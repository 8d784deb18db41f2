// A copy button on every snippet, where the browser can copy.
(() => {
  "use strict";

  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll(".block pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.after(button);
  }
})();
