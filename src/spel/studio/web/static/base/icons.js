// @ts-check
// Small pictures for buttons, drawn as one path each.

/** Paths of pictures of 24 by 24 points, by name. @type {Record<string, string>} */
const ICONS = {
  undo: "M9 7L4 12l5 5M4 12h10a5 5 0 0 1 0 10h-2",
  redo: "M15 7l5 5-5 5M20 12H10a5 5 0 0 0 0 10h2",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  off: "M4 4l16 16M6 7c-2.5 2-4 5-4 5s4 7 10 7c2 0 3.6-.7 5-1.6M10 5.2C10.7 5 11.3 5 12 5c6 0 10 7 10 7s-1 1.8-2.8 3.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  help: "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 18v.5",
  brush: "M14 4l6 6-8 8H6v-6zM4 21h16",
  line: "M5 19L19 5M5 19h.01M19 5h.01",
  fill: "M12 3l8 6-3 10H7L4 9z",
  box: "M4 6h16v12H4zM2 4h4v4H2zM18 4h4v4h-4zM2 16h4v4H2zM18 16h4v4h-4z",
  folder: "M3 6h7l2 3h9v10H3z",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
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
  numbers: "M4 4h16v16H4zM4 12h16M12 4v16",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
};

/**
 * An SVG element with a picture. Without a label it is hidden from screen readers.
 * @param {string} name
 * @param {string} [label]
 * @returns {SVGElement}
 */
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
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}
