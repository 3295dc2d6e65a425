// @ts-check
// A network on one image in a page of its own: the layers, the pictures, the numbers.
// Sums are computed with 64 bits, and every step is rounded to 32 as the engine's results are.

/** @typedef {{ rows: number, cols: number, planes: Float32Array[] }} Picture */
/** @typedef {Record<string, any> & { name: string, inputs: string[], op: string }} Step */

const WORDS = {
  en: {
    about:
      "Point at a picture to see the numbers. Change the weights of a kernel: what follows changes with them.",
    channel: "channel",
    patch: "patch",
    kernel: "kernel",
    products: "products",
    sum: "sum",
    bias: "bias",
    image: "image",
  },
  pt: {
    about:
      "Aponte para uma imagem para ver os números. Mude os pesos de um kernel: o que segue muda com eles.",
    channel: "canal",
    patch: "patch",
    kernel: "kernel",
    products: "produtos",
    sum: "soma",
    bias: "bias",
    image: "imagem",
  },
};
const words = navigator.language.startsWith("pt") ? WORDS.pt : WORDS.en;
document.documentElement.lang = words === WORDS.pt ? "pt-BR" : "en";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const data = JSON.parse(byId("handout").textContent ?? "");
/** @type {Step[]} */
const steps = data.steps;

// -- layers ------------------------------------------------------------------------------------

/**
 * @param {number} rows
 * @param {number} cols
 * @param {number} count
 * @returns {Picture}
 */
const empty = (rows, cols, count) => ({
  rows,
  cols,
  planes: Array.from({ length: count }, () => new Float32Array(rows * cols)),
});

/**
 * Every value by itself.
 * @param {Picture} x
 * @param {(value: number, channel: number, at: number) => number} f
 * @returns {Picture}
 */
const each = (x, f) => ({
  ...x,
  planes: x.planes.map((plane, c) => plane.map((value, i) => f(value, c, i))),
});

/**
 * Where an index outside of 0 to n - 1 reads, or -1.
 * @param {number} i
 * @param {number} n
 * @param {string} border
 */
function mirrored(i, n, border) {
  if (i >= 0 && i < n) return i;
  if (border === "edge") return Math.min(Math.max(i, 0), n - 1);
  const mod = (/** @type {number} */ a, /** @type {number} */ b) => ((a % b) + b) % b;
  if (border === "wrap") return mod(i, n);
  if (border === "symmetric") {
    const k = mod(i, 2 * n);
    return k < n ? k : 2 * n - 1 - k;
  }
  if (border !== "reflect") return -1;
  if (n === 1) return 0;
  const k = mod(i, 2 * n - 2);
  return k < n ? k : 2 * n - 2 - k;
}

/**
 * The places of a window's neighbours in a plane; -1 outside.
 * @param {Step} step
 * @param {Picture} x
 * @param {number} row of the output
 * @param {number} col
 * @returns {number[]}
 */
function neighbours({ displacements, start, stride, border }, x, row, col) {
  return displacements.map((/** @type {[number, number]} */ [dr, dc]) => {
    const r = mirrored(start[0] + row * stride[0] + dr, x.rows, border);
    const c = mirrored(start[1] + col * stride[1] + dc, x.cols, border);
    return r < 0 || c < 0 ? -1 : r * x.cols + c;
  });
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function convolution(step, x) {
  const [rows, cols] = step.size;
  const out = empty(rows, cols, step.weights.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const places = neighbours(step, x, r, c);
      step.weights.forEach((/** @type {number[][]} */ kernel, /** @type {number} */ k) => {
        let sum = step.bias[k];
        places.forEach((place, n) => {
          const weights = kernel[n] ?? [];
          x.planes.forEach((plane, channel) => {
            const value = place < 0 ? outside(step, channel) : (plane[place] ?? 0);
            sum += value * (weights[channel] ?? 0);
          });
        });
        const plane = out.planes[k];
        if (plane) plane[r * cols + c] = sum;
      });
    }
  }
  return out;
}

/**
 * @param {Step} step
 * @param {number} channel
 */
