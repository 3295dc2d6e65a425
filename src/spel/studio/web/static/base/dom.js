// @ts-check
// Elements described by values, and patching the page to match such a description.
//
// `h()` describes an element, `patch()` makes the children of an element match descriptions. It keeps
// the elements that are there and changes only what differs, so focus, caret, open lists, scroll
// positions and text that is being typed survive a redraw. The rules:
//
// - An element is used again for a description with the same `key`, or, where there is no key, for
//   the next one with the same tag and classes. Give siblings that come and go a key.
// - The content of a custom element (a tag with a hyphen) is its own; patch() leaves it alone.
// - A real DOM node may stand among descriptions: it is put there as it is.
// - Text that a user is typing is not overwritten. Once it is committed (the `change` event), the
//   next patch shows the described value again, so a value that was refused does not stay.
// - If the focused element disappears, focus moves to the next one that is left.

/**
 * What `h()` returns.
 * @typedef {object} Description
 * @property {string} what tag and classes, as given to `h()`
 * @property {Attributes} attributes
 * @property {Array<string | Description | Node>} children
 */

/** @typedef {Description | Node | string | number | false | null | undefined} Child */
/** @typedef {Child | Child[] | Array<Child | Child[]>} Children */

/**
 * Attributes, properties (`value`), handlers (`onclick`) and three words of our own:
 * `key` (identity among siblings), `class` (classes that change), `ref` (called with the element
 * after each patch).
 * @typedef {Record<string, any> & {
 *   key?: string | number, class?: string, ref?: (element: any) => void,
 *   style?: Record<string, string>,
 *   onclick?: (event: MouseEvent & { currentTarget: HTMLElement }) => void,
 *   onkeydown?: (event: KeyboardEvent) => void,
 *   ondragstart?: (event: DragEvent) => void,
 *   ondragover?: (event: DragEvent & { currentTarget: HTMLElement }) => void,
 *   ondragleave?: (event: DragEvent & { currentTarget: HTMLElement }) => void,
 *   ondrop?: (event: DragEvent & { currentTarget: HTMLElement }) => void,
 *   onpointerdown?: (event: PointerEvent & { currentTarget: any }) => void,
 *   onpointermove?: (event: PointerEvent & { currentTarget: any }) => void,
 *   onpointerover?: (event: PointerEvent & { currentTarget: any, target: any }) => void,
 *   onchange?: (event: Event & { currentTarget: any }) => void,
 *   oninput?: (event: Event & { currentTarget: any }) => void,
 *   onsubmit?: (event: SubmitEvent & { currentTarget: any }) => void,
 *   ontoggle?: (event: Event & { currentTarget: any }) => void,
 * }} Attributes
 */

/**
 * What patch() remembers of an element that it made.
 * @typedef {object} Made
 * @property {string} what
 * @property {Attributes} attributes
 * @property {Record<string, (event: Event) => void>} handlers
 */

/** @type {WeakMap<Node, Made>} */
const made = new WeakMap();
/** Fields with text that the user has typed and not committed. @type {WeakSet<Element>} */
const typing = new WeakSet();

const NAMES = new Set(["key", "class", "ref", "style", "value", "checked"]);
const ALIASES = new Map([
  ["htmlFor", "for"],
  ["tabIndex", "tabindex"],
  ["maxLength", "maxlength"],
]);
const FOCUSABLE = "button, a[href], input, select, textarea, summary, [tabindex]";

/**
 * Describe an element: h("button.primary", { onclick }, "text", child). Text is always text, never HTML.
 * @param {string} what tag and classes; a missing tag means div
 * @param {Attributes} [attributes]
 * @param {...Children} children
 * @returns {Description}
 */
export function h(what, attributes = {}, ...children) {
  return { what, attributes, children: flat(children) };
}

/**
 * Make the children of an element match descriptions.
 * @template {Element} E
 * @param {E} parent
 * @param {...Children} children
 * @returns {E}
 */
export function patch(parent, ...children) {
  const focused = document.activeElement;
  const inside = focused !== null && focused !== parent && parent.contains(focused);
  const order = inside ? [...parent.querySelectorAll(FOCUSABLE)] : [];
  patchChildren(parent, flat(children));
  if (inside && document.activeElement !== focused) returnFocus(focused, order);
  return parent;
}

/**
 * A new element for a description.
 * @param {Description} description
 * @returns {HTMLElement}
 */
export function create(description) {
  const [tag, ...classes] = description.what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  made.set(element, { what: description.what, attributes: {}, handlers: {} });
  if (element.matches("input, textarea")) watchTyping(element);
  update(element, description);
  return element;
}

/**
 * Nested lists as one list, without what is not there; numbers become text.
 * @param {Children[]} children
 * @returns {Array<string | Description | Node>}
 */
function flat(children) {
  /** @type {any[]} */
  const items = children.flat(Infinity);
  return items
    .filter((item) => item !== null && item !== undefined && item !== false)
    .map((item) => (typeof item === "number" ? String(item) : item));
}

/**
 * @param {Element} parent
 * @param {Array<string | Description | Node>} wanted
 */
