// The page: top bar, pages by address, keys, the panel of code and the list of keys.

import { get, put } from "./api.js";
import { fill, h, icon, language, loadWords, say, t } from "./core.js";
import "./page-chain.js";
import "./page-compare.js";
import "./page-detect.js";
import "./page-export.js";
import "./page-kernels.js";
import "./page-lessons.js";
import "./page-markers.js";
import "./page-space.js";
import { bus, choose, convolutions, network, node, redo, state, tell, undo } from "./store.js";

export const PAGES = [
  "chain",
  "space",
  "markers",
  "kernels",
  "detect",
  "compare",
  "export",
  "lessons",
];
const KEYS = { c: "space", m: "markers", k: "kernels", d: "detect" };

// -- settings of this browser --------------------------------------------------------------------

const settings = JSON.parse(localStorage.getItem("spel") ?? "{}");
function set(name, value) {
  settings[name] = value;
  localStorage.setItem("spel", JSON.stringify(settings));
  look();
}
function look() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = settings.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.projector = settings.projector ? "on" : "off";
  const wanted = settings.language ?? (navigator.language.startsWith("pt") ? "pt-BR" : "en");
  if (language.now !== wanted || document.documentElement.lang !== wanted) {
    language.now = wanted;
    document.documentElement.lang = wanted;
    document.querySelector(".skip").textContent = t("skip");
    if (state.doc) {
      topbar();
      tell("language");
    }
  }
  tell("theme");
}

// -- the top bar ---------------------------------------------------------------------------------

