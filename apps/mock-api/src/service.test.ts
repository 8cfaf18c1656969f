import { ConfigError, close, createLogger, createMetrics, listen, readConfig } from "@claws/service-kit";
import { afterEach, describe, expect, it } from "vitest";
import { createMockApiService } from "./service.ts";
import { Settings } from "./settings.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function start(env: Record<string, string> = { LISTEN_PORT: "0" }): Promise<string[]> {
  const settings = readConfig(Settings, { LISTEN_HOST: "127.0.0.1", ...env });
  const logger = createLogger("mock-api");
  logger.level = "silent";
  const service = await createMockApiService(settings, { logger, metrics: createMetrics("mock-api") });
  const origins: string[] = [];
  for (const { server, host, port } of service.listeners) {
    origins.push(`http://${host}:${await listen(server, port, host)}`);
    ending.push(() => close(server, 100));
  }
  return origins;
}

async function startOne(env?: Record<string, string>): Promise<string> {
  const [origin] = await start(env);
  if (origin === undefined) throw new Error("it listens somewhere");
  return origin;
}

describe("the mock API", () => {
  it("describes any request that it gets", async () => {
    const origin = await startOne({ LISTEN_PORT: "0", NAME: "weather" });
    const answer = await fetch(`${origin}/v1/any?q=1`, { method: "PUT", body: "hello" });
    expect(await answer.json()).toEqual({
      host: new URL(origin).host,
      method: "PUT",
      path: "/v1/any?q=1",
      bodyBytes: 5,
      message: "this is weather, a stand-in for a host on the internet",
    });
  });

  it("answers on every port of the list", async () => {
    const origins = await start({ LISTEN_PORTS: "0,0" });
    expect(origins).toHaveLength(2);
    for (const origin of origins) expect(await (await fetch(origin)).json()).toMatchObject({ path: "/" });
  });

  it.each([0, 1, 1_048_576])("sends %i bytes when asked", async (count) => {
    const body = await (await fetch(`${await startOne()}/bytes/${count}`)).arrayBuffer();
    expect(body.byteLength).toBe(count);
  });

  it.each(["bytes/1048577", "bytes/-1", "bytes/1.5", "bytes/x", "slow/60001", "slow/x"])(
    "refuses %s and says what it takes",
    async (path) => {
      const answer = await fetch(`${await startOne()}/${path}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: "request_invalid",
        detail: expect.stringContaining("0 to"),
      });
    },
  );

  it("answers late when asked", async () => {
    expect(await (await fetch(`${await startOne()}/slow/30`)).json()).toMatchObject({ path: "/slow/30" });
  });

  it.each(["80;443", "80,", "", "65536", "a"])("does not start with ports %j", (ports) => {
    const read = () => readConfig(Settings, { LISTEN_PORTS: ports });
    // Empty counts as unset.
    if (ports === "") expect(read().PORTS).toEqual([8080]);
    else expect(read).toThrow(ConfigError);
  });
});
