
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const TREE_ROW = 24, HEX_ROW = 20, CHUNK = 100;
const narrow = matchMedia("(max-width: 760px)");
const two = data.streams.length === 2;

// --- what is made of text and elements ------------------------------------------------

function make(tag, attributes, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") {
      for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    } else if (value !== null && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...inside);
  return made;
}
const hex = (number, digits = 0) => number.toString(16).padStart(digits, "0");
const offsetText = (offset) => (offset === undefined || offset === null ? "" : "0x" + hex(offset));
const byId = (id) => document.getElementById(id);

function facts(list, pairs) {
  list.replaceChildren(...pairs.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

// --- bytes ------------------------------------------------------------------------------

const unpacked = new Map();
function bytesOf(part) {
  if (!unpacked.has(part)) {
    const text = atob(part.data);
    const made = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) made[at] = text.charCodeAt(at);
    unpacked.set(part, made);
  }
  return unpacked.get(part);
}
function slice(part, offset, size) {
  const bytes = bytesOf(part), at = offset - part.o;
  return at < 0 || at + size > bytes.length ? null : bytes.subarray(at, at + size);
}
function same(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

// One element of an array of numbers, by the code of Python's struct.
const CODES = { b: [1, true], B: [1, false], h: [2, true], H: [2, false], i: [4, true],
  I: [4, false], q: [8, true], Q: [8, false], "?": [1, false] };
function element(bytes, code) {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  if (code === "?") return value ? "true" : "false";
  if (CODES[code][1]) value = BigInt.asIntN(8 * bytes.length, value);
  if (value > -10n && value < 10n) return String(value);
  return value < 0n ? "-0x" + (-value).toString(16) : "0x" + value.toString(16);
}

// --- the tree: of one stream, or of two laid over each other --------------------------------

class Item {
  constructor(name, above, sides, level, number) {
    this.name = name;
    this.above = above;
    this.sides = sides;      // a node of each stream, null where it has none
    this.level = level;
    this.number = number;    // among its siblings
    this.open = false;
    this.flag = null;
    this.kids_ = null;
  }
  get node() { return this.sides[0] || this.sides[1]; }
  get part() { return this.level === 1 ? this : this.above.part; }
  get path() {
    if (this.level === 1) return this.name;
    const above = this.above.path;
    return this.name.startsWith("[") ? above + this.name : above + "." + this.name;
  }
  get hasKids() {
    return this.sides.some((side) => side && ((side.k && side.k.length) || side.m > 1));
  }
  get kids() {
    if (this.kids_ === null) {
      this.kids_ = merged(this, this.sides.map((side) => (side ? inside(side) : [])));
    }
    return this.kids_;
  }
  get bytes() {
    return this.sides.map((side, which) => {
      const part = this.part.sides[which];
      return side && part && side.o !== undefined && side.o !== null
        ? slice(part, side.o, side.s) : null;
    });
  }
  // "" for equal, "one" where only one stream has it, "differs".
  get difference() {
    if (!two) return "";
    const [left, right] = this.sides;
    if (!left || !right) return "one";
    if (this.level === 1 && left.s !== right.s) return "differs";
    const [old, now] = this.bytes;
    if (this.level === 1) {
      // Numbers of sections are those of one stream: they say nothing about the guest.
      return this.kids.length
        ? (this.kids.some((kid) => !kid.isFrame && kid.difference) ? "differs" : "")
        : old && now && !same(old, now) ? "differs" : "";
    }
    if (old && now) return same(old, now) ? "" : "differs";
    if ((left.v || "") !== (right.v || "")) return "differs";
    return this.kids.some((kid) => kid.difference) ? "differs" : "";
  }
  get isFrame() { return this.node.t === "header" || this.node.t === "footer"; }
  get visible() { return !only || this.difference !== ""; }
}
function inside(node) {
  if (node.k && node.k.length) return node.k;
  const size = node.m ? node.s / node.m : 0;
  if (!(node.m > 1) || node.o === undefined || node.o === null) return [];
  return Array.from({ length: node.m }, (_, at) =>
    ({ n: `[${at}]`, t: node.t, o: node.o + at * size, s: size, one: node.e }));
}
function merged(above, [left, right = []]) {
  const items = [], named = new Map(), level = above ? above.level + 1 : 1;
  const keys = (nodes) => {
    const seen = new Map();
    return nodes.map((node) => {
      const name = node.n === undefined ? node.title : node.n;
      const times = seen.get(name) || 0;
      seen.set(name, times + 1);
      return [name, `${times} ${name}`, node];
    });
  };
  for (const [name, key, node] of keys(left)) {
    const item = new Item(name, above, [node, null], level, items.length);
    named.set(key, item);
    items.push(item);
  }
  for (const [name, key, node] of keys(right)) {
    const item = named.get(key);
    if (item) item.sides[1] = node;
    else items.push(new Item(name, above, [null, node], level, items.length));
  }
  return items;
}
let only = false;
const roots = merged(null, data.streams.map((stream) => stream.parts));

function valueOf(item, which) {
  const side = item.sides[which];
  if (!side) return "absent";
  if (side.one) {
    const part = item.part.sides[which], bytes = slice(part, side.o, side.s);
    return bytes ? element(bytes, side.one) : "not in the page";
  }
  return side.v || "";
}

// Places as Python counts them: a number of a part, then numbers of nodes.
function itemAt(address, which) {
  if (!address.length) return null;
  const [number, ...rest] = address;
  let item = roots.find((root) => root.sides[which] === data.streams[which].parts[number]);
  for (const step of rest) {
    const node = item && item.sides[which].k[step];
    item = item && item.kids.find((kid) => kid.sides[which] === node);
  }
  return item || null;
}

// --- a list of which only the rows in sight are there ----------------------------------------

class Rows {
  constructor(box, height, draw) {
    this.box = box;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.spacer = make("div", { class: "spacer", role: "presentation" });
    box.append(this.spacer);
    box.addEventListener("scroll", () => this.show(), { passive: true });
    new ResizeObserver(() => this.show()).observe(box);
  }
  set(count) {
    this.count = count;
    this.spacer.style.height = `${count * this.height}px`;
    this.show();
  }
  show() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - 8);
    const last = Math.min(this.count,
      Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.height) + 8);
    const rows = [];
    for (let at = first; at < last; at++) {
      const row = this.draw(at);
      row.classList.add("row");
      row.style.height = row.style.lineHeight = `${this.height}px`;
      row.style.transform = `translateY(${at * this.height}px)`;
      rows.push(row);
    }
    this.spacer.replaceChildren(...rows);
  }
  reveal(at) {
    const top = at * this.height, bottom = top + this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (bottom > this.box.scrollTop + this.box.clientHeight) {
      this.box.scrollTop = Math.max(0, top - this.box.clientHeight / 3);
    }
    this.show();
  }
}

