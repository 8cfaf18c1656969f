import { createPrivateKey, X509Certificate } from "node:crypto";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createAuthority, type IssuedCertificate } from "./authority.ts";
import { createInspectionAuthority, issueHostCertificate } from "./inspection-authority.ts";

/** What a client that trusts `ca` says of a server with this certificate; empty when it is content. */
async function verifyAs(host: string, { certificate, privateKey }: IssuedCertificate, ca: string) {
  const server = createServer({ cert: certificate, key: privateKey }, (socket) => {
    socket.on("error", () => socket.destroy());
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { promise, resolve } = Promise.withResolvers<string>();
  const client: TLSSocket = connect({ host: "127.0.0.1", port, ca, servername: host }, () => resolve(""));
  client.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  const said = await promise;
  client.destroy();
  server.close();
  return said;
}

describe("the inspection authority", () => {
  it("may sign certificates of hosts and of no further authority", async () => {
    const { certificate } = await createInspectionAuthority();
    const parsed = new X509Certificate(certificate);
    expect(parsed.ca).toBe(true);
    expect(parsed.subject).toBe("CN=Sandbox Claws egress inspection");
    const years = (Date.parse(parsed.validTo) - Date.now()) / 86_400_000 / 365;
    expect(Math.round(years)).toBe(10);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
  });

  it.each(["allowed.test", "under_score.wild.test", `${"a".repeat(60)}.${"b".repeat(60)}.test`])(
    "vouches for %s",
    async (host) => {
      const authority = await createInspectionAuthority();
      const issued = await issueHostCertificate(authority, host);
      expect(await verifyAs(host, issued, authority.certificate)).toBe("");
      const parsed = new X509Certificate(issued.certificate);
      expect(parsed.subjectAltName).toBe(`DNS:${host}`);
      expect(parsed.ca).toBe(false);
      expect(parsed.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
    },
  );

  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["[2001:db8::1]", "2001:db8::1"],
  ])("vouches for the address %s", async (host, address) => {
    const { certificate } = await issueHostCertificate(await createInspectionAuthority(), host);
    expect(new X509Certificate(certificate).checkIP(address)).toBe(address);
  });

  it("vouches for no other host, and another authority's word is worth nothing", async () => {
    const authority = await createInspectionAuthority();
    const issued = await issueHostCertificate(authority, "allowed.test");
    expect(await verifyAs("other.test", issued, authority.certificate)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await verifyAs("allowed.test", issued, (await createAuthority()).certificate)).toMatch(
      /UNABLE_TO_VERIFY|SELF_SIGNED/,
    );
  });

  it("issues for no longer than it lives itself", async () => {
    const authority = await createInspectionAuthority();
    const { certificate } = await issueHostCertificate(authority, "allowed.test", 20_000);
    expect(Date.parse(new X509Certificate(certificate).validTo)).toBe(
      Date.parse(new X509Certificate(authority.certificate).validTo),
    );
  });
});
