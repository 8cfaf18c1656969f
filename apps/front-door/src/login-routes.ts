import { ProblemError, readBody, type Logger } from "@claws/service-kit";
import express, { type Express, type RequestHandler } from "express";
import * as z from "zod";
import type { FailureLimit } from "./failure-limit.ts";
import type { LoginTokenStore } from "./login-token-store.ts";
import { LOGIN_CSS, LOGIN_JS, renderLogin } from "./pages.ts";
import { setOwnPageHeaders } from "./refuse.ts";
import { createSessionValue, createSetCookie } from "./session-cookie.ts";

const LoginRequest = z.strictObject({
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "is not a login token"),
});

export interface LoginOptions {
  readonly logger: Logger;
  readonly tokens: Pick<LoginTokenStore, "redeem">;
  readonly failures: FailureLimit;
  readonly sessionKey: Buffer;
  readonly now: () => number;
}

const ownPage: RequestHandler = (_request, response, next) => {
  setOwnPageHeaders(response);
  next();
};

/** `/login` and `/logout`, the same on both listeners; everything else here needs a session. */
export function addLoginRoutes(app: Express, options: LoginOptions): void {
  const { logger, tokens, failures, sessionKey, now } = options;
  app.get("/login", ownPage, (_request, response) => void response.type("html").send(renderLogin()));
  app.get("/login.js", ownPage, (_request, response) => void response.type("js").send(LOGIN_JS));
  app.get("/login.css", ownPage, (_request, response) => void response.type("css").send(LOGIN_CSS));
  app.post("/login", ownPage, express.json({ limit: "1kb" }), async ({ body }, response) => {
    const attempt = failures.begin();
    if (!attempt.ok) {
      logger.warn("login refused: too many failed logins");
      throw ProblemError.of("rate_limited", {
        service: "front-door",
        detail: "too many failed logins: wait a minute",
        retryAfterMs: attempt.retryAfterMs,
      });
    }
    const { token } = readBody(LoginRequest, body, "front-door");
    if (!(await tokens.redeem(token))) {
      logger.warn("login refused: the link is used, expired or was never given");
      throw ProblemError.of("login_required", {
        service: "front-door",
        detail: "this link was used or has expired: ask for a new one with './claws login'",
      });
    }
    failures.succeed();
    logger.info({ operator: "owner" }, "logged in");
    response.setHeader("set-cookie", createSetCookie(createSessionValue(sessionKey, now())));
    response.json({ operator: "owner" });
  });
  app.post("/logout", ownPage, (_request, response) => {
    response.setHeader("set-cookie", createSetCookie(""));
    response.redirect(303, "/login");
  });
}
