/* The log: a line is `[seconds.micros] NAME: TEXT`, with `ERROR` or `WARN` before the text if it is one. */
const KEPT = 2000;
let position = 0, unfinished = "", lines = [];

function parsed(line) {
  const found = /^\[\s*(\d+\.\d+)\] ([^:]+): (?:(ERROR|WARN) )?(.*)$/.exec(line);
  if (!found) return { text: line, level: lines.length ? lines.at(-1).level : 3, name: lines.length ? lines.at(-1).name : "", about: lines.length ? lines.at(-1).about : [] };
  const [, time, name, level, text] = found;
  return { time, name, text, level: level === "ERROR" ? 1 : level === "WARN" ? 2 : 3, about: name === "init" ? text.split(/\W+/) : [] };
}

function wanted(line) {
  const name = route() || $("log-name").value;
  return line.level <= Number($("log-level").value) && (!name || line.name === name || line.about.includes(name));
}

function printed(line) {
  const e = element("div", undefined, line.level === 1 ? "error" : line.level === 2 ? "warn" : "");
  if (line.time) e.append(element("time", line.time), " ", element("b", line.name), " ");
  e.append(line.text);
  return e;
}

/* Shows all that is wanted, or only what has come. */
function printLog(fresh) {
  const box = $("log"), part = (fresh || lines).filter(wanted).map(printed);
  if (fresh) box.append(...part); else box.replaceChildren(...part);
  while (box.childElementCount > KEPT) box.firstElementChild.remove();
  if ($("log-follow").checked) box.scrollTop = box.scrollHeight;
}

async function readLog() {
  const fresh = [];
  for (let part = 0; part < 32; part++) {
    const answer = await fetch("/log.json?from=" + position, { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (!answer.ok) break;
    const { next, text } = await answer.json();
    position = next;
    const whole = (unfinished + text).split("\n");
    unfinished = whole.pop();
    for (const line of whole) { const p = parsed(line); lines.push(p); fresh.push(p) }
    if (!text) break;
  }
  lines = lines.slice(-KEPT);
  const names = [...new Set(lines.map(line => line.name).filter(Boolean))].sort(), choice = $("log-name");
  if (names.length + 1 !== choice.options.length) {
    const chosen = choice.value;
    choice.replaceChildren(new Option("all components", ""), ...names.map(name => new Option(name)));
    choice.value = names.includes(chosen) ? chosen : "";
  }
  if (fresh.length) printLog(fresh);
}