// --- tabs ---------------------------------------------------------------------------------------

const tabs = [];
function tab(name, panel) {
  const number = tabs.length;
  const button = make("button", { type: "button", role: "tab", id: `tab${number}`,
    "aria-controls": `panel${number}`, on: { click: () => showTab(number) } }, name);
  panel.id = `panel${number}`;
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", `tab${number}`);
  tabs.push({ button, panel });
  byId("tabs").append(button);
  byId("panels").append(panel);
  return number;
}
function showTab(number, focus) {
  tabs.forEach(({ button, panel }, at) => {
    button.setAttribute("aria-selected", String(at === number));
    button.tabIndex = at === number ? 0 : -1;
    panel.hidden = at !== number;
  });
  if (focus) tabs[number].button.focus();
  treeRows.show();
}
byId("tabs").addEventListener("keydown", (event) => {
  const now = tabs.findIndex(({ button }) => button === document.activeElement);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (now < 0 || !step) return;
  event.preventDefault();
  showTab((now + step + tabs.length) % tabs.length, true);
});

// --- the tree on the screen --------------------------------------------------------------------

const treeBox = make("div", { class: "rows", role: "tree", tabindex: "0",
  "aria-label": two ? "Sections and fields of both streams" : "Sections and fields" });
const treePanel = make("div", { class: "tight" });
if (two) {
  const box = make("input", { type: "checkbox", id: "only", on: { change: () => {
    only = box.checked;
    refresh();
  } } });
  treePanel.append(make("div", { class: "only" }, box, " ",
    make("label", { for: "only" }, "Only what differs")));
}
treePanel.append(treeBox);
let shown = [];
let selected = null;
const treeRows = new Rows(treeBox, TREE_ROW, drawNode);

