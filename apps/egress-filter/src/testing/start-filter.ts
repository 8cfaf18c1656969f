import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { createStackIdentities } from "@claws/certificates";
import { close, createLogger, createMetrics, listen, type ServiceIdentity } from "@claws/service-kit";
import { classifyAddress } from "../address-class.ts";
import { createEgressFilterService } from "../service.ts";
import { Settings } from "../settings.ts";
import { type PolicyParts, policyWith } from "./policy-with.ts";
import { startAuditor } from "./start-auditor.ts";

/** Stands for the internet and for a neighbour's network: loopback has room for both. */
export const PUBLIC_ADDRESS = "127.0.0.2";
export const PRIVATE_ADDRESS = "127.0.0.3";

export interface FilterParts extends PolicyParts {
  /** What the name server answers; a name that is not here has no address. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The whole service on loopback, with a name server of the test's own and a real auditor beside it. */
export async function startFilter({ names = {}, settings = {}, ...policy }: FilterParts) {
  const directory = mkdtempSync(join(tmpdir(), "egress-filter-"));
  const identityOf = await createStackIdentities();
  writeIdentity(directory, await identityOf("egress-filter"));
  writeFileSync(join(directory, "policy.json"), JSON.stringify(policyWith(policy)));
  const auditor = await startAuditor(await identityOf("auditor"));
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const metrics = createMetrics("egress-filter");
  const queries: string[] = [];
  const service = await createEgressFilterService(
    Settings.parse({
      IDENTITY_DIR: directory,
      POLICY_FILE: join(directory, "policy.json"),
      LISTEN_HOST: "127.0.0.1",
      LISTEN_PORT: 0,
      SERVICES_LISTEN_HOST: "127.0.0.1",
      SERVICES_LISTEN_PORT: 0,
      AUDITOR_HOST: "localhost",
      AUDITOR_PORT: auditor.port,
      ...settings,
    }),
    { logger: createLogger("egress-filter", destination), metrics },
    {
      async resolve(host) {
        queries.push(host);
        const addresses = names[host];
        return addresses
          ? { ok: true, addresses }
          : { ok: false, reason: "the name has no address (ENOTFOUND)" };
      },
      classify(address) {
        if (address === PUBLIC_ADDRESS) return { kind: "public", isGrantable: false };
        if (address === PRIVATE_ADDRESS) return { kind: "private", isGrantable: true };
        return classifyAddress(address);
      },
    },
  );
  const [port = 0, servicesPort = 0] = await Promise.all(
    service.listeners.map(({ server, host, port: wanted }) => listen(server, wanted, host)),
  );
  return {
    port,
    servicesPort,
    service,
    auditor,
    queries,
    metrics,
    identityOf,
    /** The log lines with this message, as objects. */
    logged: (message: string) =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message),
    stop: async () => {
      await service.close?.();
      await Promise.all(service.listeners.map(({ server }) => close(server, 0)));
      await auditor.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

export type RunningFilter = Awaited<ReturnType<typeof startFilter>>;

function writeIdentity(directory: string, { cert, key, ca }: ServiceIdentity): void {
  for (const [name, content] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": ca })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o400);
  }
}
