import { Part } from './core.js'; customElements.define('page-space', class extends Part {});