function refresh() {
  shown = [];
  const add = (items) => {
    for (const item of items) {
      if (!item.visible) continue;
      shown.push(item);
      if (item.open && item.hasKids) add(item.kids);
    }
  };
  add(roots);
  treeRows.set(shown.length);
}
const FLAGS = { refused: ["bad", "refused"], open: ["doubt", "not known"],
  differs: ["other", "differs"], one: ["other", "only in one"], cut: ["doubt", "note"] };
function flagOf(item) {
  return item.flag || item.difference || (item.level === 1 && item.node.note ? "cut" : null);
}
function drawNode(at) {
  const item = shown[at], node = item.node, flag = flagOf(item);
  const name = make("span", { class: "name" });
  name.style.paddingLeft = `${(item.level - 1) * 14}px`;
  name.append(make("span", { class: "twist", "aria-hidden": "true" },
    item.hasKids ? (item.open ? "▾" : "▸") : ""), item.name);
  if (flag && flag !== "cut") {
    name.append(make("span", { class: `flag ${FLAGS[flag][0]}` }, FLAGS[flag][1]));
  }
  const value = make("span", { class: "value" });
  if (item.level === 1) {
    const said = (node.facts || []).filter(([key]) => key === "version" || key === "read by");
    const words = said.map(([key, text]) => (key === "version" ? `version ${text}` : text));
    value.append(make("span", { class: "faint" }, node.kind === "section" ? words.join(", ") : node.note || ""));
  } else if (two && item.difference) {
    const [old, now] = [valueOf(item, 0), valueOf(item, 1)];
    if (old === now) value.append(old);
    else value.append(make("span", { class: "old" }, old), " → ", make("span", { class: "new" }, now));
  } else {
    value.append(valueOf(item, item.sides[0] ? 0 : 1));
  }
  const row = make("div", { class: item.level === 1 ? "node part" : "node", role: "treeitem",
    id: `node${at}`, "aria-level": item.level, "aria-selected": String(item === selected),
    "aria-setsize": (item.above ? item.above.kids : roots).length,
    "aria-posinset": item.number + 1,
    "aria-expanded": item.hasKids ? String(item.open) : null },
    name, value,
    make("span", { class: "type" }, node.y || node.t || ""),
    make("span", { class: "offset" }, offsetText(node.o)),
    make("span", { class: "size" }, node.s ? String(node.s) : ""));
  row.title = item.path;
  row.addEventListener("click", (event) => {
    treeBox.focus();
    if (event.target.classList.contains("twist")) toggle(item);
    else if (item === selected && item.hasKids) toggle(item);
    else select(item);
  });
  return row;
}
function toggle(item, open = !item.open) {
  if (!item.hasKids) return;
  item.open = open;
  refresh();
}
function select(item, { bytes = true, at = null } = {}) {
  selected = item;
  for (let above = item.above; above; above = above.above) above.open = true;
  if (only && !item.visible) {
    only = false;
    byId("only").checked = false;
  }
  refresh();
  const row = shown.indexOf(item);
  treeRows.reveal(row);
  treeBox.setAttribute("aria-activedescendant", `node${row}`);
  panes.forEach((pane, which) => {
    const side = item.sides[which];
    pane.mark(side && side.o !== undefined && side.o !== null ? side.o : null,
      side ? side.s : 0, bytes);
  });
  describe(item, at);
}
treeBox.addEventListener("keydown", (event) => {
  const at = Math.max(0, shown.indexOf(selected)), item = shown[at];
  const page = Math.max(1, Math.floor(treeBox.clientHeight / TREE_ROW) - 1);
  const go = (to) => select(shown[Math.min(shown.length - 1, Math.max(0, to))]);
  const keys = {
    ArrowDown: () => go(selected ? at + 1 : 0), ArrowUp: () => go(at - 1),
    PageDown: () => go(at + page), PageUp: () => go(at - page),
    Home: () => go(0), End: () => go(shown.length - 1),
    ArrowRight: () => (item.open ? item.hasKids && go(at + 1) : toggle(item, true)),
    ArrowLeft: () => (item.open ? toggle(item, false) : item.above && select(item.above)),
    Enter: () => toggle(item), " ": () => toggle(item),
    "*": () => { (item.above ? item.above.kids : roots).forEach((one) => { one.open = one.hasKids; }); refresh(); },
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey || !shown.length) return;
  event.preventDefault();
  keys[event.key]();
});

