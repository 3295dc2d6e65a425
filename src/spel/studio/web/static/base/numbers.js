// @ts-check
// Numbers as text.

import { language } from "./words.js";

/**
 * A number with about four digits, in the user's locale.
 * @param {number | string | null | undefined} value
 * @param {number} [digits]
 * @returns {string}
 */
export function num(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, power] = value.toExponential(2).split("e");
    return `${num(Number(mantissa), 3)}e${power}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = value.toLocaleString(language.now, {
    maximumFractionDigits: Math.min(decimals, 6),
    useGrouping: size >= 1e4,
  });
  return text.replace("-", "−");
}

/**
 * Every digit of a number of an image's file.
 * @param {number} value
 */
export const exact = (value) =>
  String(Math.fround(value) === value ? Number(value.toPrecision(8)) : value).replace("-", "−");

/**
 * The most digits that fit into a number of characters.
 * @param {number} value
 * @param {number} room
 */
export function tight(value, room) {
  for (let digits = 3; digits > 1; digits--) {
    const text = num(value, digits);
    if (text.length <= room) return text;
  }
  return num(value, 1);
}

/** @param {number | null | undefined} value */
export const short = (value) => num(value, 3);

/** @param {number | null | undefined} value */
export const percent = (value) =>
  value === null || value === undefined ? "–" : `${num(value * 100, 3)} %`;

/**
 * A number as a field takes it: a decimal point, at most four decimals.
 * @param {number} value
 */
export const plain = (value) => String(Math.round(value * 1e4) / 1e4);

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
