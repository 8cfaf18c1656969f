import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { createServiceClient, mutualTlsOptions, peerOf, type ServiceIdentity } from "@claws/service-kit";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createAuthority, isCertificateDue, issueServiceCertificate } from "./authority.ts";
import { createStackIdentities } from "./stack-identities.ts";

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

async function startEcho(identity: ServiceIdentity): Promise<number> {
  const server = createServer(mutualTlsOptions(identity), (request, response) => {
    response.end(JSON.stringify({ peer: peerOf(request.socket as TLSSocket) ?? null }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const Echo = z.object({ peer: z.string().nullable() });

describe("certificates of a stack", () => {
  it("tell each end who the other is", async () => {
    const identityOf = await createStackIdentities();
    const port = await startEcho(await identityOf("rate-limiter"));
    const client = createServiceClient({
      target: "rate-limiter",
      host: "localhost",
      port,
      identity: await identityOf("broker"),
    });
    expect(await client.call(Echo, { method: "GET", path: "/" })).toEqual({
      ok: true,
      value: { peer: "broker" },
    });
    await client.close();
  });

  it("of another stack are refused by the server", async () => {
    const port = await startEcho(await (await createStackIdentities())("rate-limiter"));
    const ours = await createStackIdentities();
    const theirs = await createStackIdentities();
    const identity = { ...(await theirs("broker")), ca: (await ours("broker")).ca };
    const client = createServiceClient({ target: "rate-limiter", host: "localhost", port, identity });
    expect(await client.call(Echo, { method: "GET", path: "/" })).toMatchObject({
      ok: false,
      problem: { code: "service_unavailable" },
    });
    await client.close();
  });

  it("are refused by the client when a service of the stack answers for another one", async () => {
    const identityOf = await createStackIdentities();
    const port = await startEcho(await identityOf("dlp-scanner"));
    const client = createServiceClient({
      target: "rate-limiter",
      host: "rate-limiter.localhost",
      port,
      identity: await identityOf("broker"),
    });
    expect((await client.call(Echo, { method: "GET", path: "/" })).ok).toBe(false);
    await client.close();
  });

  it("are due when they end soon or another authority made them", async () => {
    const authority = await createAuthority();
    const { certificate: long } = await issueServiceCertificate(authority, "broker");
    const { certificate: short } = await issueServiceCertificate(authority, "broker", 30);
    expect(await isCertificateDue(long, authority)).toBe(false);
    expect(await isCertificateDue(short, authority)).toBe(true);
    expect(await isCertificateDue(long, await createAuthority())).toBe(true);
  });
});