// --- what is said of a field ---------------------------------------------------------------------

function describe(item, at) {
  const node = item.node, rows = [["field", item.path]];
  if (node.p) rows.push(["in C", `${node.y ? node.y + " " : ""}${node.p}`]);
  if (node.w) rows.push(["declared", node.w]);
  if (node.t) rows.push(["on the wire", node.t]);
  data.streams.forEach((stream, which) => {
    const side = item.sides[which], name = two ? ` in ${which ? "the new" : "the old"}` : "";
    if (!side) {
      rows.push([`value${name}`, "absent"]);
      return;
    }
    if (side.facts) rows.push(...side.facts.map(([key, value]) => [key + name, value]));
    const value = valueOf(item, which);
    if (value) rows.push([`value${name}`, value]);
    if (side.o !== undefined && side.o !== null) {
      rows.push([`bytes${name}`, `${side.s} at ${offsetText(side.o)}`]);
      const bytes = item.part.sides[which] && slice(item.part.sides[which], side.o, side.s);
      if (bytes && bytes.length <= 64) {
        rows.push([`in hex${name}`, Array.from(bytes, (byte) => hex(byte, 2)).join(" ")]);
      }
    }
    if (side.note) rows.push([`note${name}`, side.note]);
  });
  if (at !== null) rows.push(["byte", offsetText(at)]);
  for (const [kind, list] of [["refused", refusals], ["not known", doubts]]) {
    for (const one of list) if (one.item === item) rows.push([kind, `${one.message} [${one.rule}]`]);
  }
  const list = make("dl", {});
  for (const [name, value] of rows) list.append(make("dt", {}, name), make("dd", {}, value));
  byId("details").replaceChildren(list);
}

// --- bytes on the screen --------------------------------------------------------------------------

