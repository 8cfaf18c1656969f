import { readConfig, runService } from "@claws/service-kit";
import { createBroker } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("broker", (tools) => createBroker(readConfig(Settings, process.env), tools));
