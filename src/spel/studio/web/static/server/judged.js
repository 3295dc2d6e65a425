// @ts-check
// The shape of masks that were judged.

/**
 * Masks of all images with a true one, judged; without a kind where there is none.
 * @typedef {object} JudgedMasks
 * @property {"masks" | "classes"} [kind]
 * @property {Record<string, number | null> | null} figures null if the network makes no masks
 * @property {Record<string, number | null> | null} instances
 * @property {Array<{ image: string, dice: number }>} rows
 * @property {Array<{ image: string, problem: string }>} failed
 * @property {string[]} [lost] names of images whose true mask cannot be read any more
 */

export {};
