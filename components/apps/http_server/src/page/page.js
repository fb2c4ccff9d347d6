/* Looks once a second, and draws what has come: all components, or the one that the address names. */
let last = null;

function route() {
  const found = /^#\/component\/(.+)$/.exec(location.hash);
  return found ? decodeURIComponent(found[1]) : "";
}

function draw(now, was, passed) {
  const rate = key => passed > 0 ? Math.max(0, now[key] - was[key]) / passed : 0;
  value("uptime", span(now.uptime_ns / 1e9));
  $("machine").textContent = `${now.cpus} CPU${now.cpus > 1 ? "s" : ""}, ${now.processes} processes`;
  if (passed > 0) {
    const busy = Math.min(1, Math.max(0, 1 - (now.idle_ns - was.idle_ns) / 1e9 / passed / now.cpus));
    value("cpu", (busy * 100).toFixed(busy < .1 ? 1 : 0) + " %");
    $("cpu-bar").style.width = busy * 100 + "%";
    for (const key of ["messages", "calls"]) {
      value(key, count(rate(key)), "a second");
      curve(key + "-line", sampled(key));
    }
  }
  const used = now.memory_total - now.memory_free;
  value("memory", bytes(used), "of " + bytes(now.memory_total));
  $("memory-bar").style.width = 100 * used / now.memory_total + "%";
  const n = now.network, before = was && was.network;
  const flow = before && passed > 0 ? Math.max(0, n.bytes_received + n.bytes_sent - before.bytes_received - before.bytes_sent) / passed : 0;
  value("network", bytes(flow), "a second");
  $("address").textContent = `${n.address}, ${n.sockets} connection${n.sockets === 1 ? "" : "s"} open`;
}

function show(now, was) {
  const passed = was ? (now.uptime_ns - was.uptime_ns) / 1e9 : 0, name = route(), all = links(now, was, passed);
  $("system").hidden = name !== "";
  $("one").hidden = name === "";
  $("log-name").hidden = name !== "";
  if (name) one(name, now, was, passed, all);
  else {
    document.title = "FTL";
    draw(now, was, passed);
    graph(now, was, passed, all);
  }
}

async function poll() {
  const live = $("live");
  try {
    const answer = await fetch("/system.json", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (!answer.ok) throw new Error(answer.status);
    const now = await answer.json();
    // After a restart of the machine nothing can be compared, and the log begins anew.
    if (last && now.uptime_ns < last[0].uptime_ns) {
      last = null;
      position = 0;
      unfinished = "";
    }
    const was = last && last[0], passed = was ? (now.uptime_ns - was.uptime_ns) / 1e9 : 0;
    // The server shows a picture to all who ask within a moment: then there is nothing new.
    if (!was || passed > 0) {
      if (was) for (const key of ["messages", "calls"]) sample(key, (now[key] - was[key]) / passed);
      remember(now, was, passed);
      last = [now, was];
      show(now, was);
    }
    await readLog();
    live.className = "";
    live.lastElementChild.textContent = "live";
  } catch (error) {
    console.warn(error);
    live.className = "lost";
    live.lastElementChild.textContent = "no answer, trying again";
  }
  setTimeout(poll, document.hidden ? 5000 : 1000);
}

addEventListener("resize", wires);
addEventListener("hashchange", () => {
  if (last) show(...last);
  printLog();
  scrollTo(0, 0);
});
for (const id of ["log-level", "log-name"]) $(id).addEventListener("change", () => printLog());
poll();
