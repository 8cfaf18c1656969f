import { readConfig, runService } from "@claws/service-kit";
import { probeHealth } from "./probe-health.ts";
import { createLogViewer } from "./service.ts";
import { Settings } from "./settings.ts";

// The image answers Dozzle's own two commands: `/dozzle` and `/dozzle healthcheck`.
if (process.argv[2] === "healthcheck") {
  const { LISTEN_PORT } = readConfig(Settings, process.env);
  process.exit((await probeHealth(LISTEN_PORT)) ? 0 : 1);
}
await runService("log-viewer", async (tools) => createLogViewer(readConfig(Settings, process.env), tools));
