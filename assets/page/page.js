"use strict";
// Sorting, filtering, exploring, and printing of the page. Text goes in through textContent alone, never as markup.

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[index];
        return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent;
      };
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        const empty = (value) => value === "";
        if (empty(x) || empty(y)) return empty(x) - empty(y);
        const order = typeof x === "number" && typeof y === "number"
          ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
        return down ? -order : order;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    });
  });
}

const units = ["B", "kB", "MB", "GB", "TB"];
function bytes(value) {
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return value + " B";
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + " " + units[unit];
}

// Places for areas in a rectangle, as square as they come (Bruls, Huizing and van Wijk, 2000).
function squarify(sizes, width, height) {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const places = [];
  let [x, y, w, h, start] = [0, 0, width, height, 0];
  const scale = total > 0 ? (width * height) / total : 0;
  const worst = (row, side) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return Math.max((side * side * Math.max(...row)) / (sum * sum), (sum * sum) / (side * side * Math.min(...row)));
  };
  while (start < sizes.length) {
    const side = Math.min(w, h);
    let row = [sizes[start] * scale];
    let end = start + 1;
    while (end < sizes.length && worst([...row, sizes[end] * scale], side) <= worst(row, side)) {
      row.push(sizes[end] * scale);
      end += 1;
    }
    const sum = row.reduce((a, b) => a + b, 0);
    const thick = side > 0 ? sum / side : 0;
    let along = 0;
    for (const area of row) {
      const long = thick > 0 ? area / thick : 0;
      places.push(w >= h ? [x, y + along, thick, long] : [x + along, y, long, thick]);
      along += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    start = end;
  }
  return places;
}

const node = (tag, text, name) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};

// What is shown is in the fragment, so that a link shows it again: `#explore&image=app&in=usr&in=lib&filter=alpine`.
const place = { anchor: "", values: new URLSearchParams() };
function readPlace() {
  const [anchor, ...rest] = location.hash.slice(1).split("&");
  place.anchor = anchor;
  place.values = new URLSearchParams(rest.join("&"));
}
const fragment = (anchor) => {
  const values = place.values.toString();
  return "#" + anchor + (values ? "&" + values : "");
};
function writePlace(anchor, changed) {
  if (anchor) place.anchor = anchor;
  for (const [key, value] of Object.entries(changed)) {
    place.values.delete(key);
    [value].flat().filter((one) => one !== "").forEach((one) => place.values.append(key, one));
  }
  history.replaceState(null, "", fragment(place.anchor));
}
readPlace();

const filter = document.getElementById("filter");
function narrow() {
  if (!filter) return;
  const words = filter.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (name) => words.every((word) => name.toLowerCase().includes(word));
  const names = new Set();
  for (const part of document.querySelectorAll("[data-variant]")) {
    part.hidden = !fits(part.dataset.variant);
    if (!part.hidden) names.add(part.dataset.variant);
  }
  filter.querySelector("span").textContent = words.length ? names.size + (names.size === 1 ? " variant" : " variants") : "";
}
if (filter) {
  const input = filter.querySelector("input");
  filter.hidden = false;
  input.addEventListener("input", () => {
    narrow();
    writePlace("", { filter: input.value });
  });
}
function readFilter() {
  if (!filter) return;
  filter.querySelector("input").value = place.values.get("filter") || "";
  narrow();
}
readFilter();

