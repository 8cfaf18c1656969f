import type { Deployment } from "./deployment.ts";

export interface OperatorSession {
  readonly origin: string;
  readonly cookie: string;
  get(path: string): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** Logs in as a person would: a link from inside front-door, exchanged once for a session. */
export async function logIn(deployment: Deployment): Promise<OperatorSession> {
  const { stdout, stderr } = await deployment.claws(["login"]);
  const link = /http:\S+/.exec(stdout)?.[0];
  if (link === undefined) throw new Error(`no login link: ${stdout} ${stderr}`);
  const url = new URL(link);
  const response = await fetch(new URL("/login", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: url.hash.slice(1) }),
    redirect: "manual",
  });
  const cookie = response.headers
    .getSetCookie()
    .map((header) => header.split(";")[0])
    .join("; ");
  if (cookie === "") throw new Error(`login refused: ${response.status} ${await response.text()}`);
  return {
    origin: url.origin,
    cookie,
    get: (path) => fetch(new URL(path, url), { headers: { cookie } }),
    post: (path, body, headers = {}) =>
      fetch(new URL(path, url), {
        method: "POST",
        headers: { cookie, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
  };
}
