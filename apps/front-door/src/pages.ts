/** Makes any text harmless in HTML, in element content and in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, body: string, script = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - Sandbox Claws</title>
<link rel="stylesheet" href="/login.css">${script}
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

const HOW_TO_LOG_IN = `<p>There are no passwords here. Whoever runs the stack asks it for a link, which works once and for
ten minutes:</p>
<pre>./claws login</pre>
<p>or, without the script:</p>
<pre>docker compose exec front-door node /app/main.mjs login-link</pre>`;

/** What a browser without a session sees, wherever it went. */
export function renderLoginRequired(): string {
  return page("Log in", HOW_TO_LOG_IN);
}

/** Where a login link leads; `/login.js` reads the token from the fragment. */
export function renderLogin(): string {
  return page(
    "Log in",
    `<p id="state" role="status"></p>\n${HOW_TO_LOG_IN}
<noscript><p>Logging in with a link needs JavaScript.</p></noscript>`,
    '\n<script src="/login.js" defer></script>',
  );
}

/** A refusal as a person reads it. */
export function renderProblem(title: string, detail: string): string {
  return page(title, `<p>${escapeHtml(detail)}</p>`);
}

export const LOGIN_JS = `"use strict";
async function logIn() {
  const token = location.hash.slice(1);
  if (token === "") return;
  const state = document.getElementById("state");
  history.replaceState(null, "", location.pathname);
  state.textContent = "Logging in";
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) location.replace("/");
    else state.textContent = (await answer.json()).detail;
  } catch {
    state.textContent = "front-door does not answer: see ./claws status";
  }
}
window.addEventListener("hashchange", logIn);
void logIn();
`;

export const LOGIN_CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { margin: 10vh auto; max-width: 40rem; padding: 0 1rem; }
pre { border: 1px solid #8886; border-radius: 4px; overflow: auto; padding: 0.5rem 1rem; }
`;
