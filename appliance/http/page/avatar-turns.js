// The turns of a session, and its events as they are played.
"use strict";

const TURNS_SHOWN = 40;
const turns = new Map(); // by number
let following = null; // ends the stream that is read

function drawTurns() {
  const shown = [...turns.values()].slice(-TURNS_SHOWN).reverse();
  $("turns").replaceChildren(...shown.map((turn) => {
    const item = element("li");
    item.dataset.state = turn.state;
    item.append(element("b", turn.state), textOf(turn));
    return item;
  }));
}

function textOf(turn) {
  const words = element("p");
  if (!turn.text) words.append(turn.reason ? "" : "recorded speech, or an action");
  else if (turn.state === "speaking" && turn.length) {
    const { position, length } = turn;
    words.append(turn.text.slice(0, position), element("mark", turn.text.slice(position, position + length)),
      turn.text.slice(position + length));
  } else words.append(turn.text);
  if (turn.reason) words.append(element("span", ` ${turn.reason}`, "wrong"));
  return words;
}

function takeTurns(list) {
  turns.clear();
  for (const turn of list) turns.set(turn.number, turn);
  drawTurns();
}

const STATES = { started: "speaking", finished: "finished", interrupted: "interrupted", failed: "failed" };

function happened(event) {
  const { kind, data } = event;
  if (kind === "caption") setText("said", data.text);
  if (kind === "started" && held) interrupt();
  if (!event.turn) return;
  const turn = turns.get(event.turn) || { number: event.turn, state: "queued", text: data.text || "", reason: "" };
  turns.set(event.turn, turn);
  if (turns.size > 4 * TURNS_SHOWN) turns.delete(turns.keys().next().value);
  if (kind === "word") Object.assign(turn, { position: data.position, length: data.length });
  if (kind in STATES) {
    turn.state = STATES[kind];
    turn.reason = data.reason || "";
    if (kind !== "started") setText("said", "");
  }
  drawTurns();
}

// Server-sent events by fetch: an EventSource cannot send the token.
async function follow(session) {
  if (following) following.abort();
  following = null;
  if (!session || !session.avatar) return;
  const mine = new AbortController();
  following = mine;
  let after = null;
  while (following === mine) {
    try {
      const headers = after === null ? {} : { "Last-Event-ID": after };
      const answer = await ask(`/api/sessions/${session.id}/events`, { headers, signal: mine.signal });
      if (after === null) takeTurns((await askJson(`/api/sessions/${session.id}`)).turns);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parts = (held + value).split("\n\n");
        held = parts.pop();
        for (const part of parts) {
          const line = part.split("\n").find((one) => one.startsWith("data: "));
          if (!line) continue;
          const event = JSON.parse(line.slice(6));
          after = event.number;
          happened(event);
        }
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error.status === 404 || error.status === 409) return refreshSessions();
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    // What was played meanwhile by another playout has numbers of its own.
    if (following === mine) after = null;
  }
}
