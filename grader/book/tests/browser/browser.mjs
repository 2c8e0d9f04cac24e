// Reads a book in headless Chromium, from its files: `node browser.mjs BOOK PACKAGES [PICTURES]`.
// Each page at the width of a phone and of a desk, in light and dark: no errors, nothing wider than the page, nothing serious
// for axe. Then the search, the themes, the contents, folds, figures with and without their script.

import { createRequire } from "node:module";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [book, packages, pictures] = process.argv.slice(2);
const require = createRequire(pathToFileURL(resolve(packages, "none.js")));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const WIDTHS = [375, 1280];
const THEMES = ["light", "dark"];
const pages = readdirSync(book).filter((name) => name.endsWith(".html"));
const address = (page) => pathToFileURL(resolve(book, page)).href;

let checks = 0;
const faults = [];
const check = (isRight, fault) => {
  checks += 1;
  if (!isRight) {
    faults.push(fault);
  }
};
const same = (found, expected, what) =>
  check(JSON.stringify(found) === JSON.stringify(expected), `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);

const programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const program = process.env.CHROMIUM ?? programs.find((it) => existsSync(it));
if (!program || pages.length === 0) {
  console.error(program ? `${book} holds no pages` : "there is no Chromium: set CHROMIUM to its program");
  process.exit(1);
}
const browser = await puppeteer.launch({ executablePath: program, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

const open = async (page, { width = 1280, theme = "light", script = true } = {}) => {
  const tab = await browser.newPage();
  tab.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) {
      check(false, `${page}: ${message.text()}`);
    }
  });
  tab.on("pageerror", (error) => check(false, `${page}: ${error.message}`));
  tab.on("requestfailed", (request) => check(false, `${page}: ${request.url()} is not loaded`));
  tab.on("request", (request) => check(/^(file|data):/.test(request.url()), `${page} asks for ${request.url()}`));
  await tab.setJavaScriptEnabled(script);
  await tab.setViewport({ width, height: 800 });
  await tab.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await tab.goto(address(page));
  return tab;
};

const isWithin = async (tab, what) => {
  const [page, window] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(page <= window, `${what}: ${page} px on a screen of ${window} px`);
};

const examine = async (tab, rules, what) => {
  const found = await tab.evaluate(
    async (only) => (await window.axe.run(document, { resultTypes: ["violations"], preload: false, ...only })).violations
      .filter(({ impact }) => ["serious", "critical"].includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.length} × ${nodes[0].html.slice(0, 160)}`),
    rules,
  );
  same(found, [], `${what}: axe`);
};

// Every page. What is folded is unfolded, so that it is seen, too.

const look = async (page) => {
  for (const width of WIDTHS) {
    const tab = await open(page, { width });
    await isWithin(tab, `${page} at ${width} px`);
    await tab.evaluate(() => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
    await isWithin(tab, `${page} unfolded at ${width} px`);
    await tab.evaluate(axe);
    // All rules once at each width, each time in another theme; colours in both.
    const whole = width === WIDTHS[0] ? "light" : "dark";
    for (const theme of THEMES) {
      await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
      if (theme === whole || width === WIDTHS[0]) {
        const rules = theme === whole ? {} : { runOnly: { type: "rule", values: ["color-contrast"] } };
        await examine(tab, rules, `${page} at ${width} px, ${theme}`);
      }
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await tab.screenshot({ path: resolve(pictures, `${page}-${width}-${theme}.png`), fullPage: true });
      }
    }
    await tab.close();
  }
};
const queue = [...pages];
const work = async () => {
  for (let page = queue.shift(); page; page = queue.shift()) {
    await look(page);
  }
};
// Two at a time; but only the page in front can be photographed.
await Promise.all(pictures ? [work()] : [work(), work()]);

// The search finds by the beginnings of words, leads to places, and unfolds what is folded.