function patchChildren(parent, wanted) {
  const free = new Set(parent.childNodes);
  const nodes = wanted.map((child) => nodeFor(child, free));
  for (const node of parent.childNodes.length ? [...parent.childNodes] : []) {
    if (!nodes.includes(node)) node.remove();
  }
  let place = parent.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
}

/**
 * The node of the page for a child: one that is free and fits, brought up to date, or a new one.
 * @param {string | Description | Node} child
 * @param {Set<ChildNode>} free nodes that no child has taken yet
 * @returns {ChildNode}
 */
function nodeFor(child, free) {
  if (child instanceof Node) {
    const node = /** @type {ChildNode} */ (child);
    free.delete(node);
    return node;
  }
  const old = fitting(child, free);
  if (old) free.delete(old);
  if (typeof child === "string") {
    if (!old) return document.createTextNode(child);
    if (old.nodeValue !== child) old.nodeValue = child;
    return old;
  }
  if (!old) return create(child);
  update(/** @type {HTMLElement} */ (old), child);
  return old;
}

/**
 * @param {string | Description} child
 * @param {Set<ChildNode>} free
 * @returns {ChildNode | undefined}
 */
function fitting(child, free) {
  for (const node of free) {
    if (typeof child === "string") {
      if (node.nodeType === Node.TEXT_NODE) return node;
      continue;
    }
    const record = made.get(node);
    if (record && record.what === child.what && record.attributes.key === child.attributes.key) {
      return node;
    }
  }
  return undefined;
}

/**
 * Bring an element that patch() made to a description.
 * @param {HTMLElement} element
 * @param {Description} description
 */
function update(element, { attributes, children }) {
  const record = /** @type {Made} */ (made.get(element));
  const before = record.attributes;
  record.attributes = attributes;
  for (const name of new Set([...Object.keys(before), ...Object.keys(attributes)])) {
    if (NAMES.has(name)) continue;
    if (name.startsWith("on")) setHandler(element, record, name.slice(2), attributes[name]);
    else if (before[name] !== attributes[name]) setAttribute(element, name, attributes[name]);
  }
  if (before.class !== attributes.class) setClasses(element, before.class, attributes.class);
  setStyle(element, before.style, attributes.style);
  if (!element.localName.includes("-")) patchChildren(element, children);
  setValue(/** @type {HTMLInputElement} */ (element), attributes);
  attributes.ref?.(element);
}

/**
 * @param {HTMLElement} element
 * @param {Made} record
 * @param {string} type
 * @param {((event: any) => void) | undefined} handler
 */
function setHandler(element, record, type, handler) {
  if (!(type in record.handlers)) {
    element.addEventListener(type, (event) => record.handlers[type]?.(event));
  }
  record.handlers[type] = handler ?? (() => {});
}

/**
 * @param {any} element
 * @param {string} name
 * @param {unknown} value
 */
function setAttribute(element, name, value) {
  const absent = value === undefined || value === null || value === false;
  if (typeof element[name] === "boolean") element[name] = !absent;
  else if (absent) element.removeAttribute(ALIASES.get(name) ?? name);
  else if (name in element && name !== "list" && name !== "form") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

/**
 * @param {HTMLElement} element
 * @param {string | undefined} before
 * @param {string | undefined} after
 */
function setClasses(element, before, after) {
  const words = (/** @type {string | undefined} */ text) => text?.split(" ").filter(Boolean) ?? [];
  element.classList.remove(...words(before));
  element.classList.add(...words(after));
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string>} [before]
 * @param {Record<string, string>} [after]
 */
function setStyle(element, before = {}, after = {}) {
  const style = /** @type {any} */ (element.style);
  for (const name of Object.keys(before)) if (!(name in after)) style[name] = "";
  for (const [name, value] of Object.entries(after)) {
    if (before[name] === value) continue;
    if (name.startsWith("--")) style.setProperty(name, value);
    else style[name] = value;
  }
}

/**
 * The value of a field follows its description, but not under the hands of a user.
 * @param {HTMLInputElement} element
 * @param {Attributes} attributes
 */
function setValue(element, { value, checked }) {
  if (checked !== undefined) element.checked = checked;
  if (value === undefined || typing.has(element)) return;
  const text = value === null ? "" : String(value);
  if (element.value !== text) element.value = text;
}

/** @param {HTMLElement} element */
function watchTyping(element) {
  element.addEventListener("input", () => typing.add(element));
  element.addEventListener("change", () => typing.delete(element));
  element.addEventListener("blur", () => typing.delete(element));
}

/**
 * Focus again what had it; if it is gone, what came after it, or before it.
 * @param {Element | null} focused
 * @param {Element[]} order the elements that could have focus before the patch
 */
function returnFocus(focused, order) {
  const at = focused ? order.indexOf(focused) : -1;
  const candidates = [
    focused,
    ...order.slice(at + 1),
    ...order.slice(0, Math.max(at, 0)).reverse(),
  ];
  const next = candidates.find((one) => one?.isConnected && !one.matches(":disabled"));
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}
