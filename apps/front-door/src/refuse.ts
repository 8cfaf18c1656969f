import type { IncomingMessage, ServerResponse } from "node:http";
import type { Problem } from "@claws/contracts";
import { sendProblem } from "@claws/service-kit";
import { renderLoginRequired, renderProblem } from "./pages.ts";

const OWN_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};

/** What every answer made here carries, pages and refusals alike. */
export function setOwnPageHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(OWN_PAGE_HEADERS)) response.setHeader(name, value);
}

/** Refuses in the language of the one who asked: a page for a browser, a problem document for a program. */
export function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  setOwnPageHeaders(response);
  if (!(request.headers.accept ?? "").includes("text/html")) return sendProblem(response, problem);
  response.statusCode = problem.status;
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(
    problem.code === "login_required" ? renderLoginRequired() : renderProblem(problem.title, problem.detail),
  );
}
