import { ConfigError, createLogger, readConfig } from "@claws/service-kit";
import { chooseProfile } from "./chosen-profile.ts";
import { ChooseSettings, CompileSettings } from "./settings.ts";
import { rewritePolicy, writePolicy } from "./write-policy.ts";

const logger = createLogger("policy");
try {
  if (process.argv[2] === "choose") {
    chooseProfile(readConfig(ChooseSettings, process.env));
  } else if (process.argv[2] === "reload") {
    const { profile, hash } = rewritePolicy(readConfig(CompileSettings, process.env));
    logger.info({ profile, hash }, "policy compiled anew");
  } else {
    const { profile, hash } = writePolicy(readConfig(CompileSettings, process.env));
    logger.info({ profile, hash }, "policy compiled");
  }
} catch (error) {
  logger.fatal(error instanceof ConfigError ? error.message : { err: error });
  process.exit(1);
}