// Nodes are [name, bytes, children, layer, package].
const explorer = document.getElementById("explorer");
let readExplorer = () => {};
if (explorer) {
  const data = JSON.parse(document.getElementById("tree-data").textContent);
  const field = (name) => document.getElementById("explorer-" + name);
  const [which, view, color, search] = ["variant", "view", "color", "search"].map(field);
  const [crumbs, map, legend, rows, said] = [".crumbs", ".map", ".legend", ".rows", ".said"].map((name) => explorer.querySelector(name));
  const [HEAD, GAP, COLORS, MOST_TILES, MOST_ROWS] = [18, 2, 8, 1500, 40];
  let path = [];

  const below = (step) => (step[2] || []).filter((child) => child[1] > 0);
  const current = () => path[path.length - 1];
  const entry = () => data[which.selectedIndex];
  const share = (size) => (path[0][1] > 0 ? ((100 * size) / path[0][1]).toFixed(1) + " %" : "");
  // Nothing for what was not recorded, and an empty name for no package.
  const owner = (step) => (color.value === "package" && step[3] != null ? step[4] || "" : step[3]);
  const called = (key) => (color.value === "package" ? key : entry().names[key] || "layer " + (key + 1));

  // The owners with the most bytes have a color each, whatever part is looked at.
  function palette() {
    const sums = new Map();
    const walk = (step) => {
      const children = below(step);
      if (children.length) children.forEach(walk);
      else if (owner(step) != null && owner(step) !== "") sums.set(owner(step), (sums.get(owner(step)) || 0) + step[1]);
    };
    walk(path[0]);
    const all = [...sums].sort((a, b) => b[1] - a[1]).map(([key]) => key);
    return { colors: new Map(all.slice(0, COLORS).map((key, index) => [key, "t" + index])), more: all.length - COLORS };
  }

  // Which nodes match, and which hold one that does; only the topmost ones count, or bytes would count twice.
  function matches() {
    const wanted = search.value.trim().toLowerCase();
    const found = { on: wanted !== "", hits: [], steps: new Set(), marked: new Set() };
    if (!found.on) return found;
    const walk = (step, trail) => {
      if (trail.length && (step[0].toLowerCase().includes(wanted) || (step[4] || "").toLowerCase().includes(wanted))) {
        found.hits.push({ step, trail });
        found.steps.add(step);
        trail.forEach((above) => found.marked.add(above));
        return;
      }
      below(step).forEach((child) => walk(child, [...trail, step]));
    };
    walk(path[0], []);
    found.hits.sort((a, b) => b.step[1] - a.step[1]);
    return found;
  }

  function remember() {
    writePlace("explore", {
      image: which.selectedIndex > 0 ? which.value : "",
      view: view.value === "files" ? "" : view.value,
      color: color.value === "layer" ? "" : color.value,
      find: search.value,
      in: path.slice(1).map((step) => step[0]),
    });
  }
  const go = (to) => {
    path = to;
    draw();
    remember();
    const first = map.querySelector("button") || crumbs.querySelector("button:not(:disabled)");
    if (first) first.focus({ preventScroll: true });
  };

  function draw() {
    const here = current();
    const found = matches();
    const { colors, more } = palette();
    const look = (step) => (owner(step) == null ? "unknown" : owner(step) === "" ? "none" : colors.get(owner(step)) || "other");
    crumbs.replaceChildren(...path.map((step, index) => {
      const item = node("li");
      const button = node("button", step[0]);
      button.type = "button";
      button.disabled = index === path.length - 1;
      button.addEventListener("click", () => go(path.slice(0, index + 1)));
      item.append(button);
      return item;
    }));
    const sum = found.hits.reduce((total, hit) => total + hit.step[1], 0);
    said.textContent = found.on
      ? found.hits.length + (found.hits.length === 1 ? " match: " : " matches: ") + bytes(sum) + ", " + share(sum) + " of all"
      : here[0] + ": " + bytes(here[1]) + " (" + here[1].toLocaleString("en") + " B), " + share(here[1]) + " of all";

    const tiles = [];
    const lay = (step, trail, [x, y, width, height], hit) => {
      const children = below(step);
      squarify(children.map((child) => child[1]), width, height).forEach(([left, top, w, h], index) => {
        if (w < 2 || h < 2 || tiles.length >= MOST_TILES) return;
        const child = children[index];
        const deep = below(child).length > 0;
        const nested = deep && w > 64 && h > HEAD + 24;
        const is = hit || found.steps.has(child);
        const tile = node(deep ? "button" : "div", undefined, "tile " + (nested ? "nested" : look(child)));
        if (found.on && !is && !found.marked.has(child)) tile.classList.add("miss");
        if (found.on && is) tile.classList.add("hit");
        const of = owner(child) == null ? "" : "\n" + (owner(child) === "" ? "no package" : called(owner(child)));
        tile.title = child[0] + "\n" + bytes(child[1]) + ", " + share(child[1]) + " of all" + of;
        tile.style.left = x + left + "px";
        tile.style.top = y + top + "px";
        tile.style.width = w + "px";
        tile.style.height = h + "px";
        // Rim and padding would make it larger than it is.
        if (w < 16 || h < 10) tile.classList.add("tiny");
        if (nested) {
          tile.append(node("span", child[0] + " " + bytes(child[1])));
        } else if (w > 46 && h > 20) {
          tile.append(node("span", child[0]));
          if (h > 38) tile.append(node("span", bytes(child[1])));
        }
        if (deep) {
          tile.type = "button";
          tile.setAttribute("aria-label", child[0] + ", " + bytes(child[1]));
          tile.addEventListener("click", () => go([...trail, child]));
        }
        tiles.push(tile);
        if (nested) lay(child, [...trail, child], [x + left + GAP, y + top + HEAD, w - 2 * GAP, h - HEAD - GAP], is);
      });
    };
    // A part of what matches matches too.
    lay(here, path, [0, 0, map.clientWidth, map.clientHeight], path.some((step) => found.steps.has(step)));
    map.replaceChildren(...tiles);

    legend.replaceChildren(...[...colors].map(([key, name]) => {
      const item = node("li");
      item.append(node("i", undefined, name), node("span", called(key)));
      return item;
    }));
    const others = more + " other " + color.value + (more === 1 ? "" : "s");
    for (const [name, text] of [["other", others], ["none", "no package"], ["unknown", "not recorded"]]) {
      if (!map.querySelector(".tile." + name)) continue;
      const item = node("li");
      item.append(node("i", undefined, name), node("span", text));
      legend.append(item);
    }

    const listed = found.on ? found.hits : below(here).map((step) => ({ step, trail: path }));
    rows.replaceChildren(...listed.slice(0, MOST_ROWS).map(({ step, trail }) => {
      const row = node("tr");
      const name = node("td");
      const text = found.on ? [...trail.slice(1).map((above) => above[0]), step[0]].join("/") : step[0];
      const deep = below(step).length > 0;
      if (deep || found.on) {
        const button = node("button", text);
        button.type = "button";
        button.addEventListener("click", () => go(deep ? [...trail, step] : trail));
        name.append(button);
      } else {
        name.textContent = text;
      }
      row.append(name, node("td", bytes(step[1]), "number"), node("td", share(step[1]), "number"));
      return row;
    }));
    if (listed.length === 0 || listed.length > MOST_ROWS) {
      const row = node("tr");
      const cell = node("td", listed.length ? listed.length - MOST_ROWS + " more" : found.on ? "Nothing matches." : "The record does not list what is in it.", "quiet");
      cell.colSpan = 3;
      row.append(cell);
      rows.append(row);
    }
  }

  const root = () => entry()[view.value === "layers" ? "layers" : "files"];
  for (const choice of [which, view]) {
    choice.addEventListener("change", () => {
      // The same place in another image, as far as it is there.
      const names = choice === which ? path.slice(1).map((step) => step[0]) : [];
      path = [root()];
      descend(names);
      draw();
      remember();
    });
  }
  color.addEventListener("change", () => { draw(); remember(); });
  search.addEventListener("input", () => { draw(); remember(); });
  function descend(names) {
    for (const name of names) {
      const next = below(current()).find((child) => child[0] === name && below(child).length > 0);
      if (!next) break;
      path.push(next);
    }
  }
  readExplorer = () => {
    const { values } = place;
    const at = [...which.options].findIndex((option) => option.value === values.get("image"));
    which.selectedIndex = Math.max(at, 0);
    view.value = values.get("view") === "layers" ? "layers" : "files";
    color.value = values.get("color") === "package" ? "package" : "layer";
    search.value = values.get("find") || "";
    path = [root()];
    descend(values.getAll("in"));
    draw();
  };
  explorer.addEventListener("keydown", (event) => {
    if (["SELECT", "INPUT"].includes(event.target.tagName)) return;
    const buttons = [...map.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if ((event.key === "Escape" || event.key === "Backspace") && path.length > 1) {
      go(path.slice(0, -1));
    } else if (at >= 0 && (event.key === "ArrowRight" || event.key === "ArrowDown")) {
      buttons[(at + 1) % buttons.length].focus();
    } else if (at >= 0 && (event.key === "ArrowLeft" || event.key === "ArrowUp")) {
      buttons[(at + buttons.length - 1) % buttons.length].focus();
    } else {
      return;
    }
    event.preventDefault();
  });
  let width = 0;
  addEventListener("resize", () => {
    if (map.clientWidth !== width) {
      width = map.clientWidth;
      draw();
    }
  });
  readExplorer();
}

// A link to a proof opens what it is folded into.
function reveal() {
  const wanted = place.anchor && document.getElementById(place.anchor);
  if (!wanted) return;
  for (let part = wanted.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  wanted.scrollIntoView();
  wanted.focus({ preventScroll: true });
}
addEventListener("hashchange", () => {
  readPlace();
  readFilter();
  readExplorer();
  reveal();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // What is shown stays as it is; a second click on the same link changes no hash.
  event.preventDefault();
  const next = fragment(link.hash.slice(1));
  if (next === location.hash) reveal();
  else location.hash = next;
});
reveal();

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => closed.forEach((part) => { part.open = false; }));
