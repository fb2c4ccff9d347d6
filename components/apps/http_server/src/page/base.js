"use strict";
const $ = id => document.getElementById(id);
const SAMPLES = 60;

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let i = 0;
  while (n >= 1024 && i < 3) { n /= 1024; i++ }
  return (n >= 100 || i === 0 ? Math.round(n) : n.toFixed(1)) + " " + units[i];
}
function count(n) {
  return n >= 1e6 ? (n / 1e6).toFixed(1) + " M" : n >= 1e4 ? (n / 1e3).toFixed(1) + " k" : Math.round(n).toLocaleString("en");
}
/* A number of things a second: what happens seldom is not nothing. */
function often(n) {
  return n > 0 && n < 9.5 ? n.toFixed(1) : count(n);
}
function span(seconds) {
  const s = Math.floor(seconds), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${s % 60} s` : `${s} s`;
}
function element(tag, text, cls) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
}
function drawn(svg, tag, attributes) {
  const e = document.createElementNS(svg.namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}
function value(id, text, unit) {
  $(id).replaceChildren(text, " ", element("small", unit || ""));
}
function curve(id, samples) {
  const top = Math.max(1, ...samples), from = SAMPLES - samples.length;
  const points = samples.map((v, i) => `${from + i} ${(28 - 25 * v / top).toFixed(2)}`);
  $(id).setAttribute("d", points.length ? `M${from} 31L${points.join("L")}L${SAMPLES - 1} 31Z` : "");
}

/* The last samples of anything, by name. */
const samples = new Map();
function sample(name, v) {
  if (!samples.has(name)) samples.set(name, []);
  const all = samples.get(name);
  all.push(v);
  if (all.length > SAMPLES) all.shift();
}
function sampled(name) {
  return samples.get(name) || [];
}

/* What a component does, in a few words, and the class of that. */
function state(c) {
  if (c.state !== "running") return [c.state, c.state === "ended" ? "" : "bad"];
  const doing = { running: "running", waiting: "waits for events", calling: `waits for ${c.calls}` };
  return [doing[c.activity] || "running", "good"];
}

/* Everything that has to do with each other: what one needs of the other, and what they say. */
function links(now, was, passed) {
  const all = new Map();
  const link = (from, to) => {
    const key = from + " " + to;
    if (!all.has(key)) all.set(key, { from, to, interfaces: [], sent: 0, received: 0, channels: 0, queued: 0 });
    return all.get(key);
  };
  for (const n of now.needs) if (n.to) link(n.from, n.to).interfaces.push(n.interface);
  const before = new Map(was ? was.connections.map(c => [c.component + " " + c.peer, c]) : []);
  for (const c of now.connections) {
    const found = link(c.component, c.peer), old = before.get(c.component + " " + c.peer);
    found.channels = c.channels;
    found.queued = c.queued;
    if (old && passed > 0) {
      found.sent = Math.max(0, c.sent - old.sent) / passed;
      found.received = Math.max(0, c.received - old.received) / passed;
    }
  }
  return [...all.values()];
}
