import { readConfig, runService } from "@claws/service-kit";
import { createMockApiService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("mock-api", async (tools) => createMockApiService(readConfig(Settings, process.env), tools));
