import { Part } from './core.js'; customElements.define('page-lessons', class extends Part {});
