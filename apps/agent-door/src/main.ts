import { readConfig, runService } from "@claws/service-kit";
import { createAgentDoorService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("agent-door", async (tools) =>
  createAgentDoorService(readConfig(Settings, process.env), tools),
);
