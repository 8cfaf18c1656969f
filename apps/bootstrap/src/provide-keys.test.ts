import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { createTokenVerifier, readServerEgressKey } from "@claws/agent-token";
import { readIdentity } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { provideKeys } from "./provide-keys.ts";
import { Settings } from "./settings.ts";
import { storeSecret } from "./store-secret.ts";

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "bootstrap-"));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

const settings = () => Settings.parse({ OUT_DIR: out });
const read = (...path: string[]) => readFileSync(join(out, ...path), "utf8");
const files = () =>
  readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe("bootstrap", () => {
  it("gives each service a certificate that its identity can be read from", async () => {
    await provideKeys(settings());
    expect(readIdentity(join(out, "broker")).ca.toString()).toContain("BEGIN CERTIFICATE");
  });

  it("changes nothing but the agents' sessions when it runs again", async () => {
    await provideKeys(settings());
    const before = new Map(files().map((file) => [file, readFileSync(file, "utf8")]));
    expect((await provideKeys(settings())).renewedCertificates).toEqual([]);
    const changed = files().filter((file) => before.get(file) !== readFileSync(file, "utf8"));
    expect(changed).toEqual([join(out, "agent-main", "token")]);
  });

  it.each([
    "broker/tls.key",
    "broker/tls.crt",
    "broker/ca.crt",
    "broker/receipt.pub",
    "redis/users.acl",
    "rate-limiter/redis.password",
    "agent-trust/ca-certificates.crt",
    "agent-trust/inspection-ca.crt",
  ])("completes the set after a crash that lost %s", async (lost) => {
    await provideKeys(settings());
    rmSync(join(out, lost));
    await provideKeys(settings());
    const whole = files().length;
    await provideKeys(settings());
    expect(read(...lost.split("/"))).not.toBe("");
    expect(files().length).toBe(whole);
  });

  it("issues a new certificate when a key was swapped under it", async () => {
    await provideKeys(settings());
    rmSync(join(out, "broker/tls.key"));
    writeFileSync(join(out, "broker/tls.key"), read("dlp-scanner", "tls.key"));
    expect((await provideKeys(settings())).renewedCertificates).toEqual(["broker"]);
  });

  it("keeps every file from everybody else, but for what the agent reads", async () => {
    await provideKeys(settings());
    const open = files().filter((file) => (statSync(file).mode & 0o007) !== 0);
    expect(open.map((file) => file.slice(out.length + 1)).sort()).toEqual([
      "agent-main/token",
      "agent-trust/ca-certificates.crt",
      "agent-trust/inspection-ca.crt",
    ]);
  });

  it("lets the agent trust the public authorities and the one of inspection, whose key it never sees", async () => {
    await provideKeys(settings());
    const { certificate } = JSON.parse(read("egress-filter", "inspection-ca.json")) as {
      certificate: string;
    };
    const bundle = read("agent-trust", "ca-certificates.crt");
    const trusted = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    expect(trusted).toHaveLength(rootCertificates.length + 1);
    expect(trusted.at(-1)).toBe(certificate.trim());
    expect(read("agent-trust", "inspection-ca.crt").trim()).toBe(certificate.trim());
    expect(new X509Certificate(certificate).subject).toBe("CN=Sandbox Claws egress inspection");
    expect(bundle).not.toContain("PRIVATE KEY");
  });

  it("puts no private key where it is not used", async () => {
    await provideKeys(settings());
    const holders = files().filter((file) => readFileSync(file, "utf8").includes("PRIVATE KEY"));
    const names = holders
      .map((file) => file.slice(out.length + 1))
      .filter((name) => !name.endsWith("/tls.key"));
    expect(names.sort()).toEqual([
      "approval-gateway/receipt.key",
      "authority/agent-token.key",
      "authority/authority.json",
      "egress-filter/inspection-ca.json",
    ]);
  });

  it("tells Redis hashes and not passwords, and closes the default user", async () => {
    await provideKeys(settings());
    const acl = read("redis", "users.acl");
    expect(acl).not.toContain(read("rate-limiter", "redis.password"));
    expect(acl).toMatch(/^user default off resetpass ~\* &\* \+@all$/m);
  });

  it.each(["broker", "model-gateway", "egress-filter"] as const)(
    "issues a token that is accepted at %s",
    async (door) => {
      const { sessions } = await provideKeys(settings());
      const verify = await createTokenVerifier(read(door, "agent-token.pub"), door);
      expect(await verify(read("agent-main", "token"))).toMatchObject({
        ok: true,
        identity: { agent: "main", session: sessions["main"] },
      });
    },
  );

  it("gives launcher and egress-filter the same key for the servers' credentials, and heals a lost one", async () => {
    await provideKeys(settings());
    const key = read("launcher", "server-egress.key");
    expect(readServerEgressKey(key)).toHaveLength(32);
    rmSync(join(out, "egress-filter/server-egress.key"));
    await provideKeys(settings());
    expect(read("launcher", "server-egress.key")).toBe(key);
    expect(read("egress-filter", "server-egress.key")).toBe(key);
  });
});

describe("storing a secret", () => {
  it("writes it for model-gateway alone", () => {
    storeSecret(out, "OPENAI_API_KEY", "value\n");
    expect(read("model-gateway", "secrets", "OPENAI_API_KEY")).toBe("value");
    expect(statSync(join(out, "model-gateway/secrets/OPENAI_API_KEY")).mode & 0o777).toBe(0o440);
  });

  it("writes it for egress-filter alone when that is asked for", () => {
    storeSecret(out, "GITHUB_TOKEN", "value\n", "egress-filter");
    expect(files().map((file) => file.slice(out.length + 1))).toEqual(["egress-filter/secrets/GITHUB_TOKEN"]);
  });

  it.each(["", "broker", "../model-gateway"])("refuses to give one to %j", (holder) =>
    expect(() => storeSecret(out, "NAME", "value", holder)).toThrow("does not hold secrets"),
  );

  it.each([
    ["../x", "value", "not a secret's name"],
    ["lower", "value", "not a secret's name"],
    ["NAME", "  \n", "standard input"],
  ])("refuses %j with %j", (name, value, reason) =>
    expect(() => storeSecret(out, name, value)).toThrow(reason),
  );
});