class Pane {
  constructor(which) {
    this.which = which;
    this.stream = data.streams[which];
    this.start = this.size = 0;
    this.cursor = null;
    this.leaves = new Map();
    const name = two ? `Bytes of the ${which ? "new" : "old"} stream` : "Bytes";
    this.box = make("div", { class: "rows", role: "application", tabindex: "0",
      "aria-label": `${name}: arrow keys go from byte to byte, Enter to the field`,
      "aria-roledescription": "hex view" });
    this.said = make("p", { class: "said faint", role: "status" });
    const around = make("div", {});
    if (two) around.append(make("h2", {}, `${which ? "new" : "old"}: ${this.stream.name}`));
    around.append(this.box, this.said);
    byId("bytes").append(around);
    this.rows = new Rows(this.box, HEX_ROW, (at) => this.drawRow(at));
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("click", (event) => {
      const at = event.target.dataset.at;
      if (at !== undefined) this.go(Number(at), true);
    });
    this.lay();
  }
  lay() {
    this.width = narrow.matches || two ? 8 : 16;
    this.places = [];           // the first row of each part
    let row = 0;
    for (const part of this.stream.parts) {
      this.places.push(row);
      row += 1 + Math.ceil(bytesOf(part).length / this.width);
    }
    this.rows.set(row);
  }
  partAt(row) {
    let low = 0, high = this.places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.places[middle] <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  partOf(offset) {
    return this.stream.parts.findIndex((part) => part.o <= offset && offset < part.o + part.s);
  }
  // For each byte of a part the leaf that has it: made when the part comes into sight.
  leavesOf(number) {
    if (!this.leaves.has(number)) {
      const part = this.stream.parts[number], size = bytesOf(part).length;
      const index = new Int32Array(size).fill(-1), items = [];
      const walk = (item) => {
        const side = item.sides[this.which];
        if (!side) return;
        if (item.level > 1 && side.o !== undefined && side.o !== null) {
          // A field inside paints over the object around it.
          index.fill(items.length, Math.max(0, side.o - part.o), Math.min(size, side.o + side.s - part.o));
          items.push(item);
        }
        if (!side.m) item.kids.forEach(walk);
      };
      const root = roots.find((one) => one.sides[this.which] === part);
      if (root) walk(root);
      this.leaves.set(number, { index, items });
    }
    return this.leaves.get(number);
  }
  classOf(number, offset) {
    const part = this.stream.parts[number], { index, items } = this.leavesOf(number);
    const leaf = index[offset - part.o], found = [];
    const item = leaf < 0 ? null : items[leaf];
    if (!item) found.push("");
    else if (item.isFrame || (item.above && item.above.isFrame)) found.push("frame");
    else found.push(`c${leaf % 6}`);
    if (two && item && !found.includes("frame") && this.differs(item, offset)) found.push("differs");
    if (item && item.flag === "refused") found.push("guilty");
    if (offset >= this.start && offset < this.start + this.size) found.push("sel");
    if (offset === this.cursor) found.push("cursor");
    return found.join(" ").trim();
  }
  differs(item, offset) {
    const mine = item.sides[this.which], other = item.sides[1 - this.which];
    if (!other || other.s !== mine.s) return true;
    const theirs = slice(item.part.sides[1 - this.which], other.o + offset - mine.o, 1);
    const ours = slice(item.part.sides[this.which], offset, 1);
    return Boolean(theirs && ours && theirs[0] !== ours[0]);
  }
  drawRow(row) {
    const number = this.partAt(row), part = this.stream.parts[number];
    if (row === this.places[number]) {
      const text = `${part.title}  ${part.s} bytes${part.note ? ", " + part.note : ""}`;
      const title = make("div", { class: "hex title" }, text);
      title.addEventListener("click", () => {
        select(roots.find((one) => one.sides[this.which] === part));
      });
      return title;
    }
    const bytes = bytesOf(part), first = (row - this.places[number] - 1) * this.width;
    const line = make("div", { class: "hex" },
      make("span", { class: "at" }, hex(part.o + first, 8)));
    const text = make("span", { class: "text" });
    for (let at = first; at < Math.min(first + this.width, bytes.length); at++) {
      const offset = part.o + at, kind = this.classOf(number, offset), byte = bytes[at];
      line.append(make("b", { class: kind, "data-at": offset }, hex(byte, 2)));
      text.append(make("i", { class: kind, "data-at": offset },
        byte > 31 && byte < 127 ? String.fromCharCode(byte) : "."));
    }
    for (let at = bytes.length; at < first + this.width; at++) line.append(make("b", {}, " "));
    line.append(text);
    return line;
  }
  rowOf(offset) {
    const number = this.partOf(offset);
    if (number < 0) return -1;
    const at = offset - this.stream.parts[number].o;
    return at < bytesOf(this.stream.parts[number]).length
      ? this.places[number] + 1 + Math.floor(at / this.width) : this.places[number];
  }
  mark(start, size, scroll) {
    this.start = start === null ? -1 : start;
    this.size = start === null ? 0 : size;
    if (start !== null && scroll) {
      this.cursor = start;
      this.rows.reveal(Math.max(0, this.rowOf(start)));
    }
    this.rows.show();
  }
  // To a byte, and to the field that it is of.
  go(offset, leads) {
    const number = this.partOf(offset);
    if (number < 0) return;
    this.cursor = offset;
    const part = this.stream.parts[number], { index, items } = this.leavesOf(number);
    const leaf = offset - part.o < index.length ? index[offset - part.o] : -1;
    let item = leaf < 0 ? roots.find((one) => one.sides[this.which] === part) : items[leaf];
    const side = item.sides[this.which];
    if (side.m > 1) item = item.kids[Math.floor((offset - side.o) / (side.s / side.m))] || item;
    const bytes = slice(part, offset, 1);
    this.said.textContent =
      `${offsetText(offset)}${bytes ? ": 0x" + hex(bytes[0], 2) : ""}, ${item.path}`;
    if (leads) select(item, { bytes: false, at: offset });
    this.rows.reveal(Math.max(0, this.rowOf(offset)));
  }
  key(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.width, ArrowUp: -this.width,
      PageDown: 16 * this.width, PageUp: -16 * this.width };
    const ends = { Home: 0, End: this.stream.parts.reduce((end, part) => part.o + part.s - 1, 0) };
    let to = null;
    if (event.key in steps) to = (this.cursor === null ? -steps[event.key] : this.cursor) + steps[event.key];
    else if (event.key in ends) to = ends[event.key];
    else if (event.key === "Enter" && this.cursor !== null) to = this.cursor;
    if (to === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.go(Math.max(0, this.skip(to)), event.key === "Enter");
  }
  // Over parts whose bytes the page does not have.
  skip(offset) {
    const forward = this.cursor === null || offset >= this.cursor;
    let number = this.partOf(offset);
    if (number < 0) return this.cursor || 0;
    let part = this.stream.parts[number];
    while (part && offset - part.o >= bytesOf(part).length) {
      part = this.stream.parts[(number += forward ? 1 : -1)];
      if (part) offset = forward ? part.o : part.o + Math.max(0, bytesOf(part).length - 1);
    }
    return part ? offset : this.cursor || 0;
  }
}
const panes = data.streams.map((_, which) => new Pane(which));
narrow.addEventListener("change", () => panes.forEach((pane) => pane.lay()));
document.body.classList.toggle("two", two);

// --- registers, memory, differences, the verdict ----------------------------------------------------

function registersPanel() {
  const panel = make("div", {});
  data.streams.forEach((stream, which) => {
    const other = two ? data.streams[1 - which].registers : [];
    if (two) panel.append(make("h2", {}, `${which ? "new" : "old"}: ${stream.name}`));
    for (const cpu of stream.registers) {
      panel.append(make("h2", {}, cpu.path));
      const twin = other.find((one) => one.path === cpu.path);
      const known = new Map((twin ? twin.groups : []).flatMap((group) => group.registers)
        .map(([name, digits]) => [name, digits]));
      for (const group of cpu.groups) {
        const list = make("ul", { class: "registers" });
        for (const [name, digits, bits] of group.registers) {
          const changed = twin && known.get(name) !== digits;
          list.append(make("li", { title: `${name}, ${bits} bits` },
            make("span", { class: "name" }, name),
            make("span", { class: changed ? (which ? "new" : "old") : "" }, digits),
            changed ? make("span", { class: "faint" }, " differs") : ""));
        }
        panel.append(make("h3", { class: "faint" }, group.feature), list);
      }
    }
  });
  return panel;
}
function memoryPanel() {
  const panel = make("div", {});
  for (const stream of data.streams) {
    if (two) panel.append(make("h2", {}, stream.name));
    const table = make("table", {}, make("thead", {}, make("tr", {},
      ...["block", "length", "pages"].map((name) => make("th", { scope: "col" }, name)))));
    const body = make("tbody", {});
    for (const row of stream.blocks) {
      body.append(make("tr", {}, ...row.map((cell, at) =>
        make(at ? "td" : "th", at ? { class: "mono" } : { scope: "row" }, cell))));
    }
    table.append(body);
    panel.append(make("div", { class: "scroll" }, table));
  }
  return panel;
}
function changesPanel() {
  const panel = make("div", {});
  const list = make("table", {}, make("thead", {}, make("tr", {},
    ...["field", "old", "new"].map((name) => make("th", { scope: "col" }, name)))));
  const body = make("tbody", {});
  list.append(body);
  const more = make("button", { type: "button" }, "Show more");
  let at = 0;
  const add = () => {
    for (const one of data.changes.slice(at, at + CHUNK)) {
      const item = itemAt(one.at, 0);
      body.append(make("tr", {},
        make("td", {}, item ? link(one.path, () => select(item)) : one.path),
        make("td", { class: "mono old" }, one.old), make("td", { class: "mono new" }, one.new)));
    }
    at += CHUNK;
    more.hidden = at >= data.changes.length;
  };
  add();
  more.addEventListener("click", add);
  panel.append(data.changes.length ? make("div", { class: "scroll" }, list) : "No difference.", more);
  if (data.more) panel.append(make("p", {}, `${data.more} more: vmgen stream diff lists them.`));
  return panel;
}
function link(text, act) {
  return make("button", { type: "button", class: "link", on: { click: () => {
    showTab(0);
    act();
    treeBox.focus();
  } } }, text);
}
const last = data.streams.length - 1;
const placed = (list) => list.map((one) => ({ ...one, item: itemAt(one.at, last) }));
const refusals = placed(data.verdict ? data.verdict.refusals : []);
const doubts = placed(data.verdict ? data.verdict.open : []);
for (const [flag, list] of [["open", doubts], ["refused", refusals]]) {
  for (const { item } of list) for (let one = item; one; one = one.above) one.flag = flag;
}
function verdictPanel() {
  const verdict = data.verdict, panel = make("div", {});
  const whom = `QEMU ${verdict.release} for ${verdict.target}`;
  panel.append(make("p", {}, make("span", { class: verdict.outcome.replace(" ", "-") }, verdict.outcome),
    verdict.outcome === "not known" ? ` whether ${whom} takes it` : ` by ${whom}`,
    verdict.machine ? `, machine ${verdict.machine}` : ""));
  for (const [kind, list] of [["refused", refusals], ["not known", doubts]]) {
    for (const one of list) {
      const where = one.o === null ? one.where : `${one.where} at byte ${offsetText(one.o)}`;
      panel.append(make("div", { class: kind === "refused" ? "finding bad" : "finding" },
        one.item ? link(where, () => select(one.item)) : make("b", {}, where),
        make("p", {}, `${kind}: ${one.message} [${one.rule}]`),
        one.hint ? make("p", { class: "faint" }, one.hint) : ""));
    }
  }
  const names = verdict.unjudged;
  panel.append(make("p", { class: "faint" }, `${verdict.judged} sections judged` +
    (names.length ? `; not judged: ${names.join(", ")}` : "")));
  return panel;
}

// --- search ---------------------------------------------------------------------------------------------

let matches = [], sought = "", match = -1;
function find(text) {
  matches = [];
  const words = text.toLowerCase();
  const walk = (item) => {
    const node = item.node;
    const texts = [item.path, node.p, node.w, node.y, node.t, valueOf(item, 0), two ? valueOf(item, 1) : "",
      ...(node.facts || []).map(([, value]) => value)];
    if (texts.some((one) => one && one.toLowerCase().includes(words))) matches.push(item);
    if (!(node.m > 1)) item.kids.forEach(walk);
  };
  roots.forEach(walk);
}
function search(step) {
  const text = byId("query").value.trim();
  const said = byId("found");
  if (!text) {
    said.textContent = "";
    return;
  }
  if (text !== sought) {
    find(text);
    sought = text;
    match = step > 0 ? -1 : 0;
  }
  if (!matches.length && /^0x[0-9a-f]+$/i.test(text)) {
    panes[0].go(Number(text), true);
    said.textContent = panes[0].partOf(Number(text)) < 0 ? "no such byte" : "byte " + text;
    return;
  }
  if (!matches.length) {
    said.textContent = "nothing found";
    return;
  }
  match = (match + step + matches.length) % matches.length;
  said.textContent = `${match + 1} of ${matches.length}: ${matches[match].path}`;
  showTab(0);
  select(matches[match]);
}
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search(1);
});
byId("before").addEventListener("click", () => search(-1));
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    byId("query").focus();
  }
});

