/** Browser code of the log page. Lines become text nodes, so nothing in a log is ever read as HTML. */
export const APP_JS = `"use strict";
const log = document.getElementById("log");
if (log !== null) {
  const MAX_LINES = 5000;
  const state = document.getElementById("state");
  const source = new EventSource(log.dataset.stream);
  source.onopen = () => {
    log.replaceChildren();
    state.textContent = "live";
  };
  source.onerror = () => {
    state.textContent = source.readyState === EventSource.CLOSED ? "closed" : "reconnecting";
  };
  source.onmessage = (event) => {
    const { source: from, text } = JSON.parse(event.data);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = document.createElement("span");
    line.className = from;
    line.textContent = text + "\\n";
    log.append(line);
    while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  source.addEventListener("end", () => {
    source.close();
    state.textContent = "the container's log has ended";
  });
}
`;

export const APP_CSS = `:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 80rem; padding: 0 1rem; }
.notice { border: 1px solid currentColor; border-radius: 4px; padding: 0.5rem 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; }
pre { border: 1px solid #8886; height: 70vh; margin: 0; overflow: auto; padding: 0.5rem; white-space: pre-wrap; word-break: break-all; }
.stderr { color: light-dark(#a02020, #ff9a9a); }
`;
