// The turns of a session, and its events as they are played.
"use strict";

const TURNS_SHOWN = 40;
const TURN_LONG = 120; // characters; such a text is scrolled, by keyboard, too
const turns = new Map(); // by number
const turnItems = new Map(); // what shows them, by number
let following = null; // ends the stream that is read

// Of one turn, so that what is read or scrolled in another stays as it is.
function drawTurn(turn) {
  let item = turnItems.get(turn.number);
  if (!item) {
    item = element("li");
    turnItems.set(turn.number, item);
    // The newest first; numbers only grow.
    $("turns").prepend(item);
    while ($("turns").children.length > TURNS_SHOWN) $("turns").lastChild.remove();
  }
  item.dataset.state = turn.state;
  item.replaceChildren(element("b", turn.state), textOf(turn));
  const mark = item.querySelector("mark");
  if (!mark) return;
  // Only within its own text: the page must not move under whoever reads it.
  const text = mark.parentElement;
  text.scrollTop = mark.offsetTop - text.offsetTop - text.clientHeight / 2;
}

function textOf(turn) {
  const words = element("p");
  const { position, length } = turn;
  if (turn.text.length + turn.reason.length > TURN_LONG) words.tabIndex = 0;
  if (!turn.text) words.append(element("i", turn.cues.length ? turn.cues.join(", ") : "recorded speech"));
  else if (turn.state === "speaking" && length) {
    words.append(turn.text.slice(0, position), element("mark", turn.text.slice(position, position + length)),
      turn.text.slice(position + length));
  } else words.append(turn.text);
  if (turn.reason) words.append(element("span", ` ${turn.reason}`, "wrong"));
  return words;
}

function takeTurns(list) {
  turns.clear();
  turnItems.clear();
  $("turns").replaceChildren();
  for (const turn of list) {
    turns.set(turn.number, turn);
    drawTurn(turn);
  }
}

const STATES = { started: "speaking", finished: "finished", interrupted: "interrupted", failed: "failed" };

function happened(event) {
  const { kind, data } = event;
  if (kind === "caption") setText("said", data.text);
  if (kind === "started" && held) interrupt();
  if (!event.turn) return;
  const turn = turns.get(event.turn)
    || { number: event.turn, state: "queued", text: data.text || "", cues: data.cues || [], reason: "" };
  turns.set(event.turn, turn);
  if (turns.size > 4 * TURNS_SHOWN) {
    const oldest = turns.keys().next().value;
    turns.delete(oldest);
    turnItems.delete(oldest);
  }
  if (kind === "word") Object.assign(turn, { position: data.position, length: data.length });
  if (kind in STATES) {
    turn.state = STATES[kind];
    turn.reason = data.reason || "";
    if (kind !== "started") setText("said", "");
  }
  drawTurn(turn);
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
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parts = (rest + value).split("\n\n");
        rest = parts.pop();
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
      // Another is shown then; or this one again, whose source is just being opened.
      if (error.status === 404 || error.status === 409) refreshSessions();
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    // What was played meanwhile by another playout has numbers of its own.
    if (following === mine) after = null;
  }
}
