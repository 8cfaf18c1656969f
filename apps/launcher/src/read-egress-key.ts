import { join } from "node:path";
import { readServerEgressKey } from "@claws/agent-token";
import { ConfigError, readSecretFile } from "@claws/service-kit";

/** The key of the servers' proxy credentials, as bootstrap wrote it. */
export function readEgressKey(directory: string): Buffer {
  const path = join(directory, "server-egress.key");
  const key = readServerEgressKey(readSecretFile(path));
  if (key === undefined) throw new ConfigError(`secret file ${path} is not the key that bootstrap makes`);
  return key;
}
