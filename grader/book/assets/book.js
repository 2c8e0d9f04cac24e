// Themes, search, unfolding of the target of a link, scrolling by keyboard.
"use strict";

// Themes: the system's, light, dark.

(() => {
  const button = document.querySelector("button.theme");
  const root = document.documentElement;
  const themes = ["system", "light", "dark"];
  const show = () => {
    button.textContent = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[root.dataset.theme ?? "system"];
  };
  button.addEventListener("click", () => {
    const now = themes.indexOf(root.dataset.theme ?? "system");
    const next = themes[(now + 1) % themes.length];
    if (next === "system") {
      delete root.dataset.theme;
    } else {
      root.dataset.theme = next;
    }
    try {
      localStorage.setItem("book-theme", next);
    } catch {
      // The choice then lasts as long as the page.
    }
    show();
  });
  show();
  button.hidden = false;
})();

// The target of a link is unfolded.

(() => {
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) {
      return;
    }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement?.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) {
    unfold();
  }
})();

// The contents close after a click on a link within the page.

(() => {
  const contents = document.getElementById("contents");
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && contents.matches(":popover-open")) {
      contents.hidePopover();
    }
  });
})();

// Elements wider than the page can be scrolled by keyboard, too.

(() => {
  const wide = document.querySelectorAll(".scroll");
  const see = () => {
    for (const element of wide) {
      if (element.scrollWidth > element.clientWidth + 1) {
        element.tabIndex = 0;
        if (!element.hasAttribute("role")) {
          element.setAttribute("role", "group");
          element.setAttribute("aria-label", element.querySelector("table") ? "Table" : "Code");
        }
      } else {
        element.removeAttribute("tabindex");
      }
    }
  };
  addEventListener("resize", see);
  document.addEventListener("toggle", see, true);
  see();
})();

// Search.

(() => {
  const box = document.querySelector(".search");
  const input = box.querySelector("input");
  const panel = box.querySelector(".results");
  const count = panel.querySelector(".count");
  const list = panel.querySelector("ol");
  const shown = 12;

  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const words = (text) => plain(text).match(/[\p{L}\p{N}_]+/gu) ?? [];

  let index = null;
  // Built at the first search: most pages are only read.
  const entries = () => {
    index ??= window.BOOK_INDEX.map((entry) => ({
      ...entry,
      inTitle: words(`${entry.title} ${entry.title.replaceAll("_", " ")}`),
      inText: words(`${entry.words} ${entry.page}`),
    }));
    return index;
  };

  // The rank of an entry: each word of the query must begin one of its words.
  const rank = (entry, query) => {
    let sum = 0;
    for (const word of query) {
      if (entry.inTitle.includes(word)) {
        sum += 12;
      } else if (entry.inTitle.some((it) => it.startsWith(word))) {
        sum += 8;
      } else {
        const hits = entry.inText.filter((it) => it.startsWith(word)).length;
        if (hits === 0) {
          return 0;
        }
        sum += Math.min(hits, 5);
      }
    }
    return entry.folded ? sum / 4 : sum;
  };

  // A part of the text around the first word that was found.
  const excerpt = (entry, query) => {
    const pieces = entry.words.split(" ");
    const is = (piece) => words(piece).some((it) => query.some((word) => it.startsWith(word)));
    const first = Math.max(0, pieces.findIndex(is) - 6);
    const line = document.createElement("span");
    line.className = "excerpt";
    for (const piece of pieces.slice(first, first + 22)) {
      if (is(piece)) {
        const mark = document.createElement("mark");
        mark.textContent = piece;
        line.append(mark, " ");
      } else {
        line.append(`${piece} `);
      }
    }
    return line;
  };

  const search = () => {
    const query = words(input.value);
    list.replaceChildren();
    panel.hidden = query.length === 0;
    if (query.length === 0) {
      return;
    }
    const found = entries()
      .map((entry) => ({ entry, points: rank(entry, query) }))
      .filter(({ points }) => points > 0)
      .sort((a, b) => b.points - a.points);
    count.textContent = found.length === 0 ? "Nothing found." : `${found.length} found`;
    for (const { entry } of found.slice(0, shown)) {
      const link = document.createElement("a");
      link.href = entry.to;
      const title = document.createElement("span");
      title.className = "title";
      title.textContent = entry.title;
      const page = document.createElement("span");
      page.className = "page";
      page.textContent = entry.page;
      link.append(title, " ", page);
      if (!entry.folded) {
        link.append(excerpt(entry, query));
      }
      const item = document.createElement("li");
      item.append(link);
      list.append(item);
    }
  };

  const links = () => [...list.querySelectorAll("a")];
  const close = () => {
    panel.hidden = true;
  };
  input.addEventListener("input", search);
  input.addEventListener("focus", search);
  box.addEventListener("keydown", (event) => {
    const at = links().indexOf(document.activeElement);
    if (event.key === "ArrowDown") {
      links()[Math.min(at + 1, links().length - 1)]?.focus();
    } else if (event.key === "ArrowUp") {
      (at > 0 ? links()[at - 1] : input).focus();
    } else if (event.key === "Enter" && at < 0) {
      links()[0]?.click();
    } else if (event.key === "Escape") {
      input.focus();
      close();
    } else {
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    if (event.target.closest("a")) {
      close();
    }
  });
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target)) {
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
  });
  box.hidden = false;
})();
