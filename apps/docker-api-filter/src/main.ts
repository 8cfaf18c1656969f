import { readConfig, runService } from "@claws/service-kit";
import { createDockerApiFilter } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("docker-api-filter", async (tools) =>
  createDockerApiFilter(readConfig(Settings, process.env), tools),
);
