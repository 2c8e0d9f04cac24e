// The theme that was chosen, set before anything is drawn. Without a choice, or without this script, it is the system's.
"use strict";

(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("book-theme");
  } catch {
    // A browser may keep nothing of pages that are opened as files.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
  document.documentElement.classList.add("scripted");
})();
