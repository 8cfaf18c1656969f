import { readConfig, runService } from "@claws/service-kit";
import { createApprovalGatewayService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("approval-gateway", async (tools) =>
  createApprovalGatewayService(readConfig(Settings, process.env), tools),
);