{
  const tab = await open("index.html");
  await tab.keyboard.press("/");
  await tab.keyboard.type("softmax ro");
  const results = () => tab.$$eval(".results a", (links) => links.map((link) => link.textContent));
  check((await results()).length > 1, "softmax ro: nothing found");
  check((await results()).every((text) => text.length > 0), "an entry without words");
  await tab.keyboard.press("ArrowDown");
  const to = await tab.evaluate(() => document.activeElement.href);
  await Promise.all([tab.waitForNavigation(), tab.keyboard.press("Enter")]);
  check(to.startsWith("file:") && tab.url() === to, `the search leads to ${tab.url()}, not ${to}`);

  await tab.type("#search", "zzzz");
  same(await tab.$eval(".results .count", (it) => it.textContent), "Nothing found.", "a word that is nowhere");
  await tab.keyboard.press("Escape");
  check(await tab.$eval(".results", (it) => it.hidden), "Escape leaves the results open");

  const hint = await tab.evaluate(() => window.BOOK_INDEX.find((entry) => entry.folded && entry.title.startsWith("Solution")));
  await tab.$eval("#search", (input) => (input.value = ""));
  await tab.type("#search", hint.title);
  const excerpts = await tab.$$eval(".results a", (links, title) =>
    links.filter((link) => link.textContent.startsWith(title)).map((link) => link.querySelectorAll(".excerpt").length), hint.title);
  check(excerpts.length > 0 && excerpts.every((count) => count === 0), "a solution shows in the results");
  await tab.goto(address(hint.to.split("#")[0]) + `#${hint.to.split("#")[1]}`);
  const isOpen = await tab.evaluate((id) => document.getElementById(id).closest("details").open, hint.to.split("#")[1]);
  check(isOpen, `${hint.to} stays folded`);
  await tab.close();
}

// Themes: the system's, then the chosen one, on all pages.

{
  const tab = await open("index.html", { theme: "dark" });
  const ground = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await tab.click("button.theme");
  const light = await ground();
  check(light !== dark, `light is as dark: ${light}`);
  await tab.goto(address("course.html"));
  same(await ground(), light, "the theme on another page");
  await tab.click("button.theme");
  same(await ground(), dark, "dark by choice");
  await tab.click("button.theme");
  same(await ground(), dark, "dark by the system");
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  same(await ground(), light, "light by the system");
  await tab.close();
}

// The contents, on a phone behind a button, with and without script.

for (const script of [true, false]) {
  const tab = await open("index.html", { width: 375, script });
  const isSeen = async () => Boolean(await (await tab.$("#contents a")).boundingBox());
  check(!(await isSeen()), "the contents cover the page");
  await tab.click(".open-contents");
  check(await isSeen(), `the contents do not open, script: ${script}`);
  await tab.keyboard.press("Escape");
  check(!(await isSeen()), "the contents do not close");
  await tab.close();
}

// Figures. Without script they show their example; with it, that is where they begin and what they go back to.

const tables = (tab, name) =>
  tab.$$eval(`figure[data-figure="${name}"] table`, (all) =>
    all.map((table) => [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent))));
const seen = (tab, name) => tab.$eval(`figure[data-figure="${name}"] .seen`, (line) => line.textContent);
const set = (tab, name, label, value) =>
  tab.evaluate(
    ([name, label, value]) => {
      const labels = [...document.querySelectorAll(`figure[data-figure="${name}"] label`)];
      const input = labels.find((it) => it.textContent.startsWith(label)).control;
      if (input.type === "checkbox") {
        input.checked = value;
      } else {
        input.value = value;
      }
      input.dispatchEvent(new Event("input", { bubbles: true }));
    },
    [name, label, value],
  );
const reset = async (tab, name) => {
  await tab.click(`figure[data-figure="${name}"] button[type="reset"]`);
  await tab.evaluate(() => new Promise((done) => setTimeout(done, 50)));
};
const withFigure = {};
for (const page of pages) {
  for (const [, name] of readFileSync(resolve(book, page), "utf8").matchAll(/data-figure="([^"]*)"/g)) {
    withFigure[name] = page;
  }
}
same(Object.keys(withFigure).sort(), ["attention", "layer-by-layer", "patch-grid"], "figures");

