// @ts-check
// Decoders: the channels of an activation weighed into one saliency.

/** @typedef {import("./planes.js").Picture} Picture */
/** @typedef {import("./planes.js").Step} Step */
/** @typedef {Float32Array | Float64Array} Plane */

/** @param {Iterable<number>} values */
export function extremes(values) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/**
 * Brought linearly to 0..1; a constant gives 0.
 * @param {Plane} plane
 */
export function unitOf(plane) {
  const [low = 0, high = 0] = extremes(plane);
  const span = high > low ? high - low : Number.POSITIVE_INFINITY;
  return plane.map((v) => (v - low) / span);
}

/**
 * @param {Plane[]} planes
 * @returns {Float64Array} the mean of each spel
 */
function meanOf(planes) {
  const mean = new Float64Array(planes[0]?.length ?? 0);
  for (const plane of planes) {
    mean.forEach((v, i) => {
      mean[i] = v + (plane[i] ?? 0);
    });
  }
  return mean.map((v) => v / planes.length);
}

/** @type {(a: Plane, b: Plane) => number} */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** @param {Plane[]} planes */
function attentionWeights(planes) {
  const size = planes[0]?.length ?? 0;
  const top = Float64Array.from({ length: size }, (_, i) =>
    Math.max(...planes.map((p) => p[i] ?? 0)),
  );
  const [a, b] = [unitOf(top), unitOf(meanOf(planes))];
  const attention = a.map((v, i) => v + (b[i] ?? 0));
  const own = dot(attention, attention);
  const cosines = planes.map((plane) => {
    const square = dot(plane, plane) * own;
    return square > 0 ? dot(plane, attention) / Math.sqrt(square) : 0;
  });
  const mean = cosines.reduce((s, v) => s + v, 0) / cosines.length;
  const spread = Math.sqrt(cosines.reduce((s, v) => s + (v - mean) ** 2, 0) / cosines.length);
  return cosines.map((v) => (v < mean - spread / 2 ? 1 : v > mean + spread / 2 ? -1 : 0));
}

/**
 * Mean over the eight neighbours and the spel, as far as they lie inside.
 * @param {Plane} plane
 * @param {Picture} x
 */
function localMean(plane, { rows, cols }) {
  return Float32Array.from({ length: plane.length }, (_, i) => {
    const [r, c] = [Math.floor(i / cols), i % cols];
    let [sum, count] = [0, 0];
    for (let a = Math.max(0, r - 1); a <= Math.min(rows - 1, r + 1); a++) {
      for (let b = Math.max(0, c - 1); b <= Math.min(cols - 1, c + 1); b++) {
        sum += Math.fround(plane[a * cols + b] ?? 0);
        count += 1;
      }
    }
    return sum / count;
  });
}

/**
 * Each channel votes where the local mean of its own class is the larger one.
 * @param {Picture} x
 * @param {boolean[]} labels
 */
function meanVotes(x, labels) {
  const bands = x.planes.map((plane) => {
    const [, top = 0] = extremes(plane);
    return plane.map((v) => (top > 0 ? v / top : 0));
  });
  const means = [true, false].map((side) => {
    const own = bands.filter((_, k) => labels[k] === side);
    return own.length ? localMean(meanOf(own), x) : new Float32Array(x.rows * x.cols);
  });
  const [object = new Float32Array(), other = new Float32Array()] = means;
  return Float64Array.from({ length: object.length }, (_, i) => {
    const sign = Math.sign((object[i] ?? 0) - (other[i] ?? 0));
    return bands.reduce((sum, band, k) => {
      const vote = labels[k] ? Math.max(0, sign) : Math.min(0, sign);
      return sum + vote * (band[i] ?? 0);
    }, 0);
  });
}

const BINS = 256;

/**
 * Otsu's threshold over 256 bins between the extremes, as scikit-image computes it.
 * @param {Plane} values
 */
function otsu(values) {
  const [low = 0, high = 0] = extremes(values);
  if (!(high > low)) return low;
  const counts = new Float64Array(BINS);
  const place = (/** @type {number} */ v) => Math.floor(((v - low) / (high - low)) * BINS);
  for (const v of values) {
    const bin = Math.min(place(v), BINS - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const center = (/** @type {number} */ bin) => low + ((bin + 0.5) * (high - low)) / BINS;
  const total = counts.reduce((sum, n, bin) => sum + n * center(bin), 0);
  let [below, moment, best, at] = [0, 0, -1, 0];
  for (let bin = 0; bin < BINS - 1; bin++) {
    const n = counts[bin] ?? 0;
    below += n;
    moment += n * center(bin);
    const above = values.length - below;
    const between = below * above * (moment / below - (total - moment) / above) ** 2;
    if (between > best) [best, at] = [between, bin];
  }
  return center(at);
}

/**
 * Weights by the mean of each band and, for a prior of small objects, by its extent.
 * @param {Plane[]} bands in 0..1
 * @param {boolean} prior
 */
function triStateWeights(bands, prior) {
  const ones = new Float32Array(bands[0]?.length ?? 0).fill(1);
  const means = bands.map((band) => dot(band, ones) / band.length);
  const some = means.filter((mean) => mean > 0);
  const tau = some.length ? otsu(Float64Array.from(some)) : 0;
  const middle = means.reduce((a, b) => a + b, 0) / means.length;
  const spread = means.reduce((sum, mean) => sum + (mean - middle) ** 2, 0) / means.length;
  return bands.map((band, k) => {
    const mean = means[k] ?? 0;
    const level = prior ? otsu(band) : 0;
    const part = prior ? band.filter((v) => v > level).length / band.length : 0;
    if (mean <= (tau <= 0.1 ? tau : tau - spread) && (!prior || part < 0.1)) return 1;
    return mean >= tau + spread && (!prior || part > 0.2) ? -1 : 0;
  });
}

/**
 * Weights that the image determines, of bands in 0..1.
 * @type {Record<string, (bands: Plane[], labels: boolean[]) => number[]>}
 */
const WEIGHTS = {
  at: attentionWeights,
  ts: (bands) => triStateWeights(bands, true),
  "ts*": (bands) => triStateWeights(bands, false),
  lt: (bands, labels) => triStateWeights(bands, true).map((w, k) => (labels[k] ? w : 0)),
};

/**
 * @param {Step} step
 * @param {Picture} x
 * @returns {Picture}
 */
export function decode({ method, weights, labels }, x) {
  const own = WEIGHTS[method];
  const bands = own ? x.planes.map(unitOf) : x.planes;
  const chosen = own ? own(bands, labels) : weights;
  const total =
    method === "mb"
      ? meanVotes(x, labels)
      : Float64Array.from({ length: x.rows * x.cols }, (_, i) =>
          bands.reduce((sum, band, k) => sum + (chosen[k] ?? 0) * (band[i] ?? 0), 0),
        );
  const saliency = unitOf(total.map((v) => Math.max(0, v)));
  return { ...x, planes: [Float32Array.from(saliency)] };
}