const outside = ({ fill }, channel) => (Array.isArray(fill) ? fill[channel] : fill);

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function pool(step, x) {
  const [rows, cols] = step.size;
  const out = empty(rows, cols, x.planes.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      const places = neighbours(step, x, r, c);
      x.planes.forEach((plane, channel) => {
        const values = places
          .map((place) => (place < 0 ? step.fill : plane[place]))
          .filter((value) => value !== null);
        const target = out.planes[channel];
        if (target) target[r * cols + c] = pooled(step, values);
      });
    }
  }
  return out;
}

/**
 * @param {Step} step
 * @param {number[]} values
 */
function pooled({ op, full, displacements }, values) {
  if (op === "max_pool") return Math.max(...values);
  if (op === "min_pool") return Math.min(...values);
  const sum = values.reduce((a, b) => a + b, 0);
  return sum / (full ? displacements.length : Math.max(1, values.length));
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function divisive(step, x) {
  const squares = x.planes.map((plane) => {
    const out = new Float64Array(plane.length);
    for (let r = 0; r < x.rows; r++) {
      for (let c = 0; c < x.cols; c++) {
        let sum = 0;
        for (const place of neighbours(step, x, r, c))
          if (place >= 0) sum += (plane[place] ?? 0) ** 2;
        out[r * x.cols + c] = sum;
      }
    }
    return out;
  });
  const norm = (/** @type {number} */ channel, /** @type {number} */ at) =>
    Math.sqrt(
      step.across
        ? squares.reduce((a, plane) => a + (plane[at] ?? 0), 0)
        : (squares[channel]?.[at] ?? 0),
    );
  return each(x, (value, channel, at) => {
    const n = norm(channel, at);
    return n === 0 ? 0 : value / n;
  });
}

/** @param {Float32Array} plane */
function topOf(plane) {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of plane) if (value > top) top = value;
  return top > 0 ? Math.fround(1 / top) : 1;
}

/**
 * @param {Step} step
 * @param {Picture} x
 * @param {Picture} n
 */
function residue({ scaled }, x, n) {
  const a = x.planes.map((plane) => (scaled ? topOf(plane) : 1));
  const b = n.planes.map((plane) => (scaled ? topOf(plane) : 1));
  return each(x, (value, c, i) =>
    Math.max(0, value * (a[c] ?? 1) - (n.planes[c]?.[i] ?? 0) * (b[c] ?? 1)),
  );
}

/** @type {Record<string, (x: number, p: number) => number>} */
const FUNCTIONS = {
  relu: (x) => Math.max(0, x),
  leaky_relu: (x, p) => (x > 0 ? x : x * p),
  elu: (x, p) => (x > 0 ? x : p * Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  identity: (x) => x,
  abs: Math.abs,
  square: (x) => x * x,
};

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
function weighted(step, x) {
  const out = empty(x.rows, x.cols, 1);
  const [target] = out.planes;
  for (let i = 0; target && i < target.length; i++) {
    let sum = step.bias;
    x.planes.forEach((plane, c) => {
      sum += (plane[i] ?? 0) * step.weights[c];
    });
    target[i] = sum;
  }
  return out;
}

/** @type {Record<string, (step: Step, x: Picture, y: Picture) => Picture>} */
const LAYERS = {
  grey: (step, x) => weighted(step, x),
  convolution,
  max_pool: pool,
  min_pool: pool,
  mean_pool: pool,
  divisive,
  residue,
  weighted,
  activation: (step, x) => {
    const f = FUNCTIONS[step.function];
    return each(x, (value) => (f ? f(value, step.parameter) : value));
  },
  scale: (step, x) => each(x, (value, c) => value * step.factor[c] + step.shift[c]),
  threshold: (step, x) => each(x, (value) => (value > step.at ? 1 : 0)),
};

// -- running -----------------------------------------------------------------------------------

/** @returns {Picture} */
function readImage() {
  const { rows, cols, channels, bytes, floats } = data.image;
  const raw = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  const values = floats ? new Float32Array(raw.buffer) : raw;
  const image = empty(rows, cols, channels);
  image.planes.forEach((plane, c) => {
    for (let i = 0; i < plane.length; i++) plane[i] = values[i * channels + c] ?? 0;
  });
  return image;
}

/** @type {Map<string, Picture>} */
const results = new Map([["input", readImage()]]);
const state = { shown: steps[0]?.name ?? "input", channel: 0, slice: 0, at: [0, 0] };

/**
 * Compute a step and those behind it.
 * @param {number} [from]
 */
function run(from = 0) {
  for (const step of steps.slice(from)) {
    const [x, y] = step.inputs.map((name) => results.get(name));
    const layer = LAYERS[step.op];
    if (x && layer) results.set(step.name, layer(step, x, y ?? x));
  }
}

// -- drawing -----------------------------------------------------------------------------------

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 * @param {number} channel
 */
function draw(canvas, picture, channel) {
  const plane = picture.planes[Math.min(channel, picture.planes.length - 1)] ?? new Float32Array();
  Object.assign(canvas, { width: picture.cols, height: picture.rows });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = pen.createImageData(picture.cols, picture.rows);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of plane) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const top = Math.max(Math.abs(low), Math.abs(high)) || 1;
  plane.forEach((v, i) => {
    const s = v / top;
    const grey = ((v - Math.max(0, low)) / (high - Math.max(0, low) || 1)) * 255;
    const [r, g, b] =
      low < 0
        ? [255 + Math.min(0, s) * 230, 255 - Math.abs(s) * 150, 255 - Math.max(0, s) * 230]
        : [grey, grey, grey];
    image.data.set([r ?? 0, g ?? 0, b ?? 0, 255], i * 4);
  });
  pen.putImageData(image, 0, 0);
}

