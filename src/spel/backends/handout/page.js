// @ts-check
// A network on one image in a page of its own: the pictures and the numbers.

import { constant, num, table } from "./fields.js";
import { LAYERS } from "./layers.js";
import { empty } from "./planes.js";
import { neighbours, outside } from "./windows.js";

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */

const WORDS = {
  en: {
    about:
      "Point at a picture to see the numbers. Change the weights of a kernel: what follows changes with them.",
    work: "Computing",
    channel: "channel",
    patch: "patch",
    kernel: "kernel",
    products: "products",
    sum: "sum",
    bias: "bias",
    constants: {
      parameter: "parameter",
      at: "threshold",
      weights: "weight",
      bias: "bias",
      factor: "factor",
      shift: "shift",
    },
    image: "image",
  },
  pt: {
    about:
      "Aponte para uma imagem para ver os números. Mude os pesos de um kernel: o que segue muda com eles.",
    work: "Calculando",
    channel: "canal",
    patch: "patch",
    kernel: "kernel",
    products: "produtos",
    sum: "soma",
    bias: "bias",
    constants: {
      parameter: "parâmetro",
      at: "limiar",
      weights: "peso",
      bias: "bias",
      factor: "fator",
      shift: "deslocamento",
    },
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

/** The run that was begun last. */
let current = 0;
/** The first step that is not computed with the present weights. */
let next = 0;

/**
 * Compute a step and those behind it. Each is shown as soon as it is there; a change meanwhile
 * begins another run.
 * @param {number} [from]
 */
async function run(from = 0) {
  const mine = ++current;
  next = Math.min(next, from);
  for (let step = steps[next]; step; step = steps[next]) {
    byId("work").textContent = `${words.work}: ${step.name}`;
    await new Promise((drawn) => setTimeout(drawn));
    if (mine !== current) return;
    const inputs = step.inputs.map((name) => results.get(name));
    const layer = LAYERS[step.op];
    if (layer) results.set(step.name, layer(step, ...inputs));
    drawStep(step.name);
    if (step.name === state.shown || step.name === "input") drawShown();
    next += 1;
  }
  byId("work").textContent = "";
}

/** What is computed at the moment. @type {Promise<void>} */
let ready = Promise.resolve();

/** @param {Step} step that was changed */
function changed(step) {
  ready = run(steps.indexOf(step));
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

/** @param {string} name */
function drawStep(name) {
  const canvas = byId("steps").querySelector(`[data-step="${CSS.escape(name)}"] canvas`);
  const picture = results.get(name);
  if (picture && canvas instanceof HTMLCanvasElement) draw(canvas, picture, 0);
}

/** The step that was chosen: its picture, its channels, its numbers. */
function drawShown() {
  for (const button of byId("steps").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.step === state.shown));
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
  const focused = document.activeElement?.getAttribute("aria-label");
  box.replaceChildren(title, about, ...(step ? numbersOf(step, row, col) : []));
  for (const one of box.querySelectorAll("input")) {
    if (one.getAttribute("aria-label") === focused) one.focus();
  }
}

/**
 * What a step computes its value from.
 * @param {Step} step
 * @param {number} row
 * @param {number} col
 */
function numbersOf(step, row, col) {
  if (step.op === "convolution") return sumOf(step, row, col);
  const x = results.get(step.inputs[0] ?? "");
  if (step.displacements && x) {
    const plane = x.planes[Math.min(state.channel, x.planes.length - 1)];
    const places = neighbours(step, x, row, col);
    return [
      table(
        words.patch,
        step,
        places.map((place) => num(plane?.[place] ?? Number.NaN)),
      ),
    ];
  }
  return [...step.inputs.map((name) => inputAt(name, row, col)), ...constants(step)];
}

/**
 * The values of an input at a spel.
 * @param {string} name
 * @param {number} row
 * @param {number} col
 */
function inputAt(name, row, col) {
  const x = results.get(name);
  const values = x?.planes.slice(0, 8).map((plane) => num(plane[row * x.cols + col] ?? Number.NaN));
  const line = document.createElement("p");
  line.textContent = `${name === "input" ? words.image : name}: ${values?.join(", ") ?? "–"}`;
  return line;
}

/**
 * Fields for the numbers that a step has beside its kernels.
 * @param {Step} step
 */
function constants(step) {
  const fields = Object.entries(step).flatMap(([key, value]) => {
    const name = /** @type {Record<string, string>} */ (words.constants)[key];
    if (!name) return [];
    /** @type {Record<string | number, any>} */
    const list = Array.isArray(value) ? value : step;
    const places = Array.isArray(value) ? [...value.keys()] : [key];
    return places.map((place) =>
      constant(places.length > 1 ? `${name} ${String(place)}` : name, list[place], (number) => {
        list[place] = number;
        changed(step);
      }),
    );
  });
  return fields.slice(0, 16);
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
    changed(step);
  };
  const bias = constant(words.bias, step.bias[state.channel], (value) => {
    step.bias[state.channel] = Math.fround(value);
    changed(step);
  });
  const total = x.planes.reduce((sum, _, c) => sum + productsOf(c).reduce((a, b) => a + b, 0), 0);
  const sum = document.createElement("p");
  sum.textContent = `${words.sum}: ${num(total)}`;
  const weights = kernel.map((/** @type {number[]} */ w) => w[slice]);
  return [
    ...(x.planes.length > 1 ? [slicePick(x.planes.length, slice)] : []),
    table(words.patch, step, patchOf(slice).map(num)),
    table(words.kernel, step, weights, edit),
    table(words.products, step, productsOf(slice).map(num)),
    sum,
    bias,
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
      drawShown();
    });
    const item = document.createElement("li");
    item.append(button);
    byId("steps").append(item);
  }
  byId("channel").addEventListener("change", ({ currentTarget }) => {
    state.channel = Number(/** @type {HTMLSelectElement} */ (currentTarget).value);
    drawShown();
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
drawStep("input");
drawShown();
ready = run();
Object.assign(globalThis, { handout: { results, steps, ready: () => ready } });
