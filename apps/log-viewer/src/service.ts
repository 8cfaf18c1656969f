import { createServer } from "node:http";
import { createHttpApp, ProblemError, type Service, type ServiceTools } from "@claws/service-kit";
import type { RequestHandler } from "express";
import { createDockerClient } from "./docker-client.ts";
import { followLog } from "./follow-log.ts";
import { APP_CSS, APP_JS } from "./page-assets.ts";
import { renderList, renderLog } from "./pages.ts";
import type { Settings } from "./settings.ts";

const SERVICE = "log-viewer";
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const setSecurityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
  next();
};

/** Composition root. */
export async function createLogViewer(
  settings: Settings,
  { logger }: Pick<ServiceTools, "logger">,
): Promise<Service> {
  const docker = createDockerClient(settings.DOCKER_HOST);
  let streams = 0;
  const app = createHttpApp({
    service: SERVICE,
    logger,
    routes(app) {
      app.use(setSecurityHeaders);
      app.get("/healthcheck", (_request, response) => void response.type("text").send("OK"));
      app.get("/app.js", (_request, response) => void response.type("js").send(APP_JS));
      app.get("/app.css", (_request, response) => void response.type("css").send(APP_CSS));
      app.get("/", async (_request, response) => {
        response.type("html").send(renderList(await docker.listContainers()));
      });
      app.get("/container/:id", async ({ params }, response) => {
        const id = readId(params.id);
        response.type("html").send(renderLog(id, await docker.readName(id)));
      });
      app.get("/api/containers", async (_request, response) => {
        response.json(await docker.listContainers());
      });
      app.get("/api/containers/:id/logs", async ({ params }, response) => {
        const id = readId(params.id);
        if (streams >= settings.MAX_STREAMS) {
          const detail = `${settings.MAX_STREAMS} logs are being followed: close a page`;
          throw ProblemError.of("rate_limited", { service: SERVICE, detail, retryAfterMs: 5_000 });
        }
        streams += 1;
        try {
          await followLog(await docker.followLog(id), response);
        } finally {
          streams -= 1;
        }
      });
    },
  });
  return {
    listeners: [{ server: createServer(app), host: settings.LISTEN_HOST, port: settings.LISTEN_PORT }],
    readiness: { "docker-api-filter": async () => (await docker.listContainers()).length >= 0 },
    close: async () => docker.close(),
  };
}

function readId(id: string): string {
  if (/^[0-9a-f]{12,64}$/.test(id)) return id;
  throw ProblemError.of("request_invalid", { service: SERVICE, detail: "name a container by its id" });
}
