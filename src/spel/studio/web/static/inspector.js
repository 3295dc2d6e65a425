// The inspector: the engine's numbers behind one spel, and the walk back to the image.

import { cell, planeCanvas, scaleFor } from "./colors.js";
import { Part, fill, h, num, say, short, t, tight } from "./core.js";
import { bus, choose, node, onImage, onStep, picture, state, step, trace } from "./store.js";

const MOST_NUMBERS = 49;

class Inspector extends Part {
  build() {
    this.on(bus, "cursor run select language", () => this.update());
    this.open = new Set();
    this.update();
  }
  async update() {
    if (!state.cursor) {
      this.told = null;
      fill(
        this,
        h("h2", {}, t("inspector.title")),
        h("p.muted", {}, t("inspector.empty")),
        h(
          "ul.hints",
          {},
          ["hover", "click", "arrows", "zoom"].map((k) => h("li", {}, t(`inspector.hint.${k}`))),
        ),
      );
      return;
    }
    if (state.node === "input") {
      await this.input();
      return;
    }
    const told = step();
    if (!told) return;
    if (told.error) {
      fill(this, h("h2", {}, state.node), h("p.error", { role: "alert" }, told.error));
      return;
    }
    if (told.shape.length !== 3) {
      fill(this, h("h2", {}, state.node), h("p.muted", {}, t("inspector.flat")));
      return;
    }
    const at = onStep(told, state.cursor),
      channel = Math.min(state.channel, told.shape[2] - 1);
    const asked = {
      network: state.network,
      image: state.image,
      node: state.node,
      row: at[0],
      col: at[1],
      channel,
    };
    let found;
    try {
      found = await trace(asked);
    } catch (problem) {
      if (problem.status !== 422) say(problem.message, "error");
      return;
    }
    if (!found || asked.node !== state.node || state.run === null) return;
    this.told = { ...found, asked };
    this.draw();
    performance.mark("spel-inspector");
    this.dispatchEvent(new CustomEvent("traced", { detail: this.told, bubbles: true }));
  }
  async input() {
    const shown = await picture(state.image),
      [row, col] = state.cursor,
      i = (row * shown.cols + col) * 3;
    const values = [...shown.data.subarray(i, i + 3)],
      names = shown.channels < 3 ? ["grey"] : ["red", "green", "blue"];
    this.told = null;
    fill(
      this,
      this.head(t("step.input"), [row, col]),
      h("div.swatch", { style: { background: `rgb(${values.join(" ")})` }, "aria-hidden": "true" }),
      h(
        "table.terms",
        {},
        names.map((name, k) =>
          h("tr", {}, h("th", { scope: "row" }, t(`color.${name}`)), h("td", {}, num(values[k]))),
        ),
      ),
      h("p.muted.small", {}, t("inspector.as_shown", { dtype: shown.dtype })),
    );
  }
  head(name, at, more = "") {
    return h(
      "header.inspector-head",
      {},
      h("h2", {}, name),
      h("p.where", {}, t("inspector.at", { row: at[0], col: at[1] }), more),
      state.pinned
        ? h(
            "button.chip.on",
            { onclick: () => choose({ pinned: false }), title: t("inspector.unpin") },
            t("inspector.pinned"),
          )
        : null,
    );
  }
  draw() {
    const { steps } = this.told,
      last = steps.at(-1),
      before = steps.slice(0, -1).reverse();
    const channels = step(last.node)?.shape[2] ?? 1;
    fill(
      this,
      this.head(last.node, last.at, channels > 1 ? ` · ${t("channel")} ${last.channel}` : ""),
      h(
        "p.big-value",
        {},
        h("span.muted", {}, t("inspector.value")),
        h("output", {}, num(last.terms.value, 5)),
      ),
      this.step(last),
      before.length ? h("h3", {}, t("inspector.back")) : null,
      h(
        "ol.walk",
        {},
        before.map((s) => {
          const key = `${s.node}/${s.at}/${s.channel}`;
          const details = h(
            "details",
            {
              open: this.open.has(s.node),
              ontoggle: () => {
                if (details.open) this.open.add(s.node);
                else this.open.delete(s.node);
                if (details.open && details.children.length < 2)
                  details.append(this.step(s), this.jump(s));
              },
            },
            h(
              "summary",
              {},
              h("b", {}, s.node),
              h("span.where", {}, ` (${s.at.join(", ")})${s.channel ? ` #${s.channel}` : ""}`),
              h("output", {}, num(s.terms.value, 4)),
            ),
          );
          if (this.open.has(s.node)) details.append(this.step(s), this.jump(s));
          return h("li", { "data-key": key }, details);
        }),
      ),
      h("div.row", {}, h("button.chip", { onclick: () => this.copy() }, t("inspector.copy"))),
    );
  }
  jump(s) {
    return h(
      "button.chip",
      {
        onclick: () => {
          const told = step(s.node);
          choose({ node: s.node, channel: s.channel, cursor: onImage(told, s.at), pinned: true });
        },
      },
      t("inspector.go", { name: s.node }),
    );
  }
  copy() {
    const lines = this.told.steps.map(
      (s) => `${s.node}\t${s.at.join("\t")}\t${s.channel}\t${s.terms.value}`,
    );
    navigator.clipboard?.writeText(["node\trow\tcol\tchannel\tvalue", ...lines].join("\n")).then(
      () => say(t("copied")),
      () => say(t("copy.failed"), "error"),
    );
  }

  // -- one step as its arithmetic ----------------------------------------------------------------

  step(s) {
    const terms = s.terms;
    if (terms.products && terms.displacements) return this.sum(s);
    if (terms.products) return this.weighted(s);
    if (terms.function) return activation(terms);
    if (
      terms.winner ||
      (terms.patch && terms.displacements && !("sum of squares" in terms) && !("sum" in terms))
    )
      return this.pool(s);
    if ("sum of squares" in terms) return this.divisive(terms);
    if (terms.patch && "count" in terms) return this.mean(terms);
    if ("normalized" in terms) return this.residue(terms);
    if ("min" in terms && "max" in terms)
      return formula(
        t("formula.linear"),
        [
          `(${num(terms.input)} − ${num(terms.min)}) / (${num(terms.max)} − ${num(terms.min)})`,
          terms.value,
        ],
        table(terms, ["input", "min", "max"]),
      );
    if ("threshold" in terms)
      return formula("x > t", [
        `${num(terms.input)} > ${num(terms.threshold)}`,
        terms.value ? t("yes") : t("no"),
      ]);
    if ("factor" in terms)
      return formula("x · f + s", [
        `${num(terms.input)} · ${num(terms.factor)} + ${num(terms.shift)}`,
        terms.value,
      ]);
    if ("deviation" in terms)
      return formula(
        "(x − μ) / (σ + ε) · γ + β",
        [`(${num(terms.input)} − ${num(terms.mean)}) / ${num(terms.deviation)}`, terms.value],
        table(terms, ["mean", "deviation", "gamma", "beta"]),
      );
    if ("median" in terms)
      return formula("x − median", [`${num(terms.input)} − ${num(terms.median)}`, terms.value]);
    if ("space" in terms) return this.color(terms);
    return table(
      terms,
      Object.keys(terms).filter((k) => typeof terms[k] !== "object"),
    );
  }
  /** patch x kernel = products, sum + bias. */
  sum(s) {
    const { terms } = s,
      steps = terms.displacements,
      channels = terms.patch[0].length;
    const shares = Array.from({ length: channels }, (_, c) =>
      terms.products.reduce((a, row) => a + row[c], 0),
    );
    const strongest = shares.reduce(
      (best, v, c) => (Math.abs(v) > Math.abs(shares[best]) ? c : best),
      0,
    );
    const box = h("div.arithmetic"),
      key = `${s.node}`,
      cols = steps.map((d) => d[1]),
      across = Math.max(...cols) - Math.min(...cols) + 1;
    this.slices ??= {};
    const draw = () => {
      const c = Math.min(this.slices[key] ?? strongest, channels - 1),
        column = (rows) => rows.map((row) => row[c]);
      const outside = terms.inside.map((v) => !v),
        wide = across > 3 && steps.length <= MOST_NUMBERS,
        style = { wide: wide && this.stacked, blank: wide && !this.stacked };
      const three = h(
        "div.three",
        {},
        matrix(t("inspector.patch"), steps, column(terms.patch), { outside, ...style }),
        h("span.operator", { "aria-hidden": "true" }, "×"),
        matrix(t("inspector.kernel"), steps, column(terms.kernel), { signed: true, ...style }),
        h("span.operator", { "aria-hidden": "true" }, "="),
        matrix(t("inspector.products"), steps, column(terms.products), { signed: true, ...style }),
      );
      three.classList.toggle("stacked", Boolean(wide && this.stacked));
      const linked = h("p.small.muted.linked", {}, " ");
      // The same place in all three, and its product in words.
      three.addEventListener("pointerover", (event) => {
        const i = event.target.dataset?.i;
        for (const one of three.querySelectorAll(".same")) one.classList.remove("same");
        if (i === undefined) {
          linked.textContent = " ";
          return;
        }
        for (const one of three.querySelectorAll(`[data-i="${i}"]`)) one.classList.add("same");
        linked.textContent = `(${steps[i].join(", ")}): ${num(terms.patch[i][c], 5)} × ${num(terms.kernel[i][c], 5)} = ${num(terms.products[i][c], 5)}`;
      });
      fill(
        box,
        channels > 1
          ? h(
              "div.slices",
              { role: "group", "aria-label": t("inspector.slices") },
              shares
                .map((v, i) => ({ v, i }))
                .sort((a, b) => Math.abs(b.v) - Math.abs(a.v))
                .slice(0, 24)
                .map(({ v, i }) =>
                  h(
                    "button.chip",
                    {
                      "aria-pressed": String(i === c),
                      title: t("inspector.slice", { c: i }),
                      onclick: () => {
                        this.slices[key] = i;
                        draw();
                      },
                    },
                    `#${i} `,
                    h("b", {}, short(v)),
                  ),
                ),
            )
          : null,
        three,
        linked,
        wide
          ? h(
              "button.chip",
              {
                "aria-pressed": String(Boolean(this.stacked)),
                onclick: () => {
                  this.stacked = !this.stacked;
                  draw();
                },
              },
              t("inspector.numbers"),
            )
          : null,
        terms.inside.some((v) => !v)
          ? h(
              "p.small.muted",
              {},
              h("span.hatch-sample", { "aria-hidden": "true" }),
              t("inspector.border", { border: String(node(s.node)?.fields.border ?? "") }),
            )
          : null,
        h(
          "p.result",
          {},
          h("span", {}, t("inspector.sum")),
          num(terms.sum, 5),
          " + ",
          h("span", {}, t("kernel.bias")),
          num(terms.bias),
          " = ",
          h("output", {}, num(terms.value, 5)),
        ),
        terms.norm > 0
          ? h(
              "p.small.muted",
              {},
              t("inspector.distance", { d: num((terms.sum + terms.bias) / terms.norm) }),
            )
          : null,
      );
    };
    draw();
    return box;
  }
  weighted({ terms }) {
    const rows = terms.products
        .map((p, i) => ({ p, i }))
        .sort((a, b) => Math.abs(b.p) - Math.abs(a.p))
        .slice(0, 12),
      top = Math.max(...rows.map(({ p }) => Math.abs(p)), 1e-12);
    return h(
      "div.arithmetic",
      {},
      h(
        "table.terms.bars",
        {},
        rows.map(({ p, i }) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, `#${i}`),
            h("td", {}, `${num(terms.patch[i])} × ${num(terms.kernel[i])}`),
            h("td", {}, num(p)),
            h(
              "td.bar",
              {},
              h(`span.${p < 0 ? "minus" : "plus"}`, {
                style: { width: `${(Math.abs(p) / top) * 100}%` },
              }),
            ),
          ),
        ),
      ),
      h(
        "p.result",
        {},
        h("span", {}, t("inspector.sum")),
        num(terms.sum),
        " + ",
        h("span", {}, t("kernel.bias")),
        num(terms.bias),
        " = ",
        h("output", {}, num(terms.value, 5)),
      ),
    );
  }
  pool({ node: name, terms }) {
    const kind = node(name)?.kind ?? "",
      word = kind.startsWith("min") ? "min" : "max";
    const winner = terms.winner
      ? terms.displacements.findIndex(([r, c]) => r === terms.winner[0] && c === terms.winner[1])
      : -1;
    return h(
      "div.arithmetic",
      {},
      matrix(
        t("inspector.window", { n: terms.displacements.length }),
        terms.displacements,
        terms.patch.flat(),
        { mark: winner, wide: true },
      ),
      h(
        "p.result",
        {},
        `${word} = `,
        h("output", {}, num(terms.value, 5)),
        terms.winner
          ? h(
              "span.muted",
              {},
              ` ${t("inspector.winner", { at: terms.winner.map((d) => (d > 0 ? `+${d}` : d)).join(", ") })}`,
            )
          : null,
      ),
    );
  }
  mean({ displacements, patch, sum, count, value }) {
    return h(
      "div.arithmetic",
      {},
      matrix(t("inspector.window", { n: displacements.length }), displacements, patch.flat(), {
        wide: true,
      }),
      h("p.result", {}, `${num(sum)} / ${count} = `, h("output", {}, num(value, 5))),
    );
  }
  divisive(terms) {
    const flat = terms.patch.map((row) => (Array.isArray(row) ? row[0] : row));
    return h(
      "div.arithmetic",
      {},
      matrix(t("inspector.window", { n: terms.displacements.length }), terms.displacements, flat, {
        wide: true,
      }),
      h(
        "p.result",
        {},
        `${num(terms.input)} / √${num(terms["sum of squares"])} = ${num(terms.input)} / ${num(terms.norm)} = `,
        h("output", {}, num(terms.value, 5)),
      ),
    );
  }
  residue(terms) {
    const a = terms["input scale"],
      b = terms["normalized scale"];
    const told =
      a !== undefined
        ? `${num(terms.input)} · ${num(a)} − ${num(terms.normalized)} · ${num(b)}`
        : `${num(terms.input)} − ${num(terms.normalized)}`;
    return formula(
      "ReLU(x − n)",
      [told, terms.value],
      a !== undefined ? h("p.small.muted", {}, t("inspector.scaled")) : null,
    );
  }
  color(terms) {
    const values = Array.isArray(terms.input) ? terms.input : [terms.input];
    const three = values.length >= 3 && terms.space === "grey";
    return formula(
      three ? "(0.299 R + 0.587 G + 0.114 B) / w" : `${terms.space}`,
      [
        `${values.map((v) => num(v)).join(", ")}${three ? ` / ${num(terms.white)}` : ""}`,
        terms.value,
      ],
      h(
        "div.swatches",
        { "aria-hidden": "true" },
        h("span.swatch", {
          style: {
            background: `rgb(${(values.length >= 3 ? values.slice(0, 3) : [values[0], values[0], values[0]]).map((v) => Math.round((v / terms.white) * 255)).join(" ")})`,
          },
        }),
      ),
    );
  }
}
customElements.define("spel-inspector", Inspector);

