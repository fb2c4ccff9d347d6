/* The graph: a box for each component, a line for each connection. Each row holds what needs only rows below
   it; the drivers are at the bottom, and commands on top. */
let shape = "", shown = [];
const boxes = new Map();

function depths(now, all) {
  const below = new Map(now.components.map(c => [c.name, []]));
  for (const { from, to } of all) {
    if (from.includes("#")) below.set(from, below.get(from) || []);
    if (below.has(from) && below.has(to)) below.get(from).push(to);
  }
  const needs = new Map([...below.keys()].map(name => [name, []]));
  for (const n of now.needs) if (needs.has(n.from) && needs.has(n.to)) needs.get(n.from).push(n.to);
  for (const [name, to] of below) if (name.includes("#")) needs.set(name, to);
  const depth = new Map(), open = new Set();
  const find = name => {
    if (open.has(name)) return 0;
    if (!depth.has(name)) {
      open.add(name);
      depth.set(name, Math.max(0, ...needs.get(name).map(to => find(to) + 1)));
      open.delete(name);
    }
    return depth.get(name);
  };
  for (const name of needs.keys()) find(name);
  const top = Math.max(0, ...[...depth].filter(([name]) => !name.includes("#")).map(([, d]) => d));
  for (const name of depth.keys()) if (name.includes("#")) depth.set(name, top + 1);
  return depth;
}

function graph(now, was, passed, all) {
  const depth = depths(now, all), rows = [];
  for (const [name, d] of depth) (rows[d] ||= []).push(name);
  const names = new Set(depth.keys());
  for (const name of boxes.keys()) if (!names.has(name)) boxes.delete(name);
  for (const name of names) if (!boxes.has(name)) boxes.set(name, box(name));
  const next = rows.map(row => row.join(" ")).join("|");
  if (next !== shape) {
    shape = next;
    $("rows").replaceChildren(...rows.filter(Boolean).reverse().map(row => {
      const line = element("div", undefined, "row");
      line.append(...row.map(name => boxes.get(name)));
      return line;
    }));
  }
  const before = new Map(was ? was.components.map(c => [c.name, c]) : []);
  for (const c of now.components) fill(boxes.get(c.name), c, before.get(c.name), now, passed);
  shown = all;
  wires();
}

function box(name) {
  const command = name.includes("#");
  const e = element(command ? "div" : "a", undefined, command ? "box command" : "box");
  if (!command) e.href = "#/component/" + encodeURIComponent(name);
  e.dataset.name = name;
  e.append(element("h3", name));
  return e;
}

function fill(box, c, was, now, passed) {
  const flash = was && was.restarts !== c.restarts;
  box.className = `box ${c.isolation} ${c.state}${flash ? " flash" : ""}`;
  const title = element("h3", c.name);
  title.append(element("em", c.isolation));
  const list = element("dl");
  const add = (name, text, cls) => list.append(element("dt", name), element("dd", text, cls));
  add("State", ...state(c));
  if (c.state === "running") {
    add("Up for", span((now.uptime_ns - c.started_ns) / 1e9));
    add("Memory", `${bytes(c.memory)} of ${bytes(c.memory_max)}`);
    if (was && passed > 0 && was.restarts === c.restarts) {
      add("CPU", ((c.cpu_ns - was.cpu_ns) / 1e7 / passed).toFixed(1) + " %");
      add("Messages", often((c.messages - was.messages) / passed) + " a second");
    }
  }
  if (c.restarts) add("Restarts", c.restarts, "bad");
  box.replaceChildren(title, list);
}

function wires() {
  const svg = $("wires"), origin = $("map").getBoundingClientRect();
  const places = new Map([...boxes].map(([name, box]) => [name, box.getBoundingClientRect()]));
  const lines = [], labels = [];
  for (const { from, to, interfaces, sent, received } of shown) {
    const a = places.get(from), b = places.get(to), rate = sent + received;
    if (!a || !b || from === to || !a.width || !b.width) continue;
    const x1 = a.left + a.width / 2 - origin.left, y1 = a.bottom - origin.top;
    const x2 = b.left + b.width / 2 - origin.left, y2 = b.top - origin.top;
    const bend = Math.max(18, Math.abs(y2 - y1) / 2);
    const path = drawn(svg, "path", {
      d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`,
      "stroke-width": (1.5 + Math.log10(1 + rate) * .7).toFixed(2),
    });
    if (rate > 0) path.classList.add("busy");
    const title = drawn(svg, "title", {});
    title.textContent = `${from} to ${to}${interfaces.length ? ", " + interfaces.join(", ") : ""}: ${often(sent)} there and ${often(received)} back a second`;
    path.append(title);
    lines.push(path, drawn(svg, "circle", { cx: x2, cy: y2, r: 4 }));
    if (rate > 0) {
      const label = drawn(svg, "text", { x: (x1 + 3 * x2) / 4, y: y2 - 11 });
      label.textContent = often(rate) + "/s";
      labels.push(label);
    }
  }
  svg.replaceChildren(...lines, ...labels);
}
