// The log's last lines, as long as somebody has them open.
"use strict";

const LOG_POLL_MS = 2000;
const MOST_LOG_LINES = 400;
let logNumber = 0; // of the last line shown

async function loadLog() {
  let lines;
  try {
    lines = (await askJson(`/api/log?after=${logNumber}`)).lines;
    // Of a process that was started anew, lines are counted from 1 again.
    if (!lines.length && logNumber && last && last.uptime_s < 10) logNumber = 0;
  } catch (error) {
    return complain(error);
  }
  if (!lines.length) return undefined;
  const list = $("log");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
  logNumber = lines.at(-1).number;
  list.append(...lines.map(lineOf));
  while (list.children.length > MOST_LOG_LINES) list.firstChild.remove();
  filterLog();
  if (atEnd) list.scrollTop = list.scrollHeight;
  return undefined;
}

function lineOf(line) {
  const level = ["error", "critical", "exception"].includes(line.level) ? "error" : line.level;
  const item = element("li", undefined, level);
  const at = new Date(1000 * line.at);
  const time = element("time", at.toLocaleTimeString("en-GB"));
  time.dateTime = at.toISOString();
  time.title = at.toLocaleString();
  const loud = level === "warning" || level === "error";
  item.append(time, `${loud ? `${level}: ` : ""}${line.words}`);
  item.dataset.loud = loud;
  return item;
}

function filterLog() {
  const only = $("log-warnings").checked;
  for (const item of $("log").children) item.hidden = only && item.dataset.loud !== "true";
}

$("log-warnings").addEventListener("change", filterLog);
$("log-panel").addEventListener("toggle", () => $("log-panel").open && loadLog());
setInterval(() => !document.hidden && $("log-panel").open && loadLog(), LOG_POLL_MS);
