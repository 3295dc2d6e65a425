import { Part } from './core.js'; customElements.define('page-export', class extends Part {});
