import { Part } from './core.js'; customElements.define('page-markers', class extends Part {});
