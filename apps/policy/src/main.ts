import { ConfigError, createLogger, readConfig } from "@claws/service-kit";
import { Settings } from "./settings.ts";
import { writePolicy } from "./write-policy.ts";

const logger = createLogger("policy");
try {
  const policy = writePolicy(readConfig(Settings, process.env));
  logger.info({ profile: policy.profile, hash: policy.hash }, "policy compiled");
} catch (error) {
  logger.fatal(error instanceof ConfigError ? error.message : { err: error });
  process.exit(1);
}
