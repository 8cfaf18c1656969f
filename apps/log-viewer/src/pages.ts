import type { ContainerRow } from "./docker-client.ts";

/** Makes any text harmless in HTML, in element content and in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - logs</title>
<link rel="stylesheet" href="/app.css">
<script src="/app.js" defer></script>
</head>
<body>
<p class="notice" role="note">This is a small stand-in for Dozzle, used where no image registry can be reached.
It lists containers and follows their logs; searching, statistics and downloads need the real one.</p>
<main>
${main}
</main>
</body>
</html>
`;
}

/** The list of containers; works without JavaScript. */
export function renderList(containers: readonly ContainerRow[]): string {
  const rows = containers.map(
    ({ id, name, service, image, state, status }) => `<tr>
<td><a href="/container/${escapeHtml(id)}">${escapeHtml(name)}</a></td>
<td>${escapeHtml(service)}</td>
<td>${escapeHtml(state)}</td>
<td>${escapeHtml(status)}</td>
<td>${escapeHtml(image)}</td>
</tr>`,
  );
  const body =
    rows.length === 0
      ? "<p>No container of this project exists.</p>"
      : `<table>
<thead><tr><th scope="col">Container</th><th scope="col">Service</th><th scope="col">State</th>
<th scope="col">Status</th><th scope="col">Image</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>`;
  return page("Containers", `<h1>Containers</h1>\n${body}`);
}

/** One container's log; `/app.js` fills it. */
export function renderLog(id: string, name: string): string {
  return page(
    name,
    `<p><a href="/">All containers</a></p>
<h1>${escapeHtml(name)}</h1>
<p id="state" role="status">connecting</p>
<pre id="log" data-stream="/api/containers/${escapeHtml(id)}/logs" tabindex="0" aria-label="Log"></pre>
<noscript><p>Following a log needs JavaScript.</p></noscript>`,
  );
}
