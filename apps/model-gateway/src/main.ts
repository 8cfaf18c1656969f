import { readConfig, runService } from "@claws/service-kit";
import { createModelGatewayService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("model-gateway", async (tools) =>
  createModelGatewayService(readConfig(Settings, process.env), tools),
);