for (const [name, page] of Object.entries(withFigure)) {
  const still = await open(page, { script: false });
  const [stillTables, stillSeen] = [await tables(still, name), await seen(still, name)];
  check(!(await (await still.$(`figure[data-figure="${name}"] form`)).isVisible()), `${name}: controls without script`);
  await still.close();

  const tab = await open(page);
  check(await (await tab.$(`figure[data-figure="${name}"] form`)).isVisible(), `${name}: no controls`);
  same(await tables(tab, name), stillTables, `${name} at first`);
  check((await seen(tab, name)).startsWith(stillSeen), `${name} says at first: ${await seen(tab, name)}`);
  const text = await tab.$eval("article", (article) => article.textContent);

  if (name === "attention") {
    const numbers = (rows) => rows.map((row) => row.map((cell) => Number(cell.replace("−", "-"))));
    const softmax = (row, t) => {
      const powers = row.map((x) => Math.exp(x / t));
      return powers.map((x) => (x / powers.reduce((a, b) => a + b)).toFixed(4));
    };
    const [logits] = numbers(stillTables[0]);
    for (const quarter of [-4, 4, 8]) {
      await set(tab, name, "temperature", quarter);
      const [first] = (await tables(tab, name))[1];
      same(first, softmax(logits, 2 ** (quarter / 4)), `temperature ${2 ** (quarter / 4)}`);
    }
    await reset(tab, name);
    same(await tables(tab, name), stillTables, "attention after a reset");
    await set(tab, name, "divide by", false);
    // The handout says what its first row is without the root.
    const unscaled = (await tables(tab, name))[1][0];
    check(text.replace(/\s+/g, " ").includes(unscaled.join(", ")), `the handout does not say ${unscaled}`);
    // By keyboard, too.
    await reset(tab, name);
    await tab.focus(`figure[data-figure="${name}"] input[type="range"]`);
    await tab.keyboard.press("ArrowRight");
    check(JSON.stringify(await tables(tab, name)) !== JSON.stringify(stillTables), "the slider does not move by keyboard");
  } else if (name === "layer-by-layer") {
    await set(tab, name, "heads fused by", "max");
    // "With the maximum, row c of layer 1 is (1, 1, 0), plus I (2, 1, 0), normalised (⅔, ⅓, 0)."
    check(text.includes("(⅔, ⅓, 0)"), "the handout has another example of the maximum");
    const first = (await tables(tab, name)).find((rows, at) => at === 3);
    same(first[0], ["0.667", "0.333", "0.000"], "the maximum's first row");
    await reset(tab, name);
    await set(tab, name, "add the residual", false);
    // Without it a layer's map is its heads' mean, and the last product is the second layer's mean times the first's.
    const all = await tables(tab, name);
    same(all[3], all[2], "no residual");
    await reset(tab, name);
    await set(tab, name, "layers", 1);
    check(!(await (await tab.$(`[data-layer="1"]`)).isVisible()), "the second layer is still shown");
    check((await seen(tab, name)).startsWith("After layer 1,"), await seen(tab, name));
    await reset(tab, name);
    same(await tables(tab, name), stillTables, "layers after a reset");
  } else {
    const count = () => tab.$$eval("svg.token", (all) => all.length);
    for (const [at, side] of [2, 4, 7, 14].entries()) {
      await set(tab, name, "patch size", at);
      same(await count(), (28 / side) ** 2, `tokens for patches of ${side} px`);
    }
    await set(tab, name, "patch size", 2);
    await set(tab, name, "token", 6);
    check((await seen(tab, name)).includes("row 1, column 2 of the grid: 1 · 4 + 2 = 6."), await seen(tab, name));
    const place = await tab.$eval("rect.here", (it) => [it.getAttribute("x"), it.getAttribute("y")]);
    same(place, ["14", "7"], "the patch that is marked");
    await tab.$eval("svg.grid", (it) => it.scrollIntoView({ block: "center" }));
    const grid = await (await tab.$("svg.grid")).boundingBox();
    await tab.mouse.move(grid.x + grid.width * 0.9, grid.y + grid.height * 0.9);
    check((await seen(tab, name)).includes("Token 15 "), `pointing at the last patch: ${await seen(tab, name)}`);
  }
  await tab.close();
}

await browser.close();
for (const fault of new Set(faults)) {
  console.error(fault);
}
console.log(`${pages.length} pages, ${checks} checks, ${faults.length} faults`);
process.exit(faults.length === 0 && checks > 100 ? 0 : 1);
