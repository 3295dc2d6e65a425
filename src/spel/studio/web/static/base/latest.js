// @ts-check

/**
 * At most one call at a time; of the calls that come meanwhile only the last one is made.
 * Those that are left out resolve to undefined.
 * @template {any[]} A
 * @template R
 * @param {(...args: A) => Promise<R>} work
 * @returns {(...args: A) => Promise<R | undefined>}
 */
export function latest(work) {
  let busy = false;
  /** @type {{ args: A, done: (value: any) => void, fail: (error: any) => void } | null} */
  let next = null;
  /** @param {A} args */
  async function run(args) {
    busy = true;
    try {
      return await work(...args);
    } finally {
      busy = false;
      if (next) {
        const { args: later, done, fail } = next;
        next = null;
        run(later).then(done, fail);
      }
    }
  }
  return (...args) => {
    if (!busy) return run(args);
    next?.done(undefined);
    return new Promise((done, fail) => {
      next = { args, done, fail };
    });
  };
}
