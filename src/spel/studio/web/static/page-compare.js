import { Part } from './core.js'; customElements.define('page-compare', class extends Part {});