let bar = {};
function topbar() {
  const page = (name) => h("a.tab", { href: `#${name}`, "data-page": name }, t(`page.${name}`));
  const tool = (name, label, then, more = {}) =>
    h("button.tool", { title: label, "aria-label": label, onclick: then, ...more }, icon(name));
  const images = state.doc.images;
  bar = {
    undo: tool("undo", t("undo"), undo),
    redo: tool("redo", t("redo"), redo),
    image: h("select.pick", {
      "aria-label": t("image"),
      onchange: (e) => choose({ image: e.target.value }),
    }),
    network: h("select.pick", {
      "aria-label": t("network"),
      onchange: (e) => choose({ network: e.target.value }),
    }),
    busy: h("span.busy", { role: "status", "aria-label": t("idle") }),
  };
  const next = (by) => {
    const i = images.findIndex((one) => one.id === state.image),
      all = state.doc.images;
    choose({ image: all[(i + by + all.length) % all.length].id });
  };
  const upload = h("input.hidden", {
    type: "file",
    accept: "image/*,.npy,.tif,.tiff,.pgm,.ppm",
    multiple: true,
    tabIndex: -1,
    "aria-label": t("image.add"),
    onchange: (e) => take(e.target.files),
  });
  fill(
    document.getElementById("top"),
    h(
      "a.brand",
      { href: "#chain", "aria-label": "spel studio" },
      h("img", { src: "/static/mark.svg", alt: "", width: 26, height: 26 }),
      h("span", {}, "spel"),
    ),
    h("nav", { "aria-label": t("pages") }, PAGES.map(page)),
    h("span.spread"),
    h(
      "span.group",
      {},
      bar.network,
      tool("left", t("image.before"), () => next(-1)),
      bar.image,
      tool("right", t("image.next"), () => next(1)),
      tool("upload", t("image.add"), () => upload.click()),
      upload,
    ),
    h("span.group", {}, bar.undo, bar.redo, bar.busy),
    h(
      "span.group",
      {},
      h(
        "button.tool.text",
        { title: t("code"), onclick: showCode, "aria-label": t("code") },
        icon("code"),
      ),
      h(
        "button.tool.text",
        {
          title: t("language.switch"),
          lang: language.now === "en" ? "pt-BR" : "en",
          onclick: () => set("language", language.now === "en" ? "pt-BR" : "en"),
        },
        language.now === "en" ? "PT" : "EN",
      ),
      tool(document.documentElement.dataset.theme === "dark" ? "sun" : "moon", t("theme"), () => {
        set("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
        topbar();
      }),
      tool("screen", t("projector"), () => set("projector", !settings.projector)),
      tool("help", t("help"), showKeys),
    ),
  );
  refreshBar();
}
export async function take(files) {
  for (const file of files) {
    try {
      const reply = await put("images", { name: file.name }, file);
      state.doc = reply.document;
      tell("document");
      choose({ image: reply.id });
    } catch (problem) {
      say(problem.message, "error");
    }
  }
}
function refreshBar() {
  const { doc } = state;
  bar.undo.disabled = !doc.undo;
  bar.redo.disabled = !doc.redo;
  bar.undo.title = doc.undo ? `${t("undo")}: ${t(`do.${doc.undo}`)}` : t("undo");
  bar.redo.title = doc.redo ? `${t("redo")}: ${t(`do.${doc.redo}`)}` : t("redo");
  const options = (select, items, chosen) => {
    const signature = JSON.stringify(items);
    if (select.signature !== signature) {
      select.signature = signature;
      fill(
        select,
        items.map(([value, text]) => h("option", { value }, text)),
      );
    }
    select.value = chosen;
  };
  options(
    bar.image,
    doc.images.map((i) => [i.id, i.name]),
    state.image,
  );
  options(
    bar.network,
    doc.networks.map((n) => [n.name, n.name]),
    state.network,
  );
  for (const link of document.querySelectorAll("#top .tab")) {
    if (link.dataset.page === state.page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (doc.problem && doc.problem !== refreshBar.problem) say(doc.problem, "error");
  refreshBar.problem = doc.problem;
}
let working = 0;
bus.addEventListener("busy", () => {
  working += 1;
  bar.busy?.classList.add("on");
});
bus.addEventListener("idle", () => {
  working = Math.max(0, working - 1);
  if (!working) bar.busy?.classList.remove("on");
});

// -- pages ---------------------------------------------------------------------------------------

function route() {
  const wanted = location.hash.slice(1);
  const page = PAGES.includes(wanted) ? wanted : state.page;
  if (location.hash !== `#${page}`) history.replaceState(null, "", `#${page}`);
  open(page);
}
function open(page) {
  state.page = page;
  if (page === "space" || page === "kernels") {
    if (!node()?.bank || node().off) {
      const first = convolutions()[0] ?? null;
      if (first) Object.assign(state, { node: first.name, kernel: 0, channel: 0 });
    }
  }
  const main = document.getElementById("main");
  fill(
    main,
    state.lesson ? document.createElement("spel-lesson") : null,
    document.createElement(`page-${page}`),
  );
  main.classList.toggle("with-lesson", Boolean(state.lesson));
  document.title = `${t(`page.${page}`)} · spel studio`;
  refreshBar();
  choose({ page });
}
export const go = (page) => {
  if (location.hash === `#${page}`) open(page);
  else location.hash = page;
};
bus.addEventListener("go", () => go(state.page));

// -- panels --------------------------------------------------------------------------------------

function dialog(title, ...content) {
  document.querySelector("dialog.sheet")?.remove();
  const box = h(
    "dialog.sheet",
    { "aria-label": title },
    h(
      "header",
      {},
      h("h2", {}, title),
      h(
        "button.tool",
        { onclick: () => box.close(), "aria-label": t("close"), title: t("close") },
        icon("close"),
      ),
    ),
    content,
  );
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  document.body.append(box);
  box.showModal();
  return box;
}
async function showCode() {
  const { page, network: name, image, node: at, channel, kernel, cursor, other } = state;
  try {
    const { code } = await get("code", {
      page,
      network: name,
      image,
      node: at,
      channel,
      kernel,
      other,
      row: cursor?.[0],
      col: cursor?.[1],
    });
    dialog(
      t("code"),
      h("p.muted", {}, t("code.about")),
      h("pre.code", { tabIndex: 0 }, code),
      h(
        "div.row",
        {},
        h(
          "button.primary",
          {
            onclick: () =>
              navigator.clipboard.writeText(code).then(
                () => say(t("copied")),
                () => say(t("copy.failed"), "error"),
              ),
          },
          icon("copy"),
          t("copy"),
        ),
      ),
    );
  } catch (problem) {
    say(problem.message, "error");
  }
}
function showKeys() {
  const rows = [
    "arrows",
    "shift_arrows",
    "wheel",
    "space",
    "ctrl_z",
    "comma",
    "page_keys",
    "p_e_f",
    "brackets",
    "shift_digit",
    "x",
    "i",
    "v",
    "tick",
    "tab",
    "pgup",
    "shift_l",
    "question",
    "esc",
  ];
  const list = h(
    "table.terms.keys",
    {},
    rows.map((r) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, h("kbd", {}, t(`keys.${r}.key`))),
        h("td", {}, t(`keys.${r}`)),
      ),
    ),
  );
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: () => {
      for (const row of list.rows)
        row.hidden = !row.textContent.toLowerCase().includes(search.value.toLowerCase());
    },
  });
  dialog(t("help"), search, list, h("p.muted.small", {}, `spel ${state.constants.version}`));
}

