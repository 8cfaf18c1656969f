import { readConfig, runService } from "@claws/service-kit";
import { printLoginLink } from "./print-login-link.ts";
import { createFrontDoor } from "./service.ts";
import { Settings } from "./settings.ts";

if (process.argv[2] === "login-link") {
  process.exit(await printLoginLink(process.env, process));
}
await runService("front-door", async (tools) => createFrontDoor(readConfig(Settings, process.env), tools));
