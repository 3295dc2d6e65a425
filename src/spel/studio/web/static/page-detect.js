import { Part } from './core.js'; customElements.define('page-detect', class extends Part {});
