// @ts-check
// The studio's page in a frame inside a notebook. Its modules come with the widget, and its requests
// are messages to the kernel.

/** @typedef {{ id: number, status: number, headers: Record<string, string> }} Head */
/**
 * What anywidget gives.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(content: object, callbacks?: any, buffers?: ArrayBuffer[]) => void} send
 * @property {(event: string, act: (head: Head, buffers: DataView[]) => void) => void} on
 * @property {(event: string, act: (head: Head, buffers: DataView[]) => void) => void} off
 */

const PAGES = ["chain", "space"];
const MODULE = /^(\s*(?:import|export)\b[^"';]*?)"(\.{1,2}\/[^"]+)"/gm;

/**
 * Requests as messages, each answered by its number.
 * @param {Model} model
 */
function bridge(model) {
  /** @type {Map<number, (response: Response) => void>} */
  const waiting = new Map();
  let last = 0;
  /** @type {(head: Head, buffers: DataView[]) => void} */
  const take = ({ id, status, headers }, [body]) => {
    const empty = status === 204 || status === 304;
    const data = /** @type {DataView<ArrayBuffer> | undefined} */ (body);
    waiting.get(id)?.(new Response(empty ? null : data, { status, headers }));
    waiting.delete(id);
  };
  model.on("msg:custom", take);
  /**
   * @param {string} path
   * @param {RequestInit} [options]
   */
  const ask = async (path, { method = "GET", headers = {}, body } = {}) => {
    const id = ++last;
    const buffers = body instanceof Blob ? [await body.arrayBuffer()] : [];
    const text = typeof body === "string" ? body : null;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      model.send({ id, path, method, headers, body: text }, undefined, buffers);
    });
  };
  return { ask, end: () => model.off("msg:custom", take) };
}

/**
 * The modules as addresses in memory, by names that the frame's import map knows.
 * @param {Record<string, string>} files
 */
function moduleAddresses(files) {
  /** @type {Record<string, string>} */
  const imports = {};
  for (const [name, text] of Object.entries(files)) {
    if (!name.endsWith(".js")) continue;
    const named = text.replace(MODULE, (_, before, path) => {
      const target = new URL(path, `spel:/${name}`).pathname.slice(1);
      return `${before}"spel/${target}"`;
    });
    const blob = new Blob([named], { type: "text/javascript" });
    imports[`spel/${name}`] = URL.createObjectURL(blob);
  }
  return imports;
}

/**
 * @param {Document} page
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {string} [text]
 */
function add(page, tag, attributes, text = "") {
  const element = page.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  (tag === "style" || tag === "script" ? page.head : page.body).append(element);
}

/**
 * The elements and styles of the studio's page, with only the pages that are about one network.
 * @param {Document} page
 * @param {Record<string, string>} files
 */
function furnish(page, files) {
  for (const [name, text] of Object.entries(files)) {
    if (name.endsWith(".css")) add(page, "style", {}, text);
  }
  const shown = PAGES.map((name) => `[data-page="${name}"]`).join(", ");
  add(page, "style", {}, `#top a[data-page]:not(${shown}), #top .mark { display: none; }`);
  add(page, "header", { id: "top" });
  add(page, "div", { id: "notice" });
  add(page, "main", { id: "main", tabindex: "-1" });
  add(page, "div", { id: "toasts", "aria-live": "polite" });
}

/**
 * What the frame needs of its window: requests by messages, no history, the notebook's theme.
 * @param {Window & typeof globalThis} view
 * @param {Record<string, string>} files
 * @param {(path: string, options?: RequestInit) => Promise<any>} ask
 */
function adapt(view, files, ask) {
  const light = document.body.dataset.jpThemeLight;
  const match = view.matchMedia.bind(view);
  /** @param {string} query */
  const theme = (query) => {
    const found = match(query);
    if (light === undefined || !query.includes("prefers-color-scheme")) return found;
    return { matches: light === "false", addEventListener: () => undefined };
  };
  /** @type {(path: string, options?: RequestInit) => Promise<any>} */
  const fetch = async (path, options) => {
    const name = path.replace("/static/", "");
    return name in files ? new Response(files[name]) : ask(path, options);
  };
  // The frame's addresses are relative to the notebook's, so links within the page are followed here.
  view.document.addEventListener("click", (event) => {
    const link = event.target instanceof view.Element ? event.target.closest("a") : null;
    const target = link?.getAttribute("href") ?? "";
    if (!target.startsWith("#")) return;
    event.preventDefault();
    view.location.hash = target;
  });
  Object.assign(view, { fetch, matchMedia: theme });
  Object.assign(view.history, { replaceState: () => undefined });
}

/** @param {{ model: Model, el: HTMLElement }} widget */
function render({ model, el }) {
  const files = model.get("files");
  const { ask, end } = bridge(model);
  const frame = document.createElement("iframe");
  frame.title = "spel";
  frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 0`;
  const imports = moduleAddresses(files);
  const start = () => {
    const page = frame.contentDocument;
    const view = /** @type {(Window & typeof globalThis) | null} */ (frame.contentWindow);
    if (!page || !view) return;
    adapt(view, files, ask);
    furnish(page, files);
    add(page, "script", { type: "importmap" }, JSON.stringify({ imports }));
    add(page, "script", { type: "module" }, 'import "spel/main.js";');
  };
  frame.addEventListener("load", start, { once: true });
  el.append(frame);
  return () => {
    end();
    for (const address of Object.values(imports)) URL.revokeObjectURL(address);
  };
}

export default { render };
