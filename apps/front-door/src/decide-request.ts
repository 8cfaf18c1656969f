import type { IncomingMessage } from "node:http";
import type { ProblemCode } from "@claws/contracts";

export type RequestVerdict =
  | { readonly outcome: "allow" }
  | { readonly outcome: "deny"; readonly code: ProblemCode; readonly detail: string };

/** What is looked at of a request before anything else is. */
export type RequestHead = Pick<IncomingMessage, "method" | "url" | "headers" | "rawHeaders">;

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
const HOST = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

/** Decides whether a request may come in at all: its form, the name it came by, the site it came from. */
export function decideRequest(head: RequestHead, publicHosts: readonly string[]): RequestVerdict {
  return decideForm(head) ?? decideHost(head, publicHosts) ?? decideSite(head) ?? { outcome: "allow" };
}

function decideForm({ method = "", url = "", headers }: RequestHead): RequestVerdict | undefined {
  if (!METHODS.has(method)) return deny("request_invalid", `${method} is not used here`);
  if (!/^\/(?![/\\])/.test(url)) return deny("request_invalid", "ask for a path that begins with one '/'");
  if (headers.upgrade !== undefined || /\bupgrade\b/i.test(headers.connection ?? "")) {
    return deny("request_invalid", "WebSockets and other upgrades are not passed on");
  }
  return undefined;
}

/** A page of another site can point its own name at this address (DNS rebinding); its Host gives it away. */
function decideHost({ headers, rawHeaders }: RequestHead, publicHosts: readonly string[]) {
  const given = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
  const name = HOST.exec(headers.host?.toLowerCase() ?? "")?.[1];
  if (given === 1 && name !== undefined && publicHosts.includes(name)) return undefined;
  return deny("cross_site", `open this as ${publicHosts.join(" or ")}; other names are set by PUBLIC_HOSTS`);
}

/** What changes something must come from a page of this very origin, or from no page at all (RFC 6454). */
function decideSite({ method, headers }: RequestHead): RequestVerdict | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return deny("cross_site", "this address takes changes from its own pages only");
  }
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host ?? "")) {
    return deny("cross_site", "the Origin header names another site than the Host header");
  }
  return undefined;
}

function isSameOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: from, origin: canonical } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  return (
    canonical === origin.toLowerCase() &&
    URL.canParse(`${protocol}//${host}`) &&
    from === new URL(`${protocol}//${host}`).host
  );
}

function deny(code: ProblemCode, detail: string): RequestVerdict {
  return { outcome: "deny", code, detail };
}