/** @param {number} value */
const num = (value) => String(Number(value.toPrecision(5)));

function drawAll() {
  for (const button of byId("steps").querySelectorAll("button")) {
    const picture = results.get(button.dataset.step ?? "");
    const canvas = button.querySelector("canvas");
    button.setAttribute("aria-pressed", String(button.dataset.step === state.shown));
    if (picture && canvas) draw(canvas, picture, 0);
  }
  const shown = results.get(state.shown);
  if (!shown) return;
  state.channel = Math.min(state.channel, shown.planes.length - 1);
  const channels = /** @type {HTMLSelectElement} */ (byId("channel"));
  channels.replaceChildren(...shown.planes.map((_, i) => new Option(String(i), String(i))));
  channels.value = String(state.channel);
  draw(/** @type {HTMLCanvasElement} */ (byId("picture")), shown, state.channel);
  drawNumbers();
}

function drawNumbers() {
  const step = steps.find((one) => one.name === state.shown);
  const shown = results.get(state.shown);
  const box = byId("numbers");
  if (!shown) return;
  const [row = 0, col = 0] = state.at;
  const title = document.createElement("h2");
  title.textContent = step?.name ?? words.image;
  const value = shown.planes[state.channel]?.[row * shown.cols + col] ?? Number.NaN;
  const about = document.createElement("p");
  about.textContent = `(${row}, ${col}) = ${num(value)}`;
  box.replaceChildren(title, about, ...(step?.op === "convolution" ? sumOf(step, row, col) : []));
}

/**
 * Patch, kernel (to be edited) and products of a convolution, in one channel of its input.
 * @param {Step} step
 * @param {number} row
 * @param {number} col
 */
function sumOf(step, row, col) {
  const x = results.get(step.inputs[0] ?? "");
  if (!x) return [];
  const slice = Math.min(state.slice, x.planes.length - 1);
  const kernel = step.weights[state.channel];
  const places = neighbours(step, x, row, col);
  const patchOf = (/** @type {number} */ c) =>
    places.map((place) => (place < 0 ? outside(step, c) : (x.planes[c]?.[place] ?? 0)));
  const productsOf = (/** @type {number} */ c) => patchOf(c).map((v, n) => v * kernel[n][c]);
  const edit = (/** @type {number} */ n, /** @type {number} */ value) => {
    kernel[n][slice] = Math.fround(value);
    run(steps.indexOf(step));
    drawAll();
  };
  const total = x.planes.reduce((sum, _, c) => sum + productsOf(c).reduce((a, b) => a + b, 0), 0);
  const sum = document.createElement("p");
  sum.textContent = `${words.sum}: ${num(total)} · ${words.bias}: ${num(step.bias[state.channel])}`;
  const weights = kernel.map((/** @type {number[]} */ w) => w[slice]);
  return [
    ...(x.planes.length > 1 ? [slicePick(x.planes.length, slice)] : []),
    table(words.patch, step, patchOf(slice).map(num)),
    table(words.kernel, step, weights, edit),
    table(words.products, step, productsOf(slice).map(num)),
    sum,
  ];
}