// --- begin ------------------------------------------------------------------------------------------------

// What both say is said once.
const everyone = (pair) => data.streams.every((stream) =>
  stream.facts.some((other) => other[0] === pair[0] && other[1] === pair[1]));
facts(byId("facts"), [
  ...data.streams[0].facts.filter(everyone),
  ...data.streams.flatMap((stream, which) => stream.facts.filter((pair) => !everyone(pair))
    .map(([name, value]) => [`${which ? "new" : "old"} ${name}`, value])),
]);
const failures = data.streams.filter((stream) => stream.failure);
if (failures.length) {
  byId("banner").textContent = failures.map((stream) =>
    `${stream.name} cannot be read to its end: ${stream.failure}`).join("; ");
  byId("banner").hidden = false;
}
tab("Fields", treePanel);
if (data.streams.some((stream) => stream.registers.length)) tab("Registers", registersPanel());
if (data.streams.some((stream) => stream.blocks.length)) tab("Memory", memoryPanel());
if (two && !failures.length) tab(`Differences (${data.changes.length + data.more})`, changesPanel());
const verdict = data.verdict ? tab(`Verdict: ${data.verdict.outcome}`, verdictPanel()) : 0;
showTab(0);
refresh();
const guilty = refusals.find((one) => one.item);
if (guilty) select(guilty.item);
else select(roots[0]);
if (verdict) showTab(verdict);
})();
