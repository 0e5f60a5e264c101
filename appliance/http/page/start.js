// The beginning: everything that asks is asked once, and again after a token.
"use strict";

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

started.push(refresh);
for (const start of started) if (start !== refresh) start();
poll();

// Links that need the token, which a link cannot send: shown where none is needed.
for (const link of document.querySelectorAll("footer .open")) link.hidden = Boolean(token);
