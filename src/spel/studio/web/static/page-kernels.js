import { Part } from './core.js'; customElements.define('page-kernels', class extends Part {});
