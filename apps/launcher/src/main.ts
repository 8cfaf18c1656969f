import { hostname } from "node:os";
import { readConfig, runService } from "@claws/service-kit";
import { createDockerEngine } from "./docker-engine.ts";
import { createLauncherService } from "./service.ts";
import { Settings } from "./settings.ts";
import { createDockerInspector } from "./verification/docker-inspector.ts";

await runService("launcher", async (tools) => {
  const settings = readConfig(Settings, process.env);
  const engine = createDockerEngine(settings.DOCKER_SOCKET);
  const inspector = createDockerInspector(settings.DOCKER_SOCKET);
  return createLauncherService(settings, tools, { engine, inspector, ownContainer: hostname() });
});
