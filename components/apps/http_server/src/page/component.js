/* The page of one component. */
function one(name, now, was, passed, all) {
  const c = now.components.find(c => c.name === name);
  $("one-name").textContent = name;
  document.title = `${name} · FTL`;
  if (!c) {
    $("one-state").textContent = "There is no such component.";
    $("one-state").className = "bad";
    return;
  }
  const isolation = $("one-isolation");
  isolation.textContent = c.isolation === "kernel" ? "in the kernel's address space" : "in its own address space";
  isolation.parentElement.className = "title " + c.isolation;
  [$("one-state").textContent, $("one-state").className] = state(c);
  const runs = c.state === "running", old = was && was.components.find(w => w.name === name);
  for (const [id, key, unit] of [["one-cpu", "cpu ", "% of a CPU"], ["one-messages", "messages ", "a second"]]) {
    const seen = sampled(key + name);
    if (runs && seen.length) value(id, key === "cpu " ? seen.at(-1).toFixed(1) : often(seen.at(-1)), unit);
    else $(id).textContent = "–";
    curve(id + "-line", seen);
  }
  value("one-memory", runs ? bytes(c.memory) : "–", "of " + bytes(c.memory_max));
  $("one-memory-bar").style.width = (runs ? 100 * c.memory / c.memory_max : 0) + "%";
  $("one-uptime").textContent = runs ? span((now.uptime_ns - c.started_ns) / 1e9) : "–";
  $("one-restarts").textContent = (c.restarts === 1 ? "restarted once" : c.restarts ? `restarted ${c.restarts} times` : "never restarted")
    + (runs || c.state === "waiting" ? "" : `, ended with ${c.status}`);
  $("one-handles").textContent = runs ? c.handles : "–";
  $("one-threads").textContent = runs ? `${c.threads} thread${c.threads === 1 ? "" : "s"}` : "";
  const mine = all.filter(link => link.from === name || link.to === name);
  $("one-connections").replaceChildren(...mine.map(link => {
    const out = link.from === name, peer = out ? link.to : link.from, row = element("tr"), cell = element("td");
    const known = now.components.some(c => c.name === peer);
    const text = element(known ? "a" : "span", peer);
    if (known) text.href = "#/component/" + encodeURIComponent(peer);
    cell.append(text);
    row.append(cell, element("td", link.interfaces.length ? link.interfaces.join(", ") + (out ? "" : " (needed there)") : "–"));
    for (const text of [often(out ? link.sent : link.received) + "/s", often(out ? link.received : link.sent) + "/s", link.channels, link.queued])
      row.append(element("td", text, "number"));
    return row;
  }));
  if (!mine.length) $("one-connections").append(element("tr")).append(element("td", "none"));
}

function remember(now, was, passed) {
  if (!was || passed <= 0) return;
  const before = new Map(was.components.map(c => [c.name, c]));
  for (const c of now.components) {
    const old = before.get(c.name), same = old && old.restarts === c.restarts && c.state === "running";
    sample("cpu " + c.name, same ? (c.cpu_ns - old.cpu_ns) / 1e7 / passed : 0);
    sample("messages " + c.name, same ? (c.messages - old.messages) / passed : 0);
  }
}
