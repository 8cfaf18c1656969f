import { text } from "node:stream/consumers";
import { ConfigError, createLogger, readConfig } from "@claws/service-kit";
import { provideKeys } from "./provide-keys.ts";
import { Settings } from "./settings.ts";
import { storeSecret } from "./store-secret.ts";

const logger = createLogger("bootstrap");
try {
  const settings = readConfig(Settings, process.env);
  const [command, name = "", holder] = process.argv.slice(2);
  if (command === "store-secret") {
    storeSecret(settings.OUT_DIR, name, await text(process.stdin), holder);
    logger.info({ name, holder }, "secret stored");
  } else {
    logger.info(await provideKeys(settings), "keys, certificates, users and tokens are in place");
  }
} catch (error) {
  logger.fatal(error instanceof ConfigError ? error.message : { err: error });
  process.exit(1);
}