// -- keys ----------------------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  const typing =
    event.target.matches?.("input:not([type=range]):not([type=checkbox]), textarea, select") ||
    event.target.closest?.("dialog");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
    event.preventDefault();
    if (event.shiftKey) redo();
    else undo();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    say(t("saved"));
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing || !state.doc) return;
  const images = state.doc.images,
    at = images.findIndex((i) => i.id === state.image),
    nodes = ["input", ...network().nodes.map((n) => n.name)];
  const channels = state.run?.steps.find((s) => s.name === state.node)?.shape?.[2] ?? 1;
  const key = event.key;
  if (key === ",") choose({ image: images[(at - 1 + images.length) % images.length].id });
  else if (key === ".") choose({ image: images[(at + 1) % images.length].id });
  else if (key === "PageUp" || key === "PageDown") {
    event.preventDefault();
    choose({ channel: (state.channel + (key === "PageUp" ? channels - 1 : 1)) % channels });
  } else if (key === "n" || key === "b") {
    const i = nodes.indexOf(state.node);
    choose({ node: nodes[(i + (key === "n" ? 1 : -1) + nodes.length) % nodes.length] });
  } else if (key === "?") showKeys();
  else if (key === "L" && event.shiftKey) set("projector", !settings.projector);
  else if (key === "i") document.body.classList.toggle("inspector-wide");
  else if (key === "`") document.querySelector("spel-viewer")?.flick(true);
  else if (key === "Escape") {
    document.body.classList.remove("inspector-wide");
    choose({ pinned: false });
  } else if (KEYS[key] && !(state.page === "markers" && "ef".includes(key))) go(KEYS[key]);
  else if (key === "h") go("chain");
});
addEventListener("keyup", (event) => {
  if (event.key === "`") document.querySelector("spel-viewer")?.flick(false);
});

// -- start ---------------------------------------------------------------------------------------

addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) {
    event.preventDefault();
    take(event.dataTransfer.files);
  }
});
addEventListener("hashchange", route);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
bus.addEventListener("document", refreshBar);
bus.addEventListener("select", refreshBar);
bus.addEventListener("image", refreshBar);

async function start() {
  await loadWords();
  look();
  try {
    [state.constants, state.doc] = await Promise.all([get("constants"), get("document")]);
  } catch (problem) {
    fill(document.getElementById("main"), h("p.error", { role: "alert" }, problem.message));
    return;
  }
  const { view, images, networks } = state.doc,
    known = (list, name, key) => list.some((one) => one[key] === name);
  state.image = known(images, view.image, "id") ? view.image : images[0]?.id;
  state.network = known(networks, view.network, "name") ? view.network : networks[0].name;
  Object.assign(state, {
    page: PAGES.includes(view.page) ? view.page : "chain",
    kernel: view.kernel ?? 0,
    channel: view.channel ?? 0,
    other: view.other ?? null,
  });
  state.node =
    view.node && (view.node === "input" || node(view.node))
      ? view.node
      : (network().nodes.find((n) => n.bank) ?? network().nodes[0]).name;
  if (view.pinned && view.cursor) Object.assign(state, { cursor: view.cursor, pinned: true });
  state.run = await get("run", { network: state.network, image: state.image }).catch((problem) => {
    say(problem.message, "error");
    return null;
  });
  topbar();
  route();
  document.documentElement.dataset.ready = "yes";
}
start();