const formula = (rule, [told, value], more) =>
  h(
    "div.arithmetic",
    {},
    h("p.rule", {}, rule),
    h(
      "p.result",
      {},
      told,
      " = ",
      h("output", {}, typeof value === "number" ? num(value, 5) : value),
    ),
    more,
  );
const table = (terms, names) =>
  h(
    "table.terms",
    {},
    names.map((name) =>
      h("tr", {}, h("th", { scope: "row" }, t(`term.${name}`)), h("td", {}, num(terms[name], 5))),
    ),
  );

/** Values over displacements as a grid: numbers in small ones, a picture with numbers on hover in large ones. */
function matrix(
  title,
  steps,
  values,
  { signed = false, outside = [], mark = -1, wide = false, blank = false } = {},
) {
  const rows = steps.map((d) => d[0]),
    cols = steps.map((d) => d[1]);
  const r0 = Math.min(...rows),
    c0 = Math.min(...cols),
    high = Math.max(...rows) - r0 + 1,
    across = Math.max(...cols) - c0 + 1;
  const finite = values.filter((v) => typeof v === "number"),
    low = Math.min(0, ...finite),
    top = Math.max(0, ...finite);
  const scale = scaleFor(signed ? Math.min(low, -1e-12) : low, top);
  const caption = h("figcaption", {}, title);
  if (steps.length <= MOST_NUMBERS && across <= 11) {
    const grid = h("div.matrix", {
      style: {
        gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))`,
        maxWidth: `${across * (wide ? 4 : 2.9)}em`,
      },
    });
    const cells = Array.from({ length: high * across }, () => h("span.void"));
    steps.forEach((d, i) => {
      const shown = h(
        "span.number",
        { style: cell(values[i], scale), "data-i": i },
        blank ? "" : tight(values[i], wide ? 6 : 5),
      );
      if (outside[i]) shown.classList.add("outside");
      if (i === mark) shown.classList.add("winner");
      shown.title = `(${d.join(", ")}): ${num(values[i], 7)}`;
      cells[(d[0] - r0) * across + (d[1] - c0)] = shown;
    });
    grid.append(...cells);
    grid.classList.toggle("tiny", across > 6);
    return h(`figure.${wide ? "wide" : "third"}`, {}, caption, grid);
  }
  const data = new Float32Array(high * across).fill(NaN);
  steps.forEach((d, i) => {
    data[(d[0] - r0) * across + (d[1] - c0)] = values[i];
  });
  const canvas = planeCanvas({ rows: high, cols: across, data }, scale);
  canvas.className = "heat";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", title);
  const under = h(
    "p.small.muted.heat-value",
    {},
    mark >= 0 ? `★ (${steps[mark].join(", ")}): ${num(values[mark])}` : " ",
  );
  if (mark >= 0) {
    const pen = canvas.getContext("2d"),
      [r, c] = steps[mark];
    pen.fillStyle = "#3dff9a";
    pen.fillRect(c - c0, r - r0, 1, 1);
  }
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect(),
      r = Math.floor(((event.clientY - box.top) / box.height) * high),
      c = Math.floor(((event.clientX - box.left) / box.width) * across);
    const v = data[r * across + c];
    under.textContent =
      Number.isNaN(v) || v === undefined ? " " : `(${r + r0}, ${c + c0}): ${num(v, 5)}`;
  });
  return h(`figure.${wide ? "wide" : "third"}`, {}, caption, canvas, under);
}

const SHAPES = {
  relu: (x) => Math.max(0, x),
  leaky_relu: (x, p) => (x > 0 ? x : x * (p ?? 0.01)),
  elu: (x, p) => (x > 0 ? x : (p ?? 1) * (Math.exp(x) - 1)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.79788456 * (x + 0.044715 * x ** 3))),
  softplus: (x) => Math.log1p(Math.exp(x)),
  hard_sigmoid: (x) => Math.min(1, Math.max(0, x / 6 + 0.5)),
  identity: (x) => x,
  abs: Math.abs,
  square: (x) => x * x,
};
/** The function's curve with the spel's point on it (a drawing; the number is the engine's). */
function activation(terms) {
  const { input, value } = terms,
    f = SHAPES[terms.function] ?? SHAPES.identity,
    span = Math.max(1, Math.abs(input) * 1.3);
  const canvas = h("canvas.curve", {
    width: 520,
    height: 220,
    role: "img",
    "aria-label": t("inspector.curve", { name: terms.function }),
  });
  const draw = () => {
    const pen = canvas.getContext("2d"),
      ink = getComputedStyle(canvas),
      low = Math.min(f(-span), f(span), 0, value),
      high = Math.max(f(-span), f(span), 1e-6, value);
    const X = (x) => 20 + ((x + span) / (2 * span)) * 480,
      Y = (y) => 200 - ((y - low) / (high - low)) * 180;
    const line = (color, width, points) => {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.beginPath();
      points.forEach(([x, y], i) => (i ? pen.lineTo(X(x), Y(y)) : pen.moveTo(X(x), Y(y))));
      pen.stroke();
    };
    const muted = ink.getPropertyValue("--line"),
      accent = ink.getPropertyValue("--accent"),
      warm = ink.getPropertyValue("--warm");
    line(muted, 2, [
      [-span, 0],
      [span, 0],
    ]);
    line(muted, 2, [
      [0, low],
      [0, high],
    ]);
    line(
      accent,
      4,
      Array.from({ length: 97 }, (_, i) => {
        const x = -span + (i / 96) * 2 * span;
        return [x, f(x)];
      }),
    );
    line(warm, 2, [
      [input, 0],
      [input, value],
      [0, value],
    ]);
    pen.fillStyle = warm;
    pen.beginPath();
    pen.arc(X(input), Y(value), 8, 0, 7);
    pen.fill();
  };
  requestAnimationFrame(draw);
  return h(
    "div.arithmetic",
    {},
    canvas,
    h("p.result", {}, `${terms.function}(${num(input)}) = `, h("output", {}, num(value, 5))),
  );
}
