// The avatar's page: sessions, what is to be said and done.
"use strict";

const LOOK_MS = 3000;
let current = null; // the session shown
let anew = true; // whether to begin with it anew
let held = false;

const apiOf = (what) => `/api/sessions/${current.id}/${what}`;

async function refreshSessions() {
  let found;
  try {
    found = await askJson("/api/sessions");
  } catch (error) {
    $("lamp").dataset.state = "off";
    setText("lamp", error.status === 401 ? "token?" : "not there");
    return;
  }
  const wanted = new URLSearchParams(location.search).get("session") || (current && current.id) || "";
  const usual = found.sessions.find((one) => one.avatar) || found.sessions[0];
  const next = found.sessions.find((one) => one.id === wanted) || usual;
  if (wanted && next.id !== wanted) {
    say(`The session ${wanted} has ended.`, true);
    chosen("");
  }
  options($("session"), found.sessions.map((one) => [nameOf(one), one.id]));
  if ($("session").value !== next.id) $("session").value = next.id;
  $("session-new").hidden = !found.most || !found.avatars.length;
  options($("session-avatar"), found.avatars.map((name) => [name, name]));
  show(next);
}

// What is chosen stays so, where it does not have to change.
function options(select, list) {
  const names = JSON.stringify(list);
  if (select.dataset.names === names) return;
  select.dataset.names = names;
  const { value } = select;
  select.replaceChildren(...list.map(([name, id]) => new Option(name, id)));
  if (list.some(([, id]) => id === value)) select.value = value;
}

const nameOf = (one) => [one.id, one.label || (one.avatar && one.avatar.name)].filter(Boolean).join(": ");

function show(session) {
  const before = current;
  current = session;
  $("lamp").dataset.state = session.state === "live" ? "live" : "placeholder";
  setText("lamp", session.state === "live" ? "live" : session.reason || session.state);
  $("session-end").hidden = session.id === "main";
  const { avatar } = session;
  for (const id of ["text", "say", "replace", "hold"]) $(id).disabled = !avatar;
  setText("facts", avatar ? `${avatar.name}, ${avatar.size} at ${trim(avatar.fps)} fps. Voice: ${avatar.voice || "none"}. `
    + `${session.clients} watching.` : "This session plays no avatar: its source is to be avatar://NAME.");
  $("stream").hidden = !session.rtsp;
  if (session.rtsp) Object.assign($("stream"), { href: session.rtsp, textContent: session.rtsp });
  const actions = avatar ? avatar.actions : [];
  if ($("actions").dataset.names !== String(actions)) {
    $("actions").dataset.names = String(actions);
    $("actions").replaceChildren(...actions.map((name) => buttonOf(name, () => play(name))));
    if (!actions.length) $("actions").append(element("p", "It has none.", "hint"));
  }
  if (anew || before.id !== session.id || !before.avatar !== !avatar) {
    anew = false;
    takeTurns([]);
    setText("said", "");
    watch(session);
    follow(session);
  }
}

// The address says which session is shown, for a bookmark or a second window.
function chosen(id) {
  const address = new URL(location.href);
  if (id) address.searchParams.set("session", id);
  else address.searchParams.delete("session");
  history.replaceState(null, "", address);
}

function choose(id) {
  chosen(id);
  return refreshSessions();
}

async function speak(event) {
  event.preventDefault();
  const text = $("text").value;
  const interrupt = $("replace").checked ? "replace" : "queue";
  fault($("text"), "");
  try {
    await askWith("POST", apiOf("speak"), { text, interrupt });
    $("text").value = "";
  } catch (error) {
    if (error.status === 422) fault($("text"), error.message);
    else complain(error);
  }
  $("text").focus();
}

async function play(action) {
  try {
    await askWith("POST", apiOf("play"), { action });
  } catch (error) {
    complain(error);
  }
}

async function interrupt() {
  try {
    await ask(apiOf("interrupt"), { method: "POST" });
  } catch (error) {
    complain(error);
  }
}

function hold(down) {
  if (held === down) return;
  held = down;
  $("hold").setAttribute("aria-pressed", down);
  if (down) interrupt();
}

$("say-form").addEventListener("submit", speak);
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say-form").requestSubmit();
});
$("hold").addEventListener("pointerdown", (event) => {
  $("hold").setPointerCapture(event.pointerId);
  hold(true);
});
for (const kind of ["pointerup", "pointercancel", "blur"]) $("hold").addEventListener(kind, () => hold(false));
$("hold").addEventListener("keydown", (event) => {
  if (event.key === " " || event.key === "Enter") hold(true);
});
$("hold").addEventListener("keyup", () => hold(false));
$("session").addEventListener("change", () => choose($("session").value));
$("session-new").addEventListener("click", () => {
  fault($("session-background"), "");
  $("session-dialog").showModal();
});
$("session-cancel").addEventListener("click", () => $("session-dialog").close());
$("session-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  fault($("session-background"), "");
  const background = $("session-background").value.trim() || null;
  const body = { avatar: $("session-avatar").value, background, label: $("session-label").value };
  try {
    const begun = await (await askWith("POST", "/api/sessions", body)).json();
    $("session-dialog").close();
    await choose(begun.id);
  } catch (error) {
    fault($("session-background"), error.message);
  }
});
$("session-end").addEventListener("click", async () => {
  if (!confirm(`End the session ${nameOf(current)}?`)) return;
  try {
    const { id } = current;
    chosen("main");
    await ask(`/api/sessions/${id}`, { method: "DELETE" });
    await refreshSessions();
  } catch (error) {
    complain(error);
  }
});

started.push(() => {
  anew = true;
  refreshSessions();
});
async function look() {
  if (!document.hidden) await refreshSessions();
  setTimeout(look, LOOK_MS);
}
look();
