import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import type { ServiceName } from "@claws/contracts";
import type { ServiceIdentity } from "@claws/service-kit";
import { afterEach, describe, expect, it } from "vitest";
import { connectThrough, problemOf, readAnswer, readToEnd, sendHello } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, type RunningFilter, startFilter } from "./testing/start-filter.ts";
import { startTlsLikeOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function startBoth() {
  const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, (socket) => socket.pipe(socket));
  const filter = await startFilter({
    egress: { mode: "public", rules: [] },
    models: [`https://model.test:${origin.port}/v1`],
    names: { "model.test": [PUBLIC_ADDRESS], "evil.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, origin.stop);
  return { origin, filter };
}

async function connectAs(filter: RunningFilter, peer: ServiceName): Promise<TLSSocket> {
  return connectWith(filter, await filter.identityOf(peer));
}

function connectWith(filter: RunningFilter, identity: Partial<ServiceIdentity>): TLSSocket {
  return connect({ host: "localhost", port: filter.servicesPort, ...identity });
}

describe("the services' listener", () => {
  it("carries model-gateway to the origin of a model, half-closing included", async () => {
    const { origin, filter } = await startBoth();
    const tunnel = await connectAs(filter, "model-gateway");
    await connectThrough(tunnel, `model.test:${origin.port}`);
    await sendHello(tunnel, "model.test");
    tunnel.end("a request");
    expect(await readToEnd(tunnel)).toBe("a request");
    expect(await filter.decisions(1)).toMatchObject([
      {
        outcome: "allow",
        subject: `model.test:${origin.port}`,
        detail: { door: "services", caller: "service:model-gateway" },
      },
    ]);
    expect((await filter.decisions(1))[0]).not.toHaveProperty("agent");
  });

  it("lets it nowhere else, although agents may go anywhere", async () => {
    const { filter } = await startBoth();
    const client = await connectAs(filter, "model-gateway");
    client.write("CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n");
    expect(problemOf(await readAnswer(client))).toMatchObject({ code: "egress_denied", key: "models" });
    expect(filter.queries).toEqual([]);
  });

  it("lets no other service out", async () => {
    const { origin, filter } = await startBoth();
    const client = await connectAs(filter, "broker");
    client.write(`CONNECT model.test:${origin.port} HTTP/1.1\r\nHost: model.test:${origin.port}\r\n\r\n`);
    expect(problemOf(await readAnswer(client))).toMatchObject({
      reason: "auth",
      detail: expect.stringContaining("broker"),
    });
    expect(origin.sockets).toHaveLength(0);
  });

  it("ends the handshake with whoever has no certificate of the stack", async () => {
    const { filter } = await startBoth();
    const { ca } = await filter.identityOf("model-gateway");
    const client = connectWith(filter, { ca });
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
    expect(await filter.decisions(0)).toEqual([]);
  });

  it("takes nothing but CONNECT", async () => {
    const { filter } = await startBoth();
    const client = await connectAs(filter, "model-gateway");
    client.write("GET http://model.test/ HTTP/1.1\r\nHost: model.test\r\nConnection: close\r\n\r\n");
    expect(problemOf(await readAnswer(client))).toMatchObject({ code: "request_invalid" });
  });
});
