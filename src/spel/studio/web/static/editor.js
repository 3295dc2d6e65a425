// Edit the selected step in place: its parameters, and its kernels number by number.

import { cell, kernelCanvas } from "./colors.js";
import { Part, fill, h, icon, num, t } from "./core.js";
import { act, bank, bus, choose, live, node, state } from "./store.js";
import { wordsOf } from "./strip.js";

let count = 0;
const fresh = (stem) => `${stem}-${++count}`;

class Editor extends Part {
  build() {
    this.on(bus, "document select language", () => this.redraw());
    // While something is dragged here it must not be built anew.
    this.addEventListener("pointerdown", () => {
      this.held = true;
    });
    this.on(window, "pointerup pointercancel", () => {
      if (this.held) {
        this.held = false;
        setTimeout(() => this.redraw(), 60);
      }
    });
    this.redraw();
  }
  async redraw() {
    if (this.held) return;
    const told = node();
    const signature = JSON.stringify([
      state.network,
      state.node,
      told?.fields,
      told?.bank,
      state.kernel,
      document.documentElement.lang,
    ]);
    if (signature === this.signature) return;
    this.signature = signature;
    if (!told) {
      fill(this, h("h2", {}, t("step.input")), h("p.muted", {}, t("editor.input")));
      return;
    }
    // Building anew under a user who types would take the focus away.
    const focus = this.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const kind = told.kind.split(".")[0];
    const name = h("input", {
      value: told.name,
      "aria-label": t("editor.name"),
      maxLength: 64,
      onchange: () => this.rename(told, name.value),
    });
    const parts = [
      h("header.editor-head", {}, name, h("span.tag", {}, t(`kind.${kind}`))),
      h("p.muted.small", {}, t(`kind.${kind}.about`)),
    ];
    const schema = state.constants.schema[told.kind] ?? [];
    parts.push(
      h(
        "div.fields",
        {},
        schema.map((field) => this.field(told, field)),
      ),
    );
    if (told.bank) parts.push(await this.kernels(told));
    if (this.signature !== signature) return;
    fill(this, parts);
    if (focus) this.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }
  rename(told, name) {
    act({ do: "rename_step", network: state.network, node: told.name, name }).then((reply) => {
      if (reply) choose({ node: name });
    });
  }
  set(told, fields, gesture) {
    const command = { do: "set_layer", network: state.network, node: told.name, fields };
    return gesture ? live(command, gesture) : act(command);
  }
  field(told, field) {
    const value = told.fields[field.name],
      id = fresh("field"),
      key = `${told.name}.${field.name}`;
    const change = (v) => this.set(told, { [field.name]: v });
    const row = (...inputs) =>
      h(
        "div.field",
        {},
        h("label", { htmlFor: id }, t(`field.${field.name}`)),
        h("span.inputs", {}, inputs),
      );
    if (field.type === "adjacency") return this.adjacency(told, value, (a) => change(a));
    if (field.type === "bool")
      return row(
        h("input", {
          id,
          type: "checkbox",
          checked: value,
          "data-key": key,
          onchange: (e) => change(e.target.checked),
        }),
      );
    if (field.type === "choice" || field.type === "border") {
      const values = field.values.includes(value) ? field.values : [...field.values, value];
      const select = h(
        "select",
        { id, "data-key": key, onchange: () => change(values[select.selectedIndex]) },
        values.map((v) =>
          h(
            "option",
            { selected: v === value },
            v === null ? t("none") : Array.isArray(v) ? t("border.learned") : String(v),
          ),
        ),
      );
      return row(select);
    }
    if (field.type === "rule") {
      const number = h("input", {
        id,
        type: "number",
        step: "any",
        "data-key": key,
        value: typeof value === "number" ? value : "",
        placeholder: String(value),
        onchange: () => number.value !== "" && change(Number(number.value)),
      });
      return row(
        number,
        ["otsu", "p95"].map((rule) =>
          h(
            "button.chip",
            { "aria-pressed": String(value === rule), onclick: () => change(rule) },
            rule,
          ),
        ),
      );
    }
    if (field.type === "vector") {
      return row(
        h("input", {
          id,
          "data-key": key,
          value: value.map((v) => num(v, 4).replace(/,/g, ".").replace("−", "-")).join(" "),
          onchange: (e) =>
            change(
              e.target.value
                .trim()
                .split(/[\s;]+/)
                .map(Number),
            ),
        }),
      );
    }
    const low = field.low ?? undefined;
    return row(
      h("input", {
        id,
        type: "number",
        step: field.type === "int" ? 1 : "any",
        min: low,
        max: field.high,
        value: value ?? "",
        "data-key": key,
        placeholder: field.empty ? t("default") : "",
        onchange: (e) => change(e.target.value === "" ? null : Number(e.target.value)),
      }),
    );
  }
  adjacency(told, words, change) {
    const id = fresh("shape"),
      shapes = ["rectangle", "disk", "cross"];
    if (words.shape === "custom") shapes.push("custom");
    const sizes =
      words.shape === "rectangle"
        ? ["width", "height"]
        : words.shape === "custom"
          ? []
          : ["radius"];
    const starts = {
      rectangle: { width: 3, height: 3 },
      disk: { radius: 1 },
      cross: { radius: 1 },
    };
    const edit = (name) =>
      h(
        "label.inline",
        {},
        h("span", {}, t(`field.${name}`)),
        h("input.narrow", {
          type: "number",
          min: name === "radius" ? 0 : 1,
          max: 129,
          step: words.shape === "disk" && name === "radius" ? "any" : 1,
          value: words[name],
          "data-key": `${told.name}.${name}`,
          onchange: (e) => change({ ...words, [name]: Number(e.target.value) }),
        }),
      );
    return h(
      "div.field.tall",
      {},
      h("label", { htmlFor: id }, t("field.adjacency")),
      h(
        "span.inputs",
        {},
        h(
          "select",
          {
            id,
            "data-key": `${told.name}.shape`,
            onchange: (e) =>
              change({
                shape: shapes[e.target.selectedIndex],
                dilation: words.dilation,
                ...starts[shapes[e.target.selectedIndex]],
              }),
          },
          shapes.map((s) => h("option", { selected: s === words.shape }, t(`shape.${s}`))),
        ),
        sizes.map(edit),
        words.shape === "custom" ? null : edit("dilation"),
      ),
    );
  }

