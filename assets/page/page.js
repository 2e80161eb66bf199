"use strict";
// Sorting, exploring and printing of the page. Text goes in through textContent alone, never as markup.

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

const explorer = document.getElementById("explorer");
if (explorer) {
  const data = JSON.parse(document.getElementById("tree-data").textContent);
  const which = document.getElementById("explorer-variant");
  const view = document.getElementById("explorer-view");
  const crumbs = explorer.querySelector(".crumbs");
  const map = explorer.querySelector(".map");
  const rows = explorer.querySelector(".rows");
  const said = explorer.querySelector(".said");
  let path = [];

  const node = (tag, text, name) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const current = () => path[path.length - 1];
  const open = (child, focus) => { path.push(child); draw(focus); };
  const up = (depth, focus) => { path = path.slice(0, Math.max(depth, 1)); draw(focus); };
  const share = (size) => (path[0][1] > 0 ? ((100 * size) / path[0][1]).toFixed(1) + " %" : "");

  function draw(focus) {
    const here = current();
    const children = (here[2] || []).filter((child) => child[1] > 0);
    crumbs.replaceChildren(...path.map((step, index) => {
      const item = node("li");
      const button = node("button", step[0]);
      button.type = "button";
      button.disabled = index === path.length - 1;
      button.addEventListener("click", () => up(index + 1, true));
      item.append(button);
      return item;
    }));
    said.textContent = here[0] + ": " + bytes(here[1]) + " (" + here[1].toLocaleString("en") + " B), " + share(here[1]) + " of all";
    const box = map.getBoundingClientRect();
    const places = squarify(children.map((child) => child[1]), box.width, box.height);
    map.replaceChildren(...children.map((child, index) => {
      const [x, y, w, h] = places[index];
      const deep = child[2] && child[2].length > 0;
      const tile = node(deep ? "button" : "div", undefined, "tile t" + (index % 7));
      tile.title = child[0] + "\n" + bytes(child[1]) + ", " + share(child[1]) + " of all";
      tile.style.left = x + "px";
      tile.style.top = y + "px";
      tile.style.width = w + "px";
      tile.style.height = h + "px";
      // Rim and padding would make it larger than it is.
      if (w < 16 || h < 10) tile.classList.add("tiny");
      if (w > 46 && h > 20) tile.append(node("span", child[0]));
      if (w > 46 && h > 38) tile.append(node("span", bytes(child[1])));
      if (deep) {
        tile.type = "button";
        tile.setAttribute("aria-label", child[0] + ", " + bytes(child[1]));
        tile.addEventListener("click", () => open(child, true));
      }
      return tile;
    }));
    rows.replaceChildren(...children.slice(0, 40).map((child) => {
      const row = node("tr");
      const name = node("td");
      if (child[2] && child[2].length > 0) {
        const button = node("button", child[0]);
        button.type = "button";
        button.addEventListener("click", () => open(child, true));
        name.append(button);
      } else {
        name.textContent = child[0];
      }
      row.append(name, node("td", bytes(child[1]), "number"), node("td", share(child[1]), "number"));
      return row;
    }));
    if (children.length === 0) {
      const row = node("tr");
      const cell = node("td", "Nothing is known of what is in it.", "quiet");
      cell.colSpan = 3;
      row.append(cell);
      rows.replaceChildren(row);
    }
    if (focus) {
      const first = map.querySelector("button") || crumbs.querySelector("button:not(:disabled)");
      if (first) first.focus();
    }
  }
  function reset() {
    const entry = data[Number(which.value)];
    path = [view.value === "layers" ? entry.layers : entry.files];
    draw(false);
  }
  which.addEventListener("change", reset);
  view.addEventListener("change", reset);
  explorer.addEventListener("keydown", (event) => {
    if (event.target.tagName === "SELECT") return;
    const tiles = [...map.querySelectorAll("button")];
    const at = tiles.indexOf(document.activeElement);
    if ((event.key === "Escape" || event.key === "Backspace") && path.length > 1) {
      up(path.length - 1, true);
    } else if (at >= 0 && (event.key === "ArrowRight" || event.key === "ArrowDown")) {
      tiles[(at + 1) % tiles.length].focus();
    } else if (at >= 0 && (event.key === "ArrowLeft" || event.key === "ArrowUp")) {
      tiles[(at + tiles.length - 1) % tiles.length].focus();
    } else {
      return;
    }
    event.preventDefault();
  });
  let width = 0;
  addEventListener("resize", () => {
    if (map.clientWidth !== width) {
      width = map.clientWidth;
      draw(false);
    }
  });
  reset();
}

// A link to a proof opens what it is folded into.
function reveal() {
  const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!wanted) return;
  for (let part = wanted.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  wanted.scrollIntoView();
  wanted.focus({ preventScroll: true });
}
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  // A second click on the same link changes no hash.
  if (event.target.matches("a[href^='#proof-']") && event.target.hash === location.hash) reveal();
});
reveal();

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => closed.forEach((part) => { part.open = false; }));