/**
 * Which channel of the input the tables show.
 * @param {number} count
 * @param {number} now
 */
function slicePick(count, now) {
  const label = document.createElement("label");
  const pick = document.createElement("select");
  pick.append(...Array.from({ length: count }, (_, i) => new Option(String(i), String(i))));
  pick.value = String(now);
  pick.addEventListener("change", () => {
    state.slice = Number(pick.value);
    drawNumbers();
  });
  label.append(`${words.channel} `, pick);
  return label;
}

/**
 * @param {string} title
 * @param {Step} step
 * @param {Array<string | number>} values
 * @param {(n: number, value: number) => void} [edit]
 */
function table(title, { displacements }, values, edit) {
  const figure = document.createElement("figure");
  const rows = [...new Set(displacements.map((/** @type {number[]} */ d) => d[0]))];
  const body = document.createElement("table");
  for (const r of rows) {
    const line = body.insertRow();
    displacements.forEach((/** @type {number[]} */ d, /** @type {number} */ n) => {
      if (d[0] !== r) return;
      const cell = line.insertCell();
      if (!edit) cell.textContent = String(values[n]);
      else cell.append(field(`${title} ${d}`, Number(values[n]), (value) => edit(n, value)));
    });
  }
  const small = document.createElement("small");
  small.textContent = title;
  figure.append(small, body);
  return figure;
}

/**
 * @param {string} label
 * @param {number} value
 * @param {(value: number) => void} change
 */
function field(label, value, change) {
  const input = document.createElement("input");
  Object.assign(input, {
    type: "number",
    step: "any",
    value: String(Number(value.toPrecision(7))),
  });
  input.setAttribute("aria-label", label);
  input.addEventListener("change", () => {
    if (Number.isFinite(input.valueAsNumber)) change(input.valueAsNumber);
  });
  return input;
}

function furnish() {
  document.title = data.title;
  /** @type {HTMLElement} */ (document.querySelector("h1")).textContent = data.title;
  byId("about").textContent = words.about;
  /** @type {HTMLElement} */ (document.querySelector("main label")).textContent = words.channel;
  for (const name of ["input", ...steps.map((step) => step.name)]) {
    const button = document.createElement("button");
    button.dataset.step = name;
    button.append(document.createElement("canvas"), name === "input" ? words.image : name);
    button.addEventListener("click", () => {
      state.shown = name;
      drawAll();
    });
    const item = document.createElement("li");
    item.append(button);
    byId("steps").append(item);
  }
  byId("channel").addEventListener("change", ({ currentTarget }) => {
    state.channel = Number(/** @type {HTMLSelectElement} */ (currentTarget).value);
    drawAll();
  });
  listen(/** @type {HTMLCanvasElement} */ (byId("picture")));
}

/** @param {HTMLCanvasElement} picture */
function listen(picture) {
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const zoom = Math.min(box.width / picture.width, box.height / picture.height);
    const row = Math.floor((event.clientY - box.top) / zoom);
    const col = Math.floor((event.clientX - box.left) / zoom);
    if (row < 0 || col < 0 || row >= picture.height || col >= picture.width) return;
    state.at = [row, col];
    drawNumbers();
  });
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    if (!by) return;
    event.preventDefault();
    const [row = 0, col = 0] = state.at;
    state.at = [
      Math.min(Math.max(row + (by[0] ?? 0), 0), picture.height - 1),
      Math.min(Math.max(col + (by[1] ?? 0), 0), picture.width - 1),
    ];
    drawNumbers();
  });
}

furnish();
run();
drawAll();
Object.assign(globalThis, { handout: { results, steps, run } });
