// Small things that every module needs: elements, words, numbers.

/** An element: h("button.primary", {onclick}, "text", child). Text is always text, never HTML. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && !name.includes("-") && name !== "list" && name !== "form")
      element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false),
  );
  return element;
}

export const fill = (element, ...children) => {
  element.replaceChildren(
    ...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false),
  );
  return element;
};

const ICONS = {
  undo: "M9 7L4 12l5 5M4 12h10a5 5 0 0 1 0 10h-2",
  redo: "M15 7l5 5-5 5M20 12H10a5 5 0 0 0 0 10h2",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  off: "M4 4l16 16M6 7c-2.500 2-4 5-4 5s4 7 10 7c2 0 3.600-.7 5-1.600M10 5.200C10.700 5 11.300 5 12 5c6 0 10 7 10 7s-1 1.800-2.800 3.500",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18v.5",
  brush: "M14 4l6 6-8 8H6v-6zM4 21h16",
  line: "M5 19L19 5M5 19h.01M19 5h.01",
  fill: "M12 3l8 6-3 10H7L4 9z",
  erase: "M8 20l-5-5L14 4l7 7-9 9zM8 20h13",
  hand: "M12 2v20M2 12h20M12 2l-3 3M12 2l3 3M12 22l-3-3M12 22l3-3M2 12l3-3M2 12l3 3M22 12l-3-3M22 12l-3 3",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  download: "M12 4v12M7 11l5 5 5-5M4 20h16",
  screen: "M3 5h18v12H3zM9 21h6M12 17v4",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  learn: "M13 2L4 14h7l-1 8 9-12h-7z",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  pin: "M12 21s7-6.500 7-12A7 7 0 0 0 5 9c0 5.500 7 12 7 12z",
  swap: "M7 4L3 8l4 4M3 8h14M17 12l4 4-4 4M21 16H7",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
};
export function icon(name, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// -- words ---------------------------------------------------------------------------------------

const words = { en: {}, "pt-BR": {} };
export const language = { now: "en" };

export async function loadWords() {
  for (const name of Object.keys(words)) {
    words[name] = await (await fetch(`/static/locales/${name}.json`)).json();
  }
}

/** The text of a key in the user's language; {name} is replaced. */
export function t(key, values = {}) {
  const text = words[language.now][key] ?? words.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const inWords = (both) => (both && (both[language.now.slice(0, 2)] ?? both.en)) || "";

// -- numbers -------------------------------------------------------------------------------------

/** A number with about four digits, in the user's locale. */
export function num(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4)
    return value.toExponential(2).replace("-", "−").replace("e−", "e-");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const told = value.toLocaleString(language.now, {
    maximumFractionDigits: Math.min(decimals, 6),
    useGrouping: size >= 1e4,
  });
  return told.replace("-", "−");
}
/** The most digits that fit into so many characters. */
export function tight(value, room) {
  for (let digits = 3; digits > 1; digits--) {
    const text = num(value, digits);
    if (text.length <= room) return text;
  }
  return num(value, 1);
}
export const short = (value) => num(value, 3);
export const percent = (value) =>
  value === null || value === undefined ? "–" : `${num(value * 100, 3)} %`;
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** At most one call at a time; of calls meanwhile only the last one is made. */
export function latest(work) {
  let busy = false,
    next = null;
  const run = async (args) => {
    busy = true;
    try {
      return await work(...args);
    } finally {
      busy = false;
      if (next) {
        const later = next;
        next = null;
        run(later.args).then(later.done, later.fail);
      }
    }
  };
  return (...args) => {
    if (!busy) return run(args);
    if (next) next.done(undefined);
    return new Promise((done, fail) => {
      next = { args, done, fail };
    });
  };
}

/** A page or panel: builds itself once, listens while it is shown. */
export class Part extends HTMLElement {
  connectedCallback() {
    this.leaving = new AbortController();
    this.build();
  }
  disconnectedCallback() {
    this.leaving.abort();
  }
  on(target, what, then) {
    for (const name of what.split(" "))
      target.addEventListener(name, then, { signal: this.leaving.signal });
  }
  build() {}
}

let sayer;
export function say(text, kind = "note") {
  sayer ??= document.getElementById("toasts");
  const toast = h(`div.toast.${kind}`, { role: kind === "error" ? "alert" : "status" }, text);
  sayer.append(toast);
  setTimeout(() => toast.remove(), kind === "error" ? 9000 : 3500);
}
