// @ts-check

/** A page or panel: a custom element that builds itself once and listens while it is shown. */
export class Part extends HTMLElement {
  leaving = new AbortController();

  connectedCallback() {
    this.leaving = new AbortController();
    this.build();
  }

  disconnectedCallback() {
    this.leaving.abort();
  }

  /**
   * Listen until this part leaves the page.
   * @param {EventTarget} target
   * @param {string} names types of events, separated by blanks
   * @param {(event: any) => void} handler
   */
  on(target, names, handler) {
    for (const name of names.split(" ")) {
      target.addEventListener(name, handler, { signal: this.leaving.signal });
    }
  }

  build() {}
}