  // -- kernels -----------------------------------------------------------------------------------

  async kernels(told) {
    const found = await bank(state.network, told),
      [count, rows, cols, channels] = found.dense.shape;
    const k = Math.min(state.kernel, count - 1),
      command = (name, more) => ({
        do: name,
        network: state.network,
        node: told.name,
        kernel: k,
        ...more,
      });
    const picks = h(
      "div.kernel-picks",
      { role: "group", "aria-label": t("kernel.choose") },
      Array.from({ length: Math.min(count, 64) }, (_, i) => {
        const canvas = kernelCanvas(
          found.dense.data,
          rows,
          cols,
          channels,
          i * rows * cols * channels,
        );
        canvas.setAttribute("aria-hidden", "true");
        return h(
          "button.kernel-pick",
          {
            "aria-pressed": String(i === k),
            "aria-label": t("kernel.n", { n: i }),
            title: t("kernel.n", { n: i }),
            onclick: () => choose({ kernel: i, channel: i }),
          },
          canvas,
          h("span", {}, String(i)),
        );
      }),
    );
    const preset = h(
      "select",
      {
        "aria-label": t("kernel.preset"),
        onchange: () =>
          preset.value &&
          act({
            do: "set_bank",
            network: state.network,
            node: told.name,
            preset: preset.value,
            image: state.image,
          }),
      },
      h("option", { value: "" }, t("kernel.preset")),
      state.constants.presets.map((p) => h("option", { value: p }, t(`preset.${p}`))),
    );
    const parts = [h("h3", {}, t("kernel.title")), picks];
    parts.push(
      rows * cols <= 225 ? this.grid(told, found, k) : h("p.muted.small", {}, t("kernel.large")),
    );
    parts.push(this.bias(told, found, k));
    const side = (name, value) =>
      h(
        "label.inline",
        {},
        h("span", {}, t(`field.${name}`)),
        h("input.narrow", {
          type: "number",
          min: 1,
          max: 65,
          value,
          "data-key": `kernel.${name}`,
          onchange: (e) =>
            act({
              do: "resize_kernels",
              network: state.network,
              node: told.name,
              width: cols,
              height: rows,
              [name]: Number(e.target.value),
            }),
        }),
      );
    const words = told.bank.adjacency;
    const dilation =
      words.shape === "custom"
        ? null
        : h(
            "label.inline",
            {},
            h("span", {}, t("field.dilation")),
            h("input.narrow", {
              type: "number",
              min: 1,
              max: 32,
              value: words.dilation,
              "data-key": "kernel.dilation",
              onchange: (e) =>
                act({
                  do: "set_kernel_adjacency",
                  network: state.network,
                  node: told.name,
                  adjacency: { ...words, dilation: Number(e.target.value) },
                }),
            }),
          );
    parts.push(
      h(
        "div.row",
        {},
        words.dilation > 1 ? null : side("width", cols),
        words.dilation > 1 ? null : side("height", rows),
        dilation,
      ),
    );
    parts.push(
      h(
        "div.row",
        {},
        preset,
        h(
          "button.chip",
          { onclick: () => act(command("copy_kernel")), title: t("kernel.copy") },
          icon("copy"),
          t("kernel.copy"),
        ),
        h(
          "button.chip",
          {
            onclick: () => act({ ...command("invert_kernels"), kernels: [k] }),
            title: t("kernel.invert"),
          },
          "±",
        ),
        h(
          "button.chip",
          {
            disabled: count < 2,
            onclick: () => act({ ...command("drop_kernels"), kernels: [k] }),
            title: t("kernel.drop"),
            "aria-label": t("kernel.drop"),
          },
          icon("trash"),
        ),
      ),
    );
    return h("section.kernel", {}, parts);
  }
  /** Every weight of the kernel and channel as a number that can be typed over or dragged. */
  grid(told, found, k) {
    const [, rows, cols, channels] = found.dense.shape,
      steps = found.displacements,
      n = steps.length;
    const low = found.reach.map(([lo]) => lo),
      weights = found.weights.data;
    let c = Math.min(this.slice ?? 0, channels - 1);
    const box = h("div");
    const draw = () => {
      const at = (i) => (k * n + i) * channels + c;
      let top = 0;
      for (let i = k * n * channels; i < (k + 1) * n * channels; i++)
        top = Math.max(top, Math.abs(weights[i]));
      const scale = { kind: "signed", low: -(top || 1), high: top || 1 };
      const table = h("div.weights", {
        style: { gridTemplateColumns: `repeat(${cols}, minmax(0, 1fr))` },
        role: "group",
        "aria-label": t("kernel.weights"),
      });
      const cells = Array.from({ length: rows * cols }, () => h("span.void"));
      steps.forEach(([r, col], i) => {
        const place = (r - low[0]) * cols + (col - low[1]);
        const input = h("input.weight", {
          value: plain(weights[at(i)]),
          inputMode: "decimal",
          "data-key": `w${i}.${c}`,
          "aria-label": t("kernel.weight", { row: r, col }),
        });
        const look = (v) => Object.assign(input.style, cell(v, scale));
        look(weights[at(i)]);
        const send = (v, gesture) => {
          const all = Array.from({ length: n * channels }, (_, j) => weights[k * n * channels + j]);
          all[i * channels + c] = v;
          const command = {
            do: "set_kernel",
            network: state.network,
            node: told.name,
            kernel: k,
            weights: all,
          };
          return gesture ? live(command, gesture) : act(command);
        };
        input.addEventListener("change", () => {
          const v = Number(input.value.replace(",", "."));
          if (Number.isFinite(v)) send(v);
          else input.value = plain(weights[at(i)]);
        });
        input.addEventListener("keydown", (event) => {
          const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
          if (!by) return;
          event.preventDefault();
          send(
            Number(input.value.replace(",", ".")) + by * (event.shiftKey ? 1 : 0.1),
            `key-${k}-${i}-${c}`,
          );
        });
        // Dragging sideways changes the weight; a click still edits the text.
        input.addEventListener("pointerdown", (event) => {
          const start = event.clientX,
            from = weights[at(i)],
            gesture = `drag-${Date.now()}`;
          let moved = false;
          const move = (e) => {
            const by = e.clientX - start;
            if (!moved && Math.abs(by) < 5) return;
            moved = true;
            const v = Math.round((from + by * 0.02) * 100) / 100;
            input.value = plain(v);
            look(v);
            send(v, gesture);
          };
          const up = () => {
            removeEventListener("pointermove", move);
            removeEventListener("pointerup", up);
          };
          addEventListener("pointermove", move);
          addEventListener("pointerup", up);
        });
        cells[place] = input;
      });
      table.append(...cells);
      const slices =
        channels > 1
          ? h(
              "div.slices",
              { role: "group", "aria-label": t("kernel.slice") },
              Array.from({ length: Math.min(channels, 64) }, (_, i) =>
                h(
                  "button.chip",
                  {
                    "aria-pressed": String(i === c),
                    onclick: () => {
                      this.slice = c = i;
                      draw();
                    },
                  },
                  String(i),
                ),
              ),
            )
          : null;
      fill(box, slices ? h("p.small.muted", {}, t("kernel.slice")) : null, slices, table);
    };
    draw();
    return box;
  }
  bias(told, found, k) {
    const value = found.bias[k],
      span = Math.max(1, Math.abs(value) * 1.5, 1.5 * found.norms[k]),
      id = fresh("bias");
    const number = h("input.narrow", {
      type: "number",
      step: "any",
      value: plain(value),
      id,
      "data-key": "bias.number",
    });
    const slider = h("input", {
      type: "range",
      min: -span,
      max: span,
      step: span / 400,
      value,
      "aria-label": t("kernel.bias"),
      "data-key": "bias.slider",
    });
    const send = (v, gesture) => {
      const command = {
        do: "set_kernel",
        network: state.network,
        node: told.name,
        kernel: k,
        bias: v,
      };
      return gesture ? live(command, gesture) : act(command);
    };
    slider.addEventListener("pointerdown", () => {
      this.gesture = `bias-${Date.now()}`;
    });
    slider.addEventListener("input", () => {
      number.value = plain(Number(slider.value));
      send(Number(slider.value), this.gesture ?? `bias-${k}`);
    });
    number.addEventListener("change", () => send(Number(number.value)));
    return h(
      "div.field",
      {},
      h("label", { htmlFor: id }, t("kernel.bias")),
      h("span.inputs.wide", {}, slider, number),
    );
  }
}
const plain = (v) => String(Math.round(v * 1e4) / 1e4);
customElements.define("spel-editor", Editor);
