// Interactive figures. Pages hold each figure in its initial state; this script redraws it when a control changes.
"use strict";

(() => {
  const product = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
  const transposed = (a) => a[0].map((_, j) => a.map((row) => row[j]));
  const softmax = (row) => {
    const largest = Math.max(...row);
    const powers = row.map((x) => Math.exp(x - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((x) => x / sum);
  };

  // A number with a minus sign and a fixed number of digits, and one without trailing zeros.
  const fixed = (value, digits) => {
    const text = value.toFixed(digits);
    return /^-[0.]+$/.test(text) ? text.slice(1) : text.replace("-", "−");
  };
  const number = (value, digits) => {
    const text = fixed(value, digits);
    return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  };

  const fill = (table, matrix) => {
    const most = Number(table.dataset.digits);
    const digits = Math.max(...matrix.flat().map((value) => (number(value, most).split(".")[1] ?? "").length));
    table.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelectorAll("td").forEach((cell, j) => {
        const value = matrix[i][j];
        cell.textContent = fixed(value, digits);
        if ("shaded" in table.dataset) {
          cell.className = `w${Math.round(Math.min(Math.max(value, 0), 1) * 10)}`;
        }
      });
    });
  };

  let ids = 0;
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const control = (form, text, input, shows) => {
    input.id = `control-${(ids += 1)}`;
    const label = element("label", { htmlFor: input.id }, text);
    const parts = input.type === "checkbox" ? [input, label] : [label, input];
    if (shows) {
      const output = element("output");
      output.setAttribute("for", input.id);
      const show = () => {
        output.textContent = shows(input.value);
        input.setAttribute("aria-valuetext", output.textContent);
      };
      input.addEventListener("input", show);
      form.addEventListener("reset", () => setTimeout(show));
      show();
      parts.push(output);
    }
    form.append(element("div", { className: "control" }, ...parts));
    return input;
  };
  const range = (min, max, step, value) => {
    const input = element("input", { type: "range", min, max, step });
    input.defaultValue = value;
    return input;
  };
  const choice = (choices) =>
    element("select", {}, ...choices.map(([value, text]) => element("option", { value, textContent: text })));

  // The form of a figure, whose changes and reset draw it anew.
  const controls = (figure, draw) => {
    const form = figure.querySelector("form.controls");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", draw);
    form.addEventListener("reset", () => setTimeout(draw));
    form.append(element("button", { type: "reset", textContent: "Reset" }));
    form.hidden = false;
  };

  const attention = (figure) => {
    const { q, k, v } = JSON.parse(figure.querySelector("[data-example]").dataset.example);
    const form = figure.querySelector("form.controls");
    const d = q[0].length;
    const root = number(Math.sqrt(d), 2);
    const scale = element("input", { type: "checkbox" });
    scale.defaultChecked = true;
    control(form, `divide by √d = ${root}`, scale);
    // In steps of a power of two, so that a half is as far from 1 as 2.
    const heat = (value) => 2 ** (Number(value) / 4);
    const temperature = control(form, "temperature", range(-12, 12, 1, 0), (value) => number(heat(value), 2));
    const tables = {};
    for (const table of figure.querySelectorAll("table")) {
      tables[table.dataset.table] = table;
    }
    const draw = () => {
      const t = heat(temperature.value);
      const divisor = (scale.checked ? Math.sqrt(d) : 1) * t;
      const logits = product(q, transposed(k)).map((row) => row.map((x) => x / divisor));
      const weights = logits.map(softmax);
      fill(tables.logits, logits);
      fill(tables.weights, weights);
      fill(tables.output, product(weights, v));
      const factors = [scale.checked ? root : "", t === 1 ? "" : number(t, 2)].filter(Boolean);
      const formula = tables.logits.querySelector("[data-caption]");
      formula.textContent = ["q kᵀ", ...factors].join(" / ");
      const bars = figure.querySelectorAll("svg.bars rect");
      const marks = figure.querySelectorAll("svg.bars .of");
      weights.forEach((row, i) => {
        let x = 15;
        row.forEach((share, j) => {
          const at = i * row.length + j;
          bars[at].setAttribute("x", x.toFixed(3));
          bars[at].setAttribute("width", (100 * share).toFixed(3));
          marks[at].setAttribute("x", (x + 50 * share).toFixed(3));
          marks[at].textContent = share >= 0.05 ? j : "";
          x += 100 * share;
        });
      });
      const said = weights.map((row, i) => {
        const most = Math.max(...row);
        const at = row.flatMap((share, j) => (share >= most - 1e-9 ? [j] : []));
        const percent = `${(100 * most).toFixed(0)} %`;
        if (at.length === 1) {
          return `token ${i} takes ${percent} from token ${at[0]}`;
        }
        return at.length === row.length
          ? `token ${i} takes the mean of all`
          : `token ${i} takes ${percent} from each of tokens ${at.join(" and ")}`;
      });
      figure.querySelector(".seen").textContent = `Now ${said.join("; ")}.`;
    };
    controls(figure, draw);
  };

  const layerByLayer = (figure) => {
    const { tokens, layers } = JSON.parse(figure.querySelector("[data-example]").dataset.example);
    const form = figure.querySelector("form.controls");
    const upTo = control(form, "layers", range(1, layers.length, 1, layers.length), (value) => `1 to ${value}`);
    const names = { mean: "mean", max: "maximum", min: "minimum" };
    const fusion = control(form, "heads fused by", choice(Object.entries(names)));
    const residual = element("input", { type: "checkbox" });
    residual.defaultChecked = true;
    control(form, "add the residual", residual);

    const fuse = {
      mean: (all) => all.reduce((a, b) => a + b, 0) / all.length,
      max: (all) => Math.max(...all),
      min: (all) => Math.min(...all),
    };
    const draw = () => {
      let below = null;
      let last = null;
      layers.forEach((heads, l) => {
        const part = figure.querySelector(`[data-layer="${l}"]`);
        const fused = heads[0].map((row, i) => row.map((_, j) => fuse[fusion.value](heads.map((head) => head[i][j]))));
        const mixed = fused.map((row, i) => {
          const kept = row.map((x, j) => (residual.checked ? x / 2 + (i === j ? 0.5 : 0) : x));
          const sum = kept.reduce((a, b) => a + b, 0);
          return kept.map((x) => (sum > 0 ? x / sum : 0));
        });
        const all = below ? product(mixed, below) : mixed;
        for (const [name, matrix] of Object.entries({ fused, mixed, product: all })) {
          fill(part.querySelector(`[data-table="${name}"]`), matrix);
        }
        part.querySelector("[data-caption]").textContent = `fused: ${names[fusion.value]}`;
        part.hidden = l >= Number(upTo.value);
        if (!part.hidden) {
          last = { fused, all, l };
        }
        below = all;
      });
      const parts = (row) => tokens.map((token, j) => `${number(row[j], 3)} ${token}`).join(", ");
      figure.querySelector(".seen").textContent =
        `After layer ${last.l + 1}, raw attention says that ${tokens[0]} is made of ${parts(last.fused[0])}; ` +
        `rollout says ${parts(last.all[0])}.`;
    };
    controls(figure, draw);
  };

  const patchGrid = (figure) => {
    const SVG = "http://www.w3.org/2000/svg";
    const part = figure.querySelector("[data-sides]");
    const size = Number(part.dataset.size);
    const sides = JSON.parse(part.dataset.sides);
    const form = figure.querySelector("form.controls");
    const first = sides.indexOf(Number(part.dataset.patch));
    const side = control(form, "patch size", range(0, sides.length - 1, 1, first), (value) => `${sides[value]} px`);
    const token = control(form, "token", range(0, (size / sides[first]) ** 2 - 1, 1, 0), (value) => value);

    const shape = (name, attributes) => {
      const made = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) {
        made.setAttribute(key, value);
      }
      return made;
    };
    const grid = part.querySelector("svg.grid");
    const lines = grid.querySelector(".lines");
    const here = shape("rect", { class: "here" });
    grid.append(here);
    const row = part.querySelector(".tokens");
    let drawn = 0;

    const draw = () => {
      const p = sides[side.value];
      const g = size / p;
      if (drawn !== p) {
        drawn = p;
        token.max = g * g - 1;
        token.dispatchEvent(new Event("input"));
        lines.replaceChildren();
        for (let at = p; at < size; at += p) {
          lines.append(shape("line", { x1: at, x2: at, y1: 0, y2: size }), shape("line", { y1: at, y2: at, x1: 0, x2: size }));
        }
        row.replaceChildren();
        for (let n = 0; n < g * g; n += 1) {
          const piece = shape("svg", { class: "token", viewBox: `${(n % g) * p} ${Math.floor(n / g) * p} ${p} ${p}` });
          piece.append(shape("use", { href: "#digit" }));
          piece.dataset.token = n;
          row.append(piece);
        }
      }
      const n = Number(token.value);
      const [i, j] = [Math.floor(n / g), n % g];
      here.setAttribute("x", j * p);
      here.setAttribute("y", i * p);
      here.setAttribute("width", p);
      here.setAttribute("height", p);
      row.querySelector(".here")?.classList.remove("here");
      row.children[n].classList.add("here");
      figure.querySelector(".seen").textContent =
        `Patches of ${p} × ${p} pixels: ${g} · ${g} = ${g * g} tokens of ${p * p} values each. ` +
        `Token ${n} is row ${i}, column ${j} of the grid: ${i} · ${g} + ${j} = ${n}.`;
    };
    const choose = (n) => {
      token.value = n;
      token.dispatchEvent(new Event("input", { bubbles: true }));
    };
    // Pointing at a patch, in the image or in the row, is the same as moving the slider.
    grid.addEventListener("pointermove", (event) => {
      const box = grid.getBoundingClientRect();
      const g = size / sides[side.value];
      const cell = (at, from, length) => Math.min(g - 1, Math.max(0, Math.floor(((at - from) / length) * g)));
      choose(cell(event.clientY, box.top, box.height) * g + cell(event.clientX, box.left, box.width));
    });
    row.addEventListener("pointerover", (event) => {
      const piece = event.target.closest("[data-token]");
      if (piece) {
        choose(piece.dataset.token);
      }
    });
    drawn = 0;
    controls(figure, draw);
    draw();
  };

  const kinds = { attention, "layer-by-layer": layerByLayer, "patch-grid": patchGrid };
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    kinds[figure.dataset.figure]?.(figure);
  }
})();
